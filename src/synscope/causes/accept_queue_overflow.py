"""SYN131: the server does not accept connections fast enough."""

from __future__ import annotations

from synscope.causes.cause import Cause, Sign, always, never, on_each_os, usually, yes
from synscope.model import Answer, Kind, Stage

CAUSE = Cause(
    code="SYN131",
    slug="accept-queue-overflow",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server on port {port} does not accept connections fast enough",
    summary="The queue of connections that wait to be accepted on port {port} is full.",
    meaning=(
        "The kernel completes handshakes on behalf of a listener and queues them until it accepts. On "
        "Linux the queue holds backlog + 1 connections (backlog at most somaxconn); once it is full, a "
        "further SYN is ignored, which looks exactly like a DROP rule. Earlier handshakes that completed "
        "and stayed open, then silence, are its mark. Windows, and Linux with tcp_abort_on_overflow, send "
        "an RST instead. Connections that got into the queue complete, and then wait for an answer."
    ),
    documented_in=("A", "C"),
    stops=(Stage.QUEUE, Stage.ACCEPT),
    predicts=(
        always("accept-queue-full"),
        usually("kernel-says-queue-full", "many-completed-before-silence"),
        usually("listener-on-target", "some-completed"),
        never(Sign("listener-on-target", Answer.NO)),
    ),
    decided_by="the listener's Recv-Q against its Send-Q, and the counters ListenOverflows and ListenDrops",
    checks=on_each_os(
        linux="ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops",
        macos="netstat -Lan -p tcp | grep -e Listen -e '[.]{port}'",
        windows="Get-NetTCPConnection -LocalPort {port} | Group-Object State",
        expect="Recv-Q above Send-Q and rising overflow counters (macOS: qlen at maxqlen; Windows: many"
        " Established connections that the server does not work on)",
        then="the server is too slow or stuck: see what it does. An empty queue points to a firewall",
    ),
    fixes=(
        "Find out why the server does not call accept(): blocked, overloaded, too few workers.",
        "Raise the backlog of listen() and, on Linux, net.core.somaxconn; both count.",
        "Limit how many connections clients open at once; reuse connections.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man2/listen.2.html",
        "https://man7.org/linux/man-pages/man7/tcp.7.html",
        "https://learn.microsoft.com/en-us/windows/win32/api/winsock2/nf-winsock2-listen",
    ),
    proof=(
        yes("syn-unanswered", "accept-queue-full", "kernel-says-queue-full"),
        yes("syn-unanswered", "accept-queue-full", "no-firewall-rule"),
    ),
    says=(
        ("many-completed-before-silence", "Earlier handshakes completed and stayed open, then silence."),
        ("accept-queue-full", "The listener's queue is full or overflowed."),
        ("kernel-says-queue-full", "The kernel counted overflows of the queue."),
        ("some-completed", "Other handshakes to the port completed."),
    ),
)
