"""SYN112: the client connected to itself."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, listeners, on_each_os, seldom, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN112",
    slug="self-connection",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The client connected to itself: nothing is listening on port {port}",
    summary="Both ends of the connection have port {port} and the same address: no service is there.",
    meaning=(
        "A client whose local port is the very port that it connects to, at its own address, meets its own SYN: "
        "TCP takes it for a simultaneous open and completes the handshake without any listener. It happens to "
        "clients that retry until a service comes up, where the service's port lies in the range of ephemeral "
        "ports, and to those that bind that port themselves. What the client sends comes back to it, and the "
        "service can no longer take the port while the connection lasts. The SYN-ACK proves nothing here."
    ),
    documented_in=("field",),
    stops=(Stage.LISTENER, Stage.ACCEPT),
    predicts=(always("connected-to-itself"), seldom("listener-on-target")),
    decided_by="both ends of the connection: where they are equal, no listener was involved",
    checks=(
        *on_each_os(
            linux="ss -tanp 'sport = :{port} and dport = :{port}'; sysctl net.ipv4.ip_local_port_range",
            macos="netstat -an -p tcp | grep '[.]{port} .*[.]{port} ';"
            " sysctl net.inet.ip.portrange.first net.inet.ip.portrange.last",
            windows="Get-NetTCPConnection -LocalPort {port} -RemotePort {port};"
            " netsh interface ipv4 show dynamicport tcp",
            expect="one connection with the same address and port at both ends, and {port} within the range",
            then="end that client and start the service. Two different ends: it is an ordinary connection",
        ),
        *listeners("no line", "start the service: nobody listens on the port"),
    ),
    fixes=(
        "Start the service; end the client that holds the port first, for the service cannot bind it meanwhile.",
        "Give the service a port below the range of ephemeral ports, or reserve it:"
        " net.ipv4.ip_local_reserved_ports.",
        "Let a client that retries check that both ends of its connection differ, and not bind the service's port.",
    ),
    references=(
        "https://www.rfc-editor.org/rfc/rfc9293.html#section-3.5",
        "https://docs.kernel.org/networking/ip-sysctl.html",
    ),
    proof=(yes("connected-to-itself"),),
    shows_by=(yes("connected-to-itself"),),
    refines=("service-not-running", "server-hung"),
    says=(("connected-to-itself", "{observed}."),),
)
