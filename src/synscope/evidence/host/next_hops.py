"""Questions about what the way to the target leads over: its interface, its next hop, the client's own end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import on_each, on_linux
from synscope.evidence.host.routes import route_to, wanted
from synscope.evidence.host.view import HostView, is_local, joined
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Route

_NOT_LOOKED_UP: Final = "the way to the target was not looked up"
_SILENT: Final = ("incomplete", "failed")


def _of_each(view: HostView, ask: Callable[[Route], str], denied: Callable[[Route], str]) -> Reply:
    """Ask of the way to each address, in the last look that knows it: yes where all of them say something."""
    told, because = view.told(snapshot.loopback for snapshot in view.snapshots)
    ways = []
    for address in wanted(view):
        found = next(filter(None, (route_to(loopback, address) for loopback in reversed(told))), None)
        # Before there was more to tell than the way itself, a look had no interface.
        if found is None or (found.link is None and not found.own_end):
            return unknown(because or f"which interface leads to {address} is not known")
        ways.append(found)
    said = [ask(found) for found in ways]
    if ways and all(said):
        return yes(joined(said))
    return no(joined(map(denied, ways))) if ways else unknown(because or _NOT_LOOKED_UP)


def _is_over_loopback(view: HostView) -> bool:
    """Whether only loopback's addresses are meant, and somebody looked."""
    looks, _ = view.told(snapshot.loopback for snapshot in view.snapshots)
    return bool(looks) and all(map(is_local, wanted(view)))


def _next_hop(route: Route) -> str:
    return f"{route.gateway}, the next hop to {route.address}," if route.gateway else route.address


@question(
    "next-hop-silent",
    Source.HOST,
    "the machine that is next on the way to the target does not tell its link-layer address (ARP, NDP)",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ip route get {address}; ip neigh show nud failed nud incomplete",
        macos="route -n get {address}; arp -an",
        windows="Find-NetRoute -RemoteIPAddress {address}; Get-NetNeighbor -State Unreachable,Incomplete",
        reading="the address, or the gateway to it, is in the list: yes",
    ),
)
def next_hop_silent(view: HostView) -> Reply:
    """Look at the last state: while one is asked for the first time its entry is incomplete for a moment."""
    if _is_over_loopback(view):
        return no("the way is the loopback interface, which has no next hop")

    def silent(route: Route) -> str:
        if route.neighbour not in _SILENT or route.link is None:
            return ""
        return f"{_next_hop(route)} does not answer on {route.link.name} (its entry is {route.neighbour})"

    def answers(route: Route) -> str:
        return f"the entry of {_next_hop(route)} is {route.neighbour or 'not needed, or not there'}"

    return _of_each(view, silent, answers)


@question(
    "link-is-down",
    Source.HOST,
    "the interface that the way to the target leads over is switched off, or has no link",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ip route get {address}; ip -br link",
        macos="route -n get {address}; ifconfig",
        windows="Find-NetRoute -RemoteIPAddress {address}; Get-NetAdapter",
        reading="the interface is DOWN, or says NO-CARRIER: yes",
    ),
)
def link_is_down(view: HostView) -> Reply:
    if _is_over_loopback(view):
        return no("the way is the loopback interface")

    def down(route: Route) -> str:
        link = route.link
        if link is None or (link.up and link.carrier is not False):
            return ""
        why = "has no link (no carrier)" if link.up else "is switched off"
        return f"the interface {link.name}, over which {route.address} is reached, {why}"

    def works(route: Route) -> str:
        return f"the interface {route.link.name if route.link else '?'} is on and has a link"

    return _of_each(view, down, works)


@question(
    "client-end-leads-away",
    Source.HOST,
    "from the device or address that the client binds to, no way leads to the target, or another one",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "ip route get {address} oif DEVICE; ip route get {address} from ADDRESS",
        "an error, or another interface than without: yes",
    ),
)
def client_end_leads_away(view: HostView) -> Reply:
    def away(route: Route) -> str:
        own = route.own_way
        if not own or own == route.way or route.way.startswith("error: "):
            return ""
        # Of two ways to another machine either may be meant.
        if not own.startswith("error: ") and not route.way.startswith("local "):
            return ""
        leads = (
            f"there is none: {own.removeprefix('error: ')}" if own.startswith("error: ") else f"it is {own}"
        )
        return f"the way to {route.address} is {route.way}; from the client's {route.own_end} {leads}"

    def fits(route: Route) -> str:
        if not route.own_end:
            return "the client is not known to bind its own end"
        return f"from the client's {route.own_end} the way to {route.address} is {route.own_way}"

    return _of_each(view, away, fits)
