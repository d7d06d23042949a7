"""SYN101: no process serves the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, never, no, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN101",
    slug="service-not-running",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Nothing is listening on port {port}",
    summary="No process serves port {port} at the address the client uses.",
    meaning=(
        "A server serves a port only while one of its sockets listens there. Where none does, the "
        "kernel answers the SYN itself, at once, with RST and ACK: that answer is the whole evidence, "
        "and it is the same whether the service was never started, has stopped, or listens under "
        "another number or address. The guides also list 'SYN, no answer' under this cause. On a "
        "loopback interface that is imprecise: an ordinary stack answers a closed port with RST, so "
        "silence points to something that discards the SYN, and to a service that is not running only "
        "behind a firewall that hides closed ports (a DROP policy, stealth mode)."
    ),
    documented_in=("A", "B", "C"),
    stops=(Stage.LISTENER,),
    predicts=(
        usually("always-refused"),
        usually("rst-looks-like-kernel"),
        usually("client-error-refused"),
        usually("kernel-says-no-socket"),
        seldom("success-after-failures"),
        seldom("failures-after-success"),
        seldom("mixed-results"),
        seldom("kernel-saw-listener-open"),
        seldom("kernel-saw-listener-close"),
        seldom("program-crashed"),
        never("listener-on-target"),
    ),
    decided_by="the list of listeners: no line for the port means that nothing serves it",
    checks=(
        *listeners(
            "no line",
            "start the service and run it again: a line appears once it serves. If there is a line, compare "
            "its address and family with the client's",
        ),
        *on_each_os(
            linux="systemctl --failed; journalctl --since -10min -p err --no-pager",
            macos="launchctl list | awk '$2 != 0'",
            windows="Get-Service | Where-Object Status -eq Stopped",
            expect="the service, stopped or failed",
            then="start it, and read its log for the reason why it stopped",
        ),
    ),
    fixes=(
        "Start the service, or restart it, and wait until it reports that it listens on port {port}.",
        "If it will not stay up, repair what it needs: configuration, database, other services.",
        "To notice it next time: a health check on the port, and a supervisor that restarts the service.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.5.2",
        "https://man7.org/linux/man-pages/man2/listen.2.html",
        "https://man7.org/linux/man-pages/man8/ss.8.html",
    ),
    proof=(
        yes("refused-by-rst", "kernel-says-no-socket") + no("listener-on-target"),
        yes("refused-by-rst", "no-firewall-rule") + no("listener-on-target"),
    ),
    # Who runs is starting, hangs, or listens elsewhere; who was started may have failed.
    doubted_by=yes(
        "udp-or-unix-lookalike", "udp-serves-port", "server-without-listener", "command-starts-background"
    ),
    says=(
        ("command-stops-service", "The command itself speaks of stopping a service."),
        ("kernel-says-no-socket", "The kernel says that it dropped the SYN for want of a socket."),
        ("server-without-listener", "{observed}: it is still starting, hangs, or has another socket."),
        (
            "command-starts-background",
            "{observed}. If that is the server, it failed, is not ready yet, or listens elsewhere.",
        ),
        ("bound-not-listening", "A socket is bound to it but has not called listen()."),
    ),
    headlines=(("bound-not-listening", "{observed}"),),
)
