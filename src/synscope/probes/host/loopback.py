"""The loopback interface and the routes to its addresses, on Linux.

Output: a ``snapshot.Loopback`` of the calling thread's network namespace. Sources: rtnetlink(7),
linux/if_link.h, linux/rtnetlink.h, linux/fib_rules.h.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from synscope.probes.host import netlink, procfs, ways
from synscope.probes.host.client import ANYBODY, Client
from synscope.probes.host.snapshot import Loopback, Untold

_GET_LINK: Final = 18
_GET_ADDRESS: Final = 22
_GET_NEIGHBOUR: Final = 30
_GET_RULE: Final = 34
_FIRST: Final = 1
"""The kernel makes loopback each namespace's first interface (LOOPBACK_IFINDEX)."""
_IFF_UP: Final = 0x1
_INFO = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_IFLA_NAME: Final = 3
_IFLA_XDP: Final = 43
_IFLA_XDP_ATTACHED: Final = 2
_IFLA_XDP_PROGRAM: Final = 4
_GET_FILTER: Final = 46
_FILTER = struct.Struct("=BxxxiIII")
_TCA_KIND: Final = 1
_HOOKS: Final = ((0xFFFFFFF2, "ingress"), (0xFFFFFFF3, "egress"))
"""TC_H_CLSACT with TC_H_MIN_INGRESS and TC_H_MIN_EGRESS (linux/pkt_sched.h)."""
_IFA_ADDRESS: Final = 1
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_NDA_DESTINATION: Final = 1
_NUD_INCOMPLETE: Final = 0x01
_NUD_FAILED: Final = 0x20
_USUAL_RULES: Final = {socket.AF_INET: 3, socket.AF_INET6: 2}
_MOST: Final = 500
_MOST_ROUTES: Final = 16


def look(wanted: Sequence[str] = (), client: Client = ANYBODY, port: int = 0) -> Loopback | Untold:
    """Return its state, its addresses, and where the kernel would send packets to them and to those ``wanted``.

    ``client`` is who would send them, to ``port``.
    """
    try:
        body = _INFO.pack(0, 0, _FIRST, 0, 0)
        (answer,) = netlink.ask(netlink.ROUTE, _GET_LINK, body, flags=0)
        _, _, _, flags, _ = _INFO.unpack_from(answer)
        name = netlink.attributes(answer[_INFO.size :]).get(_IFLA_NAME, b"lo\0")
        addresses = _addresses()
    except (OSError, ValueError) as error:
        return Untold(f"the kernel does not show the loopback interface: {error}")
    disabled = procfs.number("sys/net/ipv6/conf/lo/disable_ipv6")
    return Loopback(
        name=name.rstrip(b"\0").decode(errors="replace"),
        up=bool(flags & _IFF_UP),
        addresses=tuple(address for index, address, _ in addresses if index == _FIRST),
        route_ipv4=ways.plain_way("127.0.0.1"),
        route_ipv6=ways.plain_way("::1"),
        ipv6_disabled=True if disabled is None else bool(disabled),
        others=tuple(address for index, address, _ in addresses if index != _FIRST)[:_MOST],
        extra_rules=sum(max(0, _rules(family) - usual) for family, usual in _USUAL_RULES.items()),
        routes=tuple(ways.way_to(address, addresses, client, port) for address in wanted[:_MOST_ROUTES]),
        silent_neighbours=_silent_neighbours(),
        programs=(*_xdp(netlink.attributes(answer[_INFO.size :])), *_filters()),
    )


def _xdp(link: Mapping[int, bytes]) -> Iterator[str]:
    """Yield the XDP program of the interface, where it has one."""
    found = netlink.attributes(link.get(_IFLA_XDP, b""))
    if any(found.get(_IFLA_XDP_ATTACHED, b"")):
        number = found.get(_IFLA_XDP_PROGRAM, b"")
        yield f"XDP program {int.from_bytes(number[:4], sys.byteorder)}" if number else "XDP programs"


def _filters() -> Iterator[str]:
    """Yield the kinds of traffic control's filters at the interface; none where it has no such hooks."""
    for parent, hook in _HOOKS:
        with contextlib.suppress(OSError, ValueError, struct.error):
            body = _FILTER.pack(0, _FIRST, 0, parent, 0)
            kinds = {
                netlink.attributes(answer[_FILTER.size :]).get(_TCA_KIND, b"?").rstrip(b"\0")
                for answer in netlink.ask(netlink.ROUTE, _GET_FILTER, body)
            }
            for kind in sorted(kinds):
                yield f"tc {hook} filter ({kind.decode(errors='replace')})"


def _silent_neighbours() -> tuple[str, ...] | None:
    """Return the addresses that were asked for their link-layer address and did not answer, or not yet."""
    found = []
    try:
        for answer in netlink.ask(netlink.ROUTE, _GET_NEIGHBOUR, _NEIGHBOUR.pack(0, 0, 0, 0, 0)):
            _, _, state, _, _ = _NEIGHBOUR.unpack_from(answer)
            address = netlink.attributes(answer[_NEIGHBOUR.size :]).get(_NDA_DESTINATION)
            if address and state & (_NUD_INCOMPLETE | _NUD_FAILED):
                found.append(str(ipaddress.ip_address(address)))
    except (OSError, ValueError):
        return None
    return tuple(dict.fromkeys(found))[:_MOST]


def _addresses() -> list[tuple[int, str, int]]:
    """Return every address with the number of its interface, and the length of its network's prefix."""
    found = []
    for answer in netlink.ask(netlink.ROUTE, _GET_ADDRESS, _ADDRESS.pack(0, 0, 0, 0, 0)):
        _, prefix, _, _, index = _ADDRESS.unpack_from(answer)
        address = netlink.attributes(answer[_ADDRESS.size :]).get(_IFA_ADDRESS)
        if address:
            found.append((index, str(ipaddress.ip_address(address)), prefix))
    return found


def _rules(family: int) -> int:
    try:
        return sum(1 for _ in netlink.ask(netlink.ROUTE, _GET_RULE, _ROUTE.pack(family, *[0] * 8)))
    except OSError:
        return 0
