"""SYN145: the loopback interface is down or has no address."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN145",
    slug="loopback-down",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The loopback interface is down or has no address",
    summary="Without a working loopback interface nothing can reach {host}:{port} on this machine.",
    meaning=(
        "A new network namespace starts with lo down; an administrator or a script can take it down or "
        "remove 127.0.0.1 or ::1. connect() then fails at once ('network unreachable', 'cannot assign "
        "requested address') without a packet. Windows has no loopback interface to take down: there the "
        "address answers as long as the TCP/IP stack works."
    ),
    documented_in=("A", "B"),
    stops=(Stage.ROUTE,),
    predicts=(
        always("loopback-is-down"),
        always("target-is-loopback"),
        usually("client-error-unreachable", "kernel-saw-no-way"),
        usually("kernel-saw-connect-without-syn"),
    ),
    decided_by="the state of lo, and ping 127.0.0.1",
    checks=on_each_os(
        linux="ip -br addr show lo; ping -c 1 127.0.0.1",
        macos="ifconfig lo0; ping -c 1 127.0.0.1",
        windows="ping -n 1 127.0.0.1; Get-NetIPAddress -IPAddress 127.0.0.1",
        expect="DOWN, or no 127.0.0.1 (or ::1, if the client uses that), and no reply",
        then="bring it up. If ping is answered, loopback is well",
    ),
    fixes=(
        "Linux: sudo ip link set lo up; if an address is missing: sudo ip addr add 127.0.0.1/8 dev lo.",
        "macOS: sudo ifconfig lo0 127.0.0.1 up. Windows: restart; then netsh int ip reset.",
        "In a network namespace, bring lo up when the namespace is made: ip -n NAME link set lo up. It does not lead"
        " to what listens outside: for that, let the client share the host's network (bwrap --share-net).",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ip-link.8.html",
        "https://man7.org/linux/man-pages/man7/network_namespaces.7.html",
        "https://www.rfc-editor.org/rfc/rfc1122#page-31",
    ),
    proof=(yes("no-syn-to-target", "loopback-is-down"),),
    says=(
        (
            "kernel-saw-command-leave-network",
            "The client has a network namespace of its own, with an lo that nobody brought up.",
        ),
        ("loopback-is-down", "The interface is down or has no address."),
        ("client-error-unreachable", "The client reported 'network' or 'host unreachable'."),
    ),
)
