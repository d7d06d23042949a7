"""SYN108: another program, or an old instance, has the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, Sign, always, listeners, never, no, on_each_os, usually, yes
from synscope.model import Answer, Kind, Stage

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
    stops=(Stage.LISTENER, Stage.TALK, Stage.SERVE, Stage.ACCEPT),
    predicts=(
        usually(
            "bind-failed-in-use",
            "kernel-saw-bind-in-use",
            "port-has-two-programs",
            "other-program-owns-port",
            "port-sharer-stopped",
            "usual-owner-answered",
        ),
        # A port that nobody holds can be had: what could not be bound was another one.
        always("port-held", "listener-on-target"),
        never(Sign("bind-failure-names-port", Answer.NO)),
    ),
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
    proof=(
        yes("refused-by-rst", "bind-failed-in-use", "port-held"),
        yes("some-completed", "bind-failed-in-use", "bind-failure-names-port"),
        yes("some-completed", "bind-failed-in-use", "kernel-saw-bind-in-use", "listener-on-target")
        + no("listener-on-another-port", "kernel-saw-listener-on-another-port"),
    ),
    shows_by=(
        yes(
            "bind-failed-in-use",
            "kernel-saw-bind-in-use",
            "port-has-two-programs",
            "other-program-owns-port",
            "port-sharer-stopped",
            "usual-owner-answered",
            "mixed-results",
            "bound-not-listening",
            "other-protocol-greeting",
            "http-client-error",
        ),
    ),
    refines=("service-not-running", "application-error", "protocol-mismatch"),
    says=(
        ("bind-failed-in-use", "The server's bind failed: address already in use."),
        ("kernel-saw-bind-in-use", "A bind failed, for the port is taken."),
        ("port-has-two-programs", "Two programs have it, for one family or address each."),
        ("port-sharer-stopped", "Two processes share it, and one of them is stopped."),
        ("other-program-owns-port", "A program other than the expected one owns it."),
        ("mixed-results", "Failures and successes alternate, as with one owner for each family."),
        ("bound-not-listening", "A socket holds the port without listening."),
    ),
    headlines=(
        ("port-sharer-stopped", "Two processes share port {port}, and one of them is stopped"),
        ("usual-owner-answered", "{observed}"),
        ("bind-failed-in-use", "Port {port} is taken: “{quoted}”"),
        ("port-has-two-programs", "{observed}"),
        ("other-program-owns-port", "{observed}"),
    ),
)
