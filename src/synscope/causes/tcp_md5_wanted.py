"""SYN159: the two ends do not agree about signed TCP."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, no, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN159",
    slug="tcp-md5-wanted",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server on port {port} wants signed TCP, and the client's signature does not fit",
    summary="One end of port {port} signs its TCP segments (TCP-MD5 or TCP-AO) and the other end does not, "
    "or they have different keys.",
    meaning=(
        "BGP and other routing daemons sign each TCP segment with a shared key: the option TCP-MD5 (RFC 2385) or "
        "TCP-AO (RFC 5925). The kernel checks it before the listener sees the SYN. A SYN without the option, with "
        "one of another key, or with one that nobody asked for, is dropped: no answer, no RST, no word in the "
        "server's log. Keys belong to addresses of peers, so one client gets in and another one does not."
    ),
    documented_in=("field",),
    stops=(Stage.IN,),
    predicts=(
        always("kernel-says-signature-drop"),
        usually(
            "listener-wants-signature", "others-sign-their-syn", "syn-is-signed", "signature-drops-counted"
        ),
        usually("syn-repeated"),
        seldom("firewall-rule-drops"),
    ),
    decided_by="the kernel's reason for the drop (TCP_MD5NOTFOUND and its like), or its counters",
    checks=on_each_os(
        linux="sudo ss -ltni 'sport = :{port}' | sed 's/=[^ ]*//g'; nstat -az 'TcpExtTCPMD5*' 'TcpExtTCPAO*'",
        macos="netstat -s -p tcp | grep -i -e md5 -e signature",
        windows="netstat -s -p tcp",
        expect="md5keys at the listener, or a counter that rises with each try",
        then="give both ends the same key for each other's address. Neither: look at the firewall",
    ),
    fixes=(
        "Give client and server the same key for each other's address (in BGP: the neighbour's password).",
        "Connect from the address that the server has a key for, or remove the key at the server.",
        "A plain client (nc, curl) cannot sign: its SYN is dropped even though the service is well.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc2385.html",
        "https://www.rfc-editor.org/rfc/rfc5925.html",
        "https://docs.kernel.org/networking/tcp_ao.html",
    ),
    proof=(
        yes("kernel-says-signature-drop"),
        yes("syn-unanswered", "others-sign-their-syn"),
        (
            *yes("syn-unanswered", "listener-wants-signature", "signature-drops-counted"),
            *no("syn-is-signed"),
        ),
    ),
    shows_by=(
        yes(
            "kernel-says-signature-drop",
            "listener-wants-signature",
            "others-sign-their-syn",
            "syn-is-signed",
            "signature-drops-counted",
        ),
    ),
    says=(
        ("kernel-says-signature-drop", "{observed}."),
        ("listener-wants-signature", "{observed}."),
        ("others-sign-their-syn", "{observed}."),
        ("syn-is-signed", "{observed}."),
    ),
)
