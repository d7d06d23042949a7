"""SYN109: the server is not allowed to bind the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, Sign, listeners, never, on_each_os, usually, yes
from synscope.model import Answer, Kind, Stage

CAUSE = Cause(
    code="SYN109",
    slug="bind-permission-denied",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The server was not allowed to bind port {port}",
    summary="The system refused port {port} to the server, so nothing listens there.",
    meaning=(
        "Ports below 1024 need a privilege on Linux (CAP_NET_BIND_SERVICE, or a lower "
        "ip_unprivileged_port_start) and on most Unix systems; macOS asks for it only when one address is "
        "bound, not for the wildcard. Windows asks for none, but it reserves ranges (Hyper-V, WSL) whose "
        "bind fails with error 10013. The server then ends or runs on without its port; the client is "
        "refused as if nobody had started it."
    ),
    documented_in=("A",),
    stops=(Stage.LISTENER,),
    predicts=(
        usually("bind-failed-permission", "kernel-saw-bind-denied"),
        never("listener-on-target"),
        never("listener-vanished"),
        never(Sign("bind-failure-names-port", Answer.NO)),
    ),
    decided_by="'Permission denied' (Windows: 10013) for the bind in the service's log",
    checks=(
        *on_each_os(
            linux="sysctl net.ipv4.ip_unprivileged_port_start; journalctl --since -10min --no-pager"
            " | grep -i 'permission denied'",
            macos="log show --last 10m --predicate 'eventMessage CONTAINS[c] \"permission denied\"'",
            windows="netsh interface ipv4 show excludedportrange protocol=tcp",
            expect="'permission denied' of the service, or a reserved range that contains {port}",
            then="use another port or grant the privilege. Without such a line, look at why it did not start",
        ),
        *listeners("no line", "the server does not hold the port"),
    ),
    fixes=(
        "Use a port of 1024 or above, outside the ranges that Windows reserves.",
        "Linux: setcap 'cap_net_bind_service=+ep' on the program, or AmbientCapabilities= in its unit.",
        "Or let a proxy with the privilege listen on {port} and forward it.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man7/capabilities.7.html",
        "https://docs.kernel.org/networking/ip-sysctl.html",
        "https://learn.microsoft.com/en-us/windows/win32/winsock/windows-sockets-error-codes-2",
    ),
    proof=(
        yes("refused-by-rst", "bind-failed-permission", "port-needs-privilege", "bind-failure-names-port"),
    ),
    shows_by=(
        # That a port needs privileges is so at every hour, with and without a server: it makes it possible, no more.
        yes("bind-failed-permission", "kernel-saw-bind-denied", "port-is-privileged", "port-needs-privilege"),
    ),
    refines=("service-not-running", "crashed-before-bind"),
    says=(
        ("bind-failed-permission", "The server's bind failed: permission denied."),
        (
            "kernel-saw-bind-denied",
            "A program was denied a bind, and only privileged ones may have this port.",
        ),
        ("port-is-privileged", "Only privileged programs may bind it here."),
        ("port-needs-privilege", "Ports below 1024 need a privilege on most systems."),
    ),
)
