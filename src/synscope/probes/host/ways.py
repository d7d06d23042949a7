"""The way to one address, looked up as connect() does it: route, rule, interface, next hop. Linux.

Input: an address, and who connects. Output: a ``snapshot.Route``. Of a way that is forbidden the kernel says only
the error: the rule or route is looked for among the rules and the forbidding routes, in the kernel's order, and named
only where it makes that error. Sources: rtnetlink(7), linux/rtnetlink.h, linux/fib_rules.h, ip-rule(8).
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from synscope.probes.host import netlink, procfs
from synscope.probes.host.client import Client
from synscope.probes.host.snapshot import Link, Route

_GET_LINK: Final = 18
_GET_ROUTE: Final = 26
_GET_NEIGHBOUR: Final = 30
_GET_RULE: Final = 34
_LOOPBACK: Final = 1
_INFO = struct.Struct("=BxHiII")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_NAME, _MTU, _STATE, _CARRIER = 3, 4, 16, 33
"""IFLA_IFNAME, IFLA_MTU, IFLA_OPERSTATE, IFLA_CARRIER."""
_IFF_UP: Final = 0x1
_STATES: Final = ("unknown", "not present", "down", "lower layer down", "testing", "dormant", "up")
_DESTINATION, _SOURCE, _OUT, _GATEWAY, _PREFERRED, _METRICS, _TABLE = 1, 2, 4, 5, 7, 8, 15
_MARK, _VIA, _UID, _PROTOCOL, _PORT = 16, 18, 25, 27, 29
"""RTA_… of linux/rtnetlink.h; the last three are what rules may look at besides."""
_METRIC_MTU: Final = 2
_WITH_TABLE: Final = 0x1000
"""RTM_F_LOOKUP_TABLE: say in which table it was found."""
_TYPES: Final = {
    1: "unicast",
    2: "local",
    3: "broadcast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
}
_FORBIDDING: Final = {6: errno.EINVAL, 7: errno.EHOSTUNREACH, 8: errno.EACCES}
"""Type of a route → what connect() fails with."""
_FORBIDDING_RULE: Final = {6: errno.EINVAL, 7: errno.ENETUNREACH, 8: errno.EACCES}
_TABLES: Final = {255: "local", 254: "main", 253: "default"}
_NEIGHBOUR_STATES: Final = {
    0x01: "incomplete",
    0x02: "reachable",
    0x04: "stale",
    0x08: "delay",
    0x10: "probe",
    0x20: "failed",
    0x40: "needs none",
    0x80: "permanent",
}
_MOST_RULES: Final = 2_000
_MOST_ROUTES: Final = 5_000
_TO_TABLE: Final = 1
_INVERTED: Final = 2
_TCP: Final = 6

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class _Found(NamedTuple):
    """The kernel's answer to a look-up."""

    code: int
    """The error, 0 for none."""
    kind: str = ""
    table: int = 0
    out: int = 0
    fields: Mapping[int, bytes] = {}

    @property
    def way(self) -> str:
        """The answer in a few words."""
        if self.code:
            return f"error: {os.strerror(self.code)}"
        return f"{self.kind} dev {name_of(self.out) if self.out else '?'}"


def plain_way(address: str) -> str:
    """Return where the kernel would send packets to an address, whoever sends them; or its error."""
    return _looked_up(ipaddress.ip_address(address), Client()).way


def way_to(address: str, have: Sequence[tuple[int, str, int]], client: Client, port: int = 0) -> Route:
    """Return the way to an address. ``have``: every address here with its interface's number and prefix length."""
    wanted = ipaddress.ip_address(address)
    free = client._replace(device="", source="")
    found = _looked_up(wanted, free, port)
    route = Route(
        address,
        found.way,
        _network_device(wanted, have),
        asked_as="" if client.uid is None else f"user {client.uid}",
        decided_by=_decided_by(wanted, found, free, port),
    )
    if client.end:
        route = route._replace(own_end=client.end, own_way=_looked_up(wanted, client, port).way)
    if not found.code:
        return _with_details(route, wanted, found)
    # An interface that is off takes its routes with it.
    return route._replace(link=_link(_index(route.network_device))) if route.network_device else route


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def _network_device(wanted: _Address, have: Sequence[tuple[int, str, int]]) -> str:
    """Name the interface that has an address's network; empty for an address of this machine."""
    if wanted.is_loopback or any(own == str(wanted) for _, own, _ in have):
        return ""
    networks = [
        (prefix, index)
        for index, own, prefix in have
        if index != _LOOPBACK and wanted in ipaddress.ip_network((own, prefix), strict=False)
    ]
    return name_of(max(networks)[1]) if networks else ""


def _family(address: _Address) -> int:
    return socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6


def _looked_up(address: _Address, client: Client, port: int = 0) -> _Found:
    length = 8 * len(address.packed)
    body = [netlink.attribute(_DESTINATION, address.packed)]
    source = _packed(client.source, address.version)
    if source:
        body.append(netlink.attribute(_SOURCE, source))
    if client.device:
        try:
            body.append(netlink.attribute(_OUT, struct.pack("=I", socket.if_nametoindex(client.device))))
        except OSError:
            return _Found(errno.ENODEV)
    if client.mark:
        body.append(netlink.attribute(_MARK, struct.pack("=I", client.mark)))
    if client.uid is not None:
        body.append(netlink.attribute(_UID, struct.pack("=I", client.uid)))
    if port:
        body.append(netlink.attribute(_PROTOCOL, bytes([_TCP])))
        body.append(netlink.attribute(_PORT, struct.pack("!H", port)))
    head = _ROUTE.pack(_family(address), length, length if source else 0, 0, 0, 0, 0, 0, _WITH_TABLE)
    try:
        (answer,) = netlink.ask(netlink.ROUTE, _GET_ROUTE, head + b"".join(body), flags=0)
        kind = _ROUTE.unpack_from(answer)[7]
        fields = netlink.attributes(answer[_ROUTE.size :])
        return _Found(
            0,
            _TYPES.get(kind, f"type {kind}"),
            _number(fields.get(_TABLE)),
            _number(fields.get(_OUT)),
            fields,
        )
    except (OSError, ValueError, struct.error) as error:
        return _Found(error.errno if isinstance(error, OSError) and error.errno else errno.EIO)


def _packed(text: str, version: int) -> bytes:
    with contextlib.suppress(ValueError):
        found = ipaddress.ip_address(text)
        return found.packed if found.version == version else b""
    return b""


def _number(field: bytes | None) -> int:
    return struct.unpack("=I", field[:4])[0] if field and len(field) >= 4 else 0  # noqa: PLR2004 - bytes of a u32


def name_of(index: int) -> str:
    """Return an interface's name."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"


# -- what the way leads over ------------------------------------------------------------------------------------


def _with_details(route: Route, address: _Address, found: _Found) -> Route:
    gateway = _text(found.fields.get(_GATEWAY)) or _text(found.fields.get(_VIA, b"")[2:])
    link = _link(found.out)
    metrics = netlink.attributes(found.fields.get(_METRICS, b""))
    mtu = _number(metrics.get(_METRIC_MTU))
    route = route._replace(
        gateway=gateway,
        source=_text(found.fields.get(_PREFERRED)),
        link=link,
        path_mtu=mtu if mtu and link is not None and link.mtu is not None and mtu < link.mtu else None,
    )
    if found.kind != "unicast":
        return route
    return route._replace(neighbour=_neighbour(ipaddress.ip_address(gateway or str(address)), found.out))


def _text(packed: bytes | None) -> str:
    try:
        return str(ipaddress.ip_address(packed)) if packed else ""
    except ValueError:
        return ""


def _link(index: int) -> Link | None:
    """Return what the kernel says of an interface."""
    try:
        (answer,) = netlink.ask(netlink.ROUTE, _GET_LINK, _INFO.pack(0, 0, index, 0, 0), flags=0)
        flags = _INFO.unpack_from(answer)[3]
    except (OSError, ValueError, struct.error):
        return None
    fields = netlink.attributes(answer[_INFO.size :])
    name = fields.get(_NAME, b"?").rstrip(b"\0").decode(errors="replace")
    state, carrier = fields.get(_STATE), fields.get(_CARRIER)
    filters = [procfs.number(f"sys/net/ipv4/conf/{each}/rp_filter") for each in ("all", name)]
    off = procfs.number(f"sys/net/ipv6/conf/{name}/disable_ipv6")
    return Link(
        name,
        up=bool(flags & _IFF_UP),
        carrier=None if not carrier else bool(carrier[0]),
        state=_STATES[state[0]] if state and state[0] < len(_STATES) else "",
        mtu=_number(fields.get(_MTU)) or None,
        reverse_path_filter=max((each for each in filters if each is not None), default=None),
        ipv6_disabled=None if off is None else bool(off),
    )


def _neighbour(address: _Address, index: int) -> str:
    """Return the state of a neighbour's entry; empty where there is none."""
    body = _NEIGHBOUR.pack(_family(address), index, 0, 0, 0) + netlink.attribute(1, address.packed)
    try:
        (answer,) = netlink.ask(netlink.ROUTE, _GET_NEIGHBOUR, body, flags=0)
        state = _NEIGHBOUR.unpack_from(answer)[2]
    except (OSError, ValueError, struct.error):
        return ""
    return next((word for bit, word in _NEIGHBOUR_STATES.items() if state & bit), "")


# -- who decided -------------------------------------------------------------------------------------------------


class _Rule(NamedTuple):
    """A routing rule."""

    priority: int
    action: int
    table: int
    matches: bool | None
    """Whether the packet meets it; ``None`` where that cannot be told."""
    text: str


def _decided_by(address: _Address, found: _Found, client: Client, port: int) -> str:
    """Name the rule or route that forbids the way or leads it away; empty where none does, or it is not known."""
    if not found.code and found.table in {0, *_TABLES}:
        return ""
    try:
        rules = sorted(_rules(address, client, port), key=lambda rule: rule.priority)
        if not found.code:
            return next(
                (
                    f"rule {rule.priority}: {rule.text}"
                    for rule in rules
                    if rule.matches is not False and rule.action == _TO_TABLE and rule.table == found.table
                ),
                "",
            )
        return _forbidding(address, found.code, rules)
    except (OSError, ValueError, struct.error):
        return ""


def _forbidding(address: _Address, code: int, rules: Sequence[_Rule]) -> str:
    """Follow the rules up to the first that makes this error."""
    routes = list(_forbidding_routes(address)) if code in _FORBIDDING.values() else []
    for rule in rules:
        if rule.matches is False:
            continue
        if _FORBIDDING_RULE.get(rule.action) == code:
            return f"rule {rule.priority}: {rule.text}"
        if rule.action == _TO_TABLE:
            inside = [
                (network.prefixlen, kind, network)
                for table, kind, network in routes
                if table == rule.table and _FORBIDDING[kind] == code
            ]
            if inside:
                _, kind, network = max(inside, key=lambda found: found[0])
                where = str(network.network_address) if network.num_addresses == 1 else str(network)
                return f"{_TYPES[kind]} {where} in table {_table(rule.table)}"
    return ""


def _table(number: int) -> str:
    return _TABLES.get(number, str(number))


def _forbidding_routes(address: _Address) -> Iterator[tuple[int, int, _Network]]:
    """Yield table, type and network of each forbidding route that holds the address."""
    for kind in _FORBIDDING:
        head = _ROUTE.pack(_family(address), 0, 0, 0, 0, 0, 0, kind, 0)
        for answer in islice(netlink.ask(netlink.ROUTE, _GET_ROUTE, head, strict=True), _MOST_ROUTES):
            _, length, _, _, table, _, _, its_kind, _ = _ROUTE.unpack_from(answer)
            if its_kind != kind:
                continue
            fields = netlink.attributes(answer[_ROUTE.size :])
            network = _network(fields.get(_DESTINATION), length, address.version)
            if address in network:
                yield _number(fields.get(_TABLE)) or table, kind, network


def _network(packed: bytes | None, length: int, version: int) -> _Network:
    return ipaddress.ip_network((packed or bytes(16 if version == 6 else 4), length), strict=False)  # noqa: PLR2004


_RULE_DESTINATION, _RULE_SOURCE, _RULE_IN, _PRIORITY, _RULE_MARK = 1, 2, 3, 6, 10
_RULE_TABLE, _RULE_MASK, _RULE_OUT, _RULE_UIDS, _RULE_PROTOCOL = 15, 16, 17, 20, 22
_RULE_SOURCE_PORTS, _RULE_PORTS = 23, 24
"""FRA_… of linux/fib_rules.h."""


def _rules(address: _Address, client: Client, port: int) -> Iterator[_Rule]:
    head = _ROUTE.pack(_family(address), *[0] * 8)
    for answer in islice(netlink.ask(netlink.ROUTE, _GET_RULE, head), _MOST_RULES):
        _, to, source, tos, table, _, _, action, flags = _ROUTE.unpack_from(answer)
        fields = netlink.attributes(answer[_ROUTE.size :])
        met: list[bool | None] = []
        words: list[str] = []
        if to:
            network = _network(fields.get(_RULE_DESTINATION), to, address.version)
            met.append(address in network)
            words.append(f"to {network.network_address if network.num_addresses == 1 else network}")
        if source:
            network = _network(fields.get(_RULE_SOURCE), source, address.version)
            met.append(None)  # before a source is chosen the kernel takes 0.0.0.0; a bound client's may fit
            words.insert(0, f"from {network.network_address if network.num_addresses == 1 else network}")
        _look_at_client(fields, client, port, met, words)
        if tos or fields.keys() & {_RULE_IN, _RULE_SOURCE_PORTS}:
            met.append(False if _RULE_IN in fields else None)
            words.append("of other packets")
        matches = False if False in met else None if None in met else True
        if flags & _INVERTED:
            matches = None if matches is None else not matches
            words.insert(0, "not")
        table = _number(fields.get(_RULE_TABLE)) or table
        does = f"lookup {_table(table)}" if action == _TO_TABLE else _TYPES.get(action, f"action {action}")
        yield _Rule(_number(fields.get(_PRIORITY)), action, table, matches, " ".join((*words, does)))


def _look_at_client(
    fields: Mapping[int, bytes], client: Client, port: int, met: list[bool | None], words: list[str]
) -> None:
    """Add what a rule wants of the client, and whether it has it."""
    if _RULE_MARK in fields or _RULE_MASK in fields:
        mark, mask = _number(fields.get(_RULE_MARK)), _number(fields.get(_RULE_MASK)) or 0xFFFFFFFF
        met.append(client.mark & mask == mark)
        words.append(f"fwmark {mark:#x}")
    if _RULE_UIDS in fields:
        low, high = struct.unpack("=II", fields[_RULE_UIDS][:8])
        met.append(None if client.uid is None else low <= client.uid <= high)
        words.append(f"uidrange {low}-{high}")
    if _RULE_OUT in fields:
        name = fields[_RULE_OUT].rstrip(b"\0").decode(errors="replace")
        met.append(client.device == name)
        words.append(f"oif {name}")
    if _RULE_PROTOCOL in fields:
        met.append(fields[_RULE_PROTOCOL][0] == _TCP)
        words.append(f"ipproto {fields[_RULE_PROTOCOL][0]}")
    if _RULE_PORTS in fields:
        low, high = struct.unpack("=HH", fields[_RULE_PORTS][:4])
        met.append(low <= port <= high)
        words.append(f"dport {low}" if low == high else f"dport {low}-{high}")
