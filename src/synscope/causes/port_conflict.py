"""SYN108: another program, or an old instance, has the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, no, on_each_os, shows, yes
from synscope.model import Answer, Kind, Label

CAUSE = Cause(
    code="SYN108",
    slug="port-conflict",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="Another program has port {port}",
    summary="The service could not get port {port}, or another program answers there.",
    meaning=(
        "Two sockets cannot listen on the same address and port, unless both ask for it (SO_REUSEPORT). "
        "The second one fails with 'address already in use' and its clients are refused, or the first one "
        "answers in its place. The owner can be an old instance that did not stop, and it may hold one "
        "address or one family only, so that every other attempt fails. Right after a restart, "
        "connections in TIME-WAIT hold the port as well for servers that do not set SO_REUSEADDR."
    ),
    documented_in=("A", "B", "C"),
    signatures=(
        shows(Label.SYN_RST, requires=yes("refused-by-rst")),
        shows(
            Label.COMPLETED,
            any_of=yes(
                "other-program-owns-port",
                "other-protocol-greeting",
                "http-client-error",
                "closed-before-answer",
                "reset-before-answer",
                "server-silent",
            ),
        ),
        shows(Label.COMPLETED, requires=yes("bind-failed-in-use"), unless=yes("command-succeeded")),
    ),
    supports=(
        Clue("bind-failed-in-use", 140, "The server's bind failed: address already in use."),
        Clue("kernel-saw-bind-in-use", 100, "A bind failed, for the port is taken.", when=yes("port-held")),
        Clue("kernel-saw-bind-in-use", 70, when=yes("listener-on-target")),
        Clue("port-has-two-programs", 90, "Two programs have it, for one family or address each."),
        Clue("other-program-owns-port", 60, "A program other than the expected one owns it."),
        Clue("mixed-results", 25, "Failures and successes alternate, as with one owner for each family."),
        Clue("bound-not-listening", 12, "A socket holds the port without listening."),
        Clue("some-completed", 3),
    ),
    weakened_by=(
        Clue("port-held", 120, answer=Answer.NO, when=no("listener-on-target")),
        Clue("rst-looks-like-firewall", 4, when=yes("loopback-traffic")),
    ),
    contradicts=yes("kernel-says-netfilter-drop", "kernel-says-firewall-reset"),
    decisive=(
        yes("refused-by-rst", "bind-failed-in-use", "port-held"),
        yes("some-completed", "bind-failed-in-use", "bind-failure-names-port"),
        yes("some-completed", "bind-failed-in-use", "kernel-saw-bind-in-use", "listener-on-target")
        + no("listener-on-another-port", "kernel-saw-listener-on-another-port"),
    ),
    refines=("service-not-running", "application-error", "protocol-mismatch"),
    decided_by="the owner of the port, or 'address already in use' in the log of the service",
    checks=(
        *listeners(
            "a program other than the service, an old process number, or two lines",
            "stop the program that should not be there, then restart the service",
        ),
        *on_each_os(
            linux="ss -tanp '( sport = :{port} )'",
            macos="netstat -an -p tcp | grep '[.]{port} '",
            windows="Get-NetTCPConnection -LocalPort {port} | Select-Object State, OwningProcess",
            expect="TIME-WAIT lines only: the old connections still hold the port",
            then="wait a minute, or set SO_REUSEADDR in the server",
        ),
    ),
    fixes=(
        "Stop the old instance or the other program that owns port {port}, then start the service again.",
        "Or give one of the two another port, and correct its clients.",
        "Let the service shut down gracefully and set SO_REUSEADDR (Windows: SO_EXCLUSIVEADDRUSE).",
    ),
    references=(
        "https://man7.org/linux/man-pages/man2/bind.2.html",
        "https://man7.org/linux/man-pages/man7/socket.7.html",
        "https://learn.microsoft.com/en-us/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse",
    ),
)
