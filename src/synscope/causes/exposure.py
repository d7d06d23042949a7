"""SYN171: the service can be reached from the network."""

from __future__ import annotations

from synscope.causes.cause import Cause, listeners, yes
from synscope.model import Kind

CAUSE = Cause(
    code="SYN171",
    slug="exposure",
    kind=Kind.WARNING,
    since="0.1.0",
    title="Port {port} can be reached from the network",
    summary="The service on port {port} listens on all addresses, not on loopback only.",
    meaning=(
        "A listener on 0.0.0.0 or [::] takes connections from every network that the machine is on, unless a "
        "firewall stops them. For a development server, a debugger or an admin endpoint, which often ask for "
        "no password, that is seldom meant. It does not keep the client from connecting: this is a warning."
    ),
    documented_in=("B",),
    stops=(),
    predicts=(),
    decided_by="the address in the listener's line",
    checks=listeners(
        "0.0.0.0:{port}, *:{port} or [::]:{port}",
        "bind 127.0.0.1 unless others shall reach it. 127.0.0.1:{port} means that it is not exposed",
    ),
    fixes=(
        "Bind 127.0.0.1 (and ::1), unless others shall reach the service.",
        "If they shall: require authentication and TLS, and allow only their networks in the firewall.",
        "Containers: publish 127.0.0.1:{port}:INNER_PORT instead of {port}:INNER_PORT.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man7/ip.7.html",
        "https://docs.docker.com/engine/network/port-publishing/",
        "https://cwe.mitre.org/data/definitions/1327.html",
    ),
    proof=(yes("listener-exposed"),),
    shows_by=(yes("listener-exposed"),),
    says=(
        (
            "port-usual-for-control-plane",
            "Agents and debuggers that use this port often ask for no password.",
        ),
    ),
)
