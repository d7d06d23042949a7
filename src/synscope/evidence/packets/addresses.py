"""Questions about the addresses the attempts ran between."""

from __future__ import annotations

from synscope.evidence import target_number
from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import (
    NO_ATTEMPT,
    PacketsView,
    attempts,
    frames_of,
    is_ipv6,
    is_local,
    total,
)
from synscope.evidence.question import OwnConnect, Reply, no, question, second_observer, unknown, yes
from synscope.model import Source
from synscope.reference.loopback import is_loopback
from synscope.units import count


def _one_family(view: PacketsView, *, ipv6: bool) -> Reply:
    name, other = ("IPv6", "IPv4") if ipv6 else ("IPv4", "IPv6")
    if not view.failing:
        return no("no attempt failed that counts" if view.decided else NO_ATTEMPT)
    strangers = [group for group in view.failing if is_ipv6(group.server.address) is not ipv6]
    if strangers:
        return no(f"{count(total(strangers), 'failing attempt')} went to {other}")
    addresses = sorted({group.server.address for group in view.failing})
    text = f"{count(total(view.failing), 'failing attempt')}, only to {name}: {', '.join(addresses[:4])}"
    return yes(text, frames_of(attempts(view.failing), lambda f: f.first))


@question(
    "refused-address-is-ipv6-only",
    Source.PACKETS,
    "all failing attempts went to IPv6 addresses",
    by_hand=in_capture("tcp.flags.reset == 1", "every RST comes from an IPv6 address: yes"),
    own_connect=OwnConnect.SHOWS,
)
def refused_address_is_ipv6_only(view: PacketsView) -> Reply:
    return _one_family(view, ipv6=True)


@question(
    "refused-address-is-ipv4-only",
    Source.PACKETS,
    "all failing attempts went to IPv4 addresses",
    by_hand=in_capture("tcp.flags.reset == 1", "every RST comes from an IPv4 address: yes"),
    own_connect=OwnConnect.SHOWS,
)
def refused_address_is_ipv4_only(view: PacketsView) -> Reply:
    return _one_family(view, ipv6=False)


@question(
    "loopback-traffic",
    Source.PACKETS,
    "the attempts run between loopback addresses or one host's own addresses",
    by_hand=in_capture("(ip.dst == 127.0.0.0/8 || ipv6.dst == ::1)", "every frame is listed: yes"),
)
def loopback_traffic(view: PacketsView) -> Reply:
    seen = attempts(view.groups)
    if not seen:
        return unknown(NO_ATTEMPT)
    local = [attempt for attempt in seen if is_local(attempt)]
    if len(local) == len(seen):
        pair = f"{local[0].client.address} to {local[0].server.address}"
        return yes(f"all attempts run between addresses of one host, such as {pair}")
    if local:
        return unknown("some attempts run within one host and some between hosts")
    return no(f"attempts run between hosts, such as {seen[0].client.address} to {seen[0].server.address}")


@second_observer(target_number.target_is_loopback, Source.PACKETS)
def target_is_loopback(view: PacketsView) -> Reply:
    """Look at the addresses that attempts went to."""
    servers = sorted({group.server.address for group in view.groups})
    if not servers:
        return unknown("the request names no address, and none was seen")
    local = [address for address in servers if is_loopback(address)]
    if len(local) == len(servers):
        return yes(f"all attempts went to {', '.join(servers[:4])}")
    return (
        unknown("attempts went to loopback and to other addresses")
        if local
        else no(f"attempts went to {', '.join(servers[:4])}")
    )
