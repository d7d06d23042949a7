"""SYN109: the server is not allowed to bind the port."""

from __future__ import annotations

from synscope.causes.cause import Cause, Clue, listeners, on_each_os, shows, yes
from synscope.model import Answer, Kind, Label

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
    signatures=(shows(Label.SYN_RST, requires=yes("refused-by-rst")),),
    supports=(
        Clue("bind-failed-permission", 140, "The server's bind failed: permission denied."),
        Clue(
            "kernel-saw-bind-denied",
            120,
            "A program was denied a bind, and only privileged ones may have this port.",
            when=yes("port-is-privileged"),
        ),
        Clue("port-is-privileged", 25, "Only privileged programs may bind it here."),
        Clue("port-needs-privilege", 12, "Ports below 1024 need a privilege on most systems."),
        Clue("policy-denied", 15),
    ),
    weakened_by=(
        Clue("bind-failure-names-port", 150, answer=Answer.NO),
        Clue("port-needs-privilege", 3, answer=Answer.NO),
        Clue("port-is-privileged", 30, answer=Answer.NO),
        Clue("some-completed", 4),
        Clue("rst-looks-like-firewall", 3, when=yes("loopback-traffic")),
    ),
    contradicts=yes(
        "listener-on-target", "kernel-says-netfilter-drop", "kernel-says-firewall-reset", "listener-vanished"
    ),
    decisive=(
        yes("refused-by-rst", "bind-failed-permission", "port-needs-privilege", "bind-failure-names-port"),
    ),
    refines=("service-not-running",),
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
)
