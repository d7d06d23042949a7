"""SYN135: the listener waits for the client's first byte, and the client for the server's."""

from __future__ import annotations

from synscope.causes.cause import Cause, never, no, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN135",
    slug="deferred-accept",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The listener on port {port} waits for the client to speak first",
    summary="The client acknowledged the SYN-ACK of port {port} and waits for a greeting; nobody speaks.",
    meaning=(
        "With TCP_DEFER_ACCEPT (or an accept filter on BSD) the kernel hands a connection to the program only "
        "when the client's first data is there. For a protocol in which the server speaks first (SMTP, FTP, SSH, "
        "MySQL) both sides then wait. The kernel keeps the handshake unfinished (SYN-RECV) until the option's "
        "time is over; some repeat their SYN-ACK meanwhile. When the client gives up, its FIN or "
        "QUIT ends the wait, and the greeting comes at that moment. An ACK that is "
        "lost on its way in, and an accept queue that is full, make it repeat its SYN-ACK as well."
    ),
    documented_in=("field",),
    stops=(Stage.ACCEPT,),
    predicts=(
        usually(
            "nobody-spoke", "syn-ack-repeated-after-ack", "greeted-when-client-left", "server-side-unfinished"
        ),
        seldom("accept-queue-full", "kernel-says-queue-full"),
        seldom("firewall-rule-drops", "firewall-rule-rejects"),
        never("server-process-stopped"),
    ),
    decided_by="whether the server greets a client that sends a line first",
    checks=(
        *on_each_os(
            linux="(printf '\\r\\n'; sleep 2) | nc -w 3 {address} {port}",
            macos="(printf '\\r\\n'; sleep 2) | nc -w 3 {address} {port}",
            windows="$c = [Net.Sockets.TcpClient]::new('{address}', {port}); $s = $c.GetStream();"
            " $s.Write((13,10),0,2); Start-Sleep 1; $s.DataAvailable",
            expect="the server's greeting, which does not come without the line",
            then="switch deferred accept off for this listener. No greeting either: the program does not answer",
        ),
        *on_each_os(
            linux="ss -tn state syn-recv 'sport = :{port}'",
            macos="netstat -an -p tcp | grep '[.]{port} .*SYN_RCVD'",
            windows="Get-NetTCPConnection -LocalPort {port} -State SynReceived",
            expect="the client's connection in SYN-RECV while the client has it as established",
            then="the kernel keeps it from the program: deferred accept, or a full accept queue (ss -ltn)",
        ),
    ),
    fixes=(
        "Do not set TCP_DEFER_ACCEPT where the server speaks first: 'deferred' in nginx's listen, 'defer-accept' in"
        " HAProxy's bind, DeferAcceptSec= of systemd sockets, AcceptFilter in Apache.",
        "Or let the client send its first bytes at once, where the protocol allows it.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man7/tcp.7.html",
        "https://nginx.org/en/docs/http/ngx_http_core_module.html#listen",
        "https://www.freedesktop.org/software/systemd/man/latest/systemd.socket.html",
    ),
    proof=(
        yes("syn-ack-repeated-after-ack") + no("accept-queue-full", "firewall-rule-drops"),
        yes("greeted-when-client-left", "server-side-unfinished"),
    ),
    # A connection in SYN-RECV alone is an accept queue that is full, or an ACK that was lost.
    shows_by=(yes("syn-ack-repeated-after-ack", "greeted-when-client-left", "nobody-spoke"),),
    refines=("server-hung", "client-timeout-too-short"),
    says=(
        ("syn-ack-repeated-after-ack", "{observed}."),
        ("greeted-when-client-left", "{observed}."),
        ("nobody-spoke", "{observed}."),
    ),
)
