"""SYN101: no process serves the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, no, on_each_os, shows, yes
from synscope.model import Answer, Kind, Label

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
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(Label.SYN_NO_REPLY, requires=yes("syn-unanswered")),
        shows(Label.CLIENT_NEVER_SENT, requires=no("listener-on-target")),
    ),
    supports=(
        Clue("listener-on-target", 40, "No listener has it on this machine.", answer=Answer.NO),
        Clue("kernel-says-no-socket", 40, "The kernel says that it dropped the SYN for want of a socket."),
        Clue("client-error-refused", 15),
        Clue("always-refused", 5),
        Clue("rst-looks-like-kernel", 5),
        Clue("command-stops-service", 80, "The command itself speaks of stopping a service."),
        Clue("udp-or-unix-lookalike", 10, "Something serves it over UDP or a Unix socket, which is not TCP."),
        Clue("bound-not-listening", 10, "A socket is bound to it but has not called listen()."),
        # It was for another port.
        Clue("bind-failure-names-port", 60, answer=Answer.NO, when=yes("kernel-saw-bind-denied")),
        # The kernel does not say in which namespace: it was that one.
        Clue("listener-in-other-namespace", 60, when=yes("kernel-saw-listener-open")),
        Clue("listener-in-other-namespace", 60, when=yes("kernel-saw-listener-close")),
    ),
    weakened_by=(
        Clue("success-after-failures", 20),
        Clue("failures-after-success", 15),
        Clue("mixed-results", 15),
        Clue("other-family-completed", 25),
        Clue("other-address-completed", 25),
        Clue("rst-looks-like-firewall", 20, when=yes("loopback-traffic")),
        Clue("listener-on-other-address", 20),
        Clue("listener-on-other-family", 20),
        Clue("listener-in-other-namespace", 73, when=no("listener-on-target")),
        Clue("container-publishes-port", 40, when=yes("no-syn-to-target")),
        Clue("container-publishes-port", 110, when=yes("refused-by-rst") + no("listener-on-target")),
        Clue("listener-in-other-namespace", 30, when=yes("container-publishes-port")),
        Clue("listener-on-similar-port", 30),
        Clue("kernel-saw-listener-on-another-port", 30),
        Clue("failures-after-success", 25, when=no("listener-on-target")),
        Clue("kernel-saw-listener-open", 60),
        Clue("kernel-saw-listener-close", 60),
        Clue("bind-failed-in-use", 40),
        Clue("bind-failed-permission", 40),
        Clue("program-crashed", 40),
        Clue("model-told-of", 60),
        Clue("kernel-saw-bind-denied", 60, when=yes("port-is-privileged")),
        Clue("kernel-saw-bind-not-permitted", 60),
        Clue("kernel-saw-bind-in-use", 40, when=yes("port-held")),
    ),
    contradicts=yes("listener-on-target", "kernel-says-netfilter-drop", "kernel-says-firewall-reset"),
    doubted_by=yes(
        "listener-on-similar-port",
        "listener-on-another-port",
        "kernel-saw-listener-on-another-port",
        "listener-in-other-namespace",
        "container-publishes-port",
        "listener-appeared-later",
        "listener-vanished",
        "kernel-saw-listener-open",
        "kernel-saw-listener-close",
        "success-after-failures",
        "failures-after-success",
        "mixed-results",
        "bind-failed-in-use",
        "bind-failed-permission",
        "policy-denied",
        "model-told-of",
        "port-is-privileged",
        "kernel-saw-bind-denied",
        "kernel-saw-bind-not-permitted",
        "kernel-saw-bind-in-use",
        "program-crashed",
    ),
    decisive=(
        yes("refused-by-rst", "kernel-says-no-socket")
        + no("listener-on-target", "listener-on-other-address", "listener-on-other-family"),
        yes("refused-by-rst", "no-firewall-rule")
        + no("listener-on-target", "listener-on-other-address", "listener-on-other-family"),
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
)
