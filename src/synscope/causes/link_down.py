"""SYN128: the interface that leads to the target is off, or has no link."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN128",
    slug="link-down",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="The interface that leads to {address} is off or has no link",
    summary="The only way to {address} leads over an interface that is switched off or has no carrier.",
    meaning=(
        "An interface that is switched off takes its routes with it: connect() fails at once with 'Network is "
        "unreachable'. One that is on and has no carrier (an unplugged cable, the other half of a virtual pair that "
        "is down, a VPN that is not connected) keeps them, and the SYN goes nowhere."
    ),
    documented_in=("field",),
    stops=(Stage.ROUTE,),
    predicts=(
        always("link-is-down"),
        usually("client-error-unreachable", "kernel-says-route-drop", "kernel-saw-connect-without-syn"),
    ),
    decided_by="the state of the interface that 'ip route get' names",
    checks=on_each_os(
        linux="ip route get {address}; ip -br link",
        macos="route -n get {address}; ifconfig",
        windows="Find-NetRoute -RemoteIPAddress {address}; Get-NetAdapter",
        expect="the interface is DOWN, or says NO-CARRIER",
        then="switch it on, plug it in, connect the VPN. It is UP with a carrier: this is not the cause",
    ),
    fixes=(
        "Switch it on: sudo ip link set NAME up, and give it its routes again (networkctl, nmcli).",
        "No carrier: look at the other end, which is a cable's, a bridge's, a container's or a VPN's.",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ip-link.8.html",
        "https://www.rfc-editor.org/rfc/rfc2863.html",
    ),
    proof=(yes("no-syn-to-target", "link-is-down"),),
    # Who goes to a proxy needs no way of its own.
    doubted_by=yes(
        "proxy-request-names-target", "proxy-port-tried", "client-error-proxy", "similar-port-tried"
    ),
    shows_by=(yes("link-is-down"),),
    refines=("route-leads-away", "next-hop-silent"),
    says=(("link-is-down", "{observed}."),),
)
