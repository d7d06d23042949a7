"""SYN124: a route or a routing rule forbids the way to the target, or leads it elsewhere."""

from __future__ import annotations

from synscope.causes.cause import Cause, always, on_each_os, seldom, usually, yes
from synscope.model import Kind, Stage

CAUSE = Cause(
    code="SYN124",
    slug="route-leads-away",
    kind=Kind.FAILURE,
    since="0.1.0",
    title="A route keeps the client from {address}",
    summary="A route or a routing rule forbids the way to {address}, or leads it to another interface.",
    meaning=(
        "The kernel looks the address up in its routing rules and tables before it makes a SYN. An unreachable "
        "route fails at once with 'No route to host', a prohibit route with 'Permission denied', a blackhole with "
        "'Invalid argument', no route at all with 'Network is unreachable'. A VPN or a rule can also lead the "
        "address to another interface: then the SYN leaves, and nobody there answers."
    ),
    documented_in=("field",),
    # Where it leads to another interface the SYN is on a wire, and is discarded there.
    stops=(Stage.ROUTE, Stage.IN),
    predicts=(
        always("route-leads-away"),
        usually("client-error-unreachable", "client-error-denied"),
        usually("kernel-saw-connect-without-syn", "kernel-says-route-drop", "kernel-says-localnet-drop"),
        seldom("name-leads-to-another-machine"),
    ),
    decided_by="what 'ip route get' says of the address",
    checks=on_each_os(
        linux="ip route get {address}; ip rule; ip route show table all | grep -E 'unreachable|blackhole|prohibit'",
        macos="route -n get {address}; netstat -rn",
        windows="Find-NetRoute -RemoteIPAddress {address}; route print",
        expect="an error, a type such as unreachable or blackhole, or an interface that is not the address's own",
        then="remove the route or the rule, or end the VPN that made it. 'local ... dev lo': this is not the cause",
    ),
    fixes=(
        "Remove it: sudo ip route del TYPE {address}, or sudo ip rule del pref NUMBER.",
        "A VPN that takes every address: leave the address out of it (split tunnel).",
        "Rules of routing for loopback: keep 'from all lookup local' first (ip rule add pref 0 lookup local).",
    ),
    references=(
        "https://man7.org/linux/man-pages/man8/ip-route.8.html",
        "https://man7.org/linux/man-pages/man8/ip-rule.8.html",
    ),
    proof=(yes("no-syn-to-target", "route-leads-away"), yes("syn-unanswered", "route-leads-away")),
    # Who goes to a proxy needs no way of its own.
    doubted_by=yes(
        "proxy-request-names-target", "proxy-port-tried", "client-error-proxy", "similar-port-tried"
    ),
    shows_by=(yes("route-leads-away"),),
    says=(("route-leads-away", "{observed}."),),
    refines=("loopback-down", "security-policy", "name-resolution", "packet-discarded", "next-hop-silent"),
)
