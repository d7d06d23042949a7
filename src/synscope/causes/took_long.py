"""SYN172: it worked, after a wait."""

from __future__ import annotations

from synscope.causes.cause import Cause, on_each_os, yes
from synscope.model import Check, Kind

CAUSE = Cause(
    code="SYN172",
    slug="took-long",
    kind=Kind.WARNING,
    since="0.1.0",
    title="The connection to port {port} worked, but took long",
    summary="The client had to wait before its connection to port {port} stood.",
    meaning=(
        "On one machine a handshake takes microseconds. One that takes half a second or more lost a segment: "
        "something discarded the client's SYN or the server's SYN-ACK, and the client sent its SYN again after "
        "a timeout, usually of a second. A full accept queue, a rule that limits new connections, and a firewall "
        "that drops at random all look like this. Windows sends a refused SYN again for two seconds before it "
        "goes on with the next address. The connection works, so this is a warning; under load it becomes a "
        "failure."
    ),
    documented_in=("field",),
    stops=(),
    predicts=(),
    decided_by="what the kernel counts and drops while the wait is reproduced",
    checks=(
        *on_each_os(
            linux="nstat -az TcpExtListenOverflows TcpExtListenDrops; ss -ltn 'sport = :{port}'",
            macos="netstat -s -p tcp | grep -i listen; netstat -L -an | grep '\\.{port} '",
            windows="Get-NetTCPConnection -LocalPort {port} | Group-Object State -NoElement",
            expect="the overflows rise with each try, or as many connections wait as the queue holds",
            then="the accept queue was full: the service accepts too slowly, or its backlog is too small",
        ),
        Check(
            "linux",
            "sudo nft list ruleset; sudo iptables-save -c",
            "a rule with limit, connlimit, recent or statistic covers port {port}",
            "the rule lets only some SYNs pass. Raise its limit, or exempt the loopback interface",
        ),
        Check(
            "linux",
            "sudo timeout 10 perf trace --no-syscalls -e skb:kfree_skb",
            "a line for a segment of port {port} with a reason",
            "the reason names what threw the segment away",
        ),
    ),
    fixes=(
        "Let the service accept faster, or raise its backlog and the system's limit (net.core.somaxconn).",
        "Exempt the loopback interface from rules that limit new connections.",
        "Where the wait is that for another address: name the served address in the client (127.0.0.1 or ::1).",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc6298.html#section-2",
        "https://man7.org/linux/man-pages/man2/listen.2.html",
    ),
    proof=(
        yes("handshake-took-long"),
        yes("answer-took-long"),
        yes("detour-took-long"),
        yes("success-after-failures", "command-succeeded"),
    ),
    shows_by=(
        yes("handshake-took-long", "answer-took-long", "detour-took-long", "success-after-failures"),
        yes("handshake-took-long", "answer-took-long", "detour-took-long", "command-succeeded"),
    ),
)
