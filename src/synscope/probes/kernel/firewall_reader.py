"""Reads the firewall's trace as it comes, within bounds.

Input: the socket that ``firewall_table`` subscribed. Output: the walks of the packets. Needs no privilege. The kernel
sends an event for each rule that a marked packet matched and for each policy that it met; only the first in each base
chain holds the packet's headers, the others name it by a number. Source: linux/netfilter/nf_tables.h
(``nft_trace_attributes``), nf_tables_trace.c.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from synscope.model import Endpoint
from synscope.probes.host.netlink import attributes
from synscope.probes.kernel.firewall_table import FIRST_IN, FIRST_OUT, LAST, MARK, SYNS_AT_ONCE, received
from synscope.probes.kernel.firewall_walks import (
    MOST_CHAINS,
    SYN,
    FirewallTrace,
    RulePlace,
    Stop,
    Walk,
    Way,
)

MOST_WALKS: Final = 1_000
MOST_EVENTS: Final = 100_000
"""Then reading ends: some 2 s of one core."""
_TRACE: Final = 10 << 8 | 17
"""NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE"""
_LARGEST: Final = 1 << 16
_READS: Final = 2_000
"""Messages in one go, so that a flood cannot keep the caller."""
_LONGEST_NAME: Final = 64
_DEVICE: Final = "netdev"
_FAMILIES: Final = {1: "inet", 2: "ip", 5: _DEVICE, 7: "bridge", 10: "ip6"}
_STOPS: Final = {0: Stop.DROP, 3: Stop.QUEUE}
_POLICY, _RULE = 1, 3
_NUMBER = struct.Struct(">I")
_LONG = struct.Struct(">Q")
_SEGMENT = struct.Struct(">HHIIBB")
_IPV4, _IPV6 = 4, 6
_IPV4_SIZE, _IPV6_SIZE = 20, 40
_VERDICT_MASK: Final = 0xFF

# Attributes of a trace event.
_A_TABLE, _A_CHAIN, _A_HANDLE, _A_TYPE, _A_VERDICT, _A_ID = 1, 2, 3, 4, 5, 6
_A_NETWORK, _A_TRANSPORT, _A_IIF, _A_OIF, _A_POLICY = 8, 9, 10, 12, 16


@dataclass(slots=True)
class _Open:
    """A walk that goes on."""

    ts_ns: int
    source: Endpoint
    destination: Endpoint
    seq: int
    ack: int
    flags: int
    way: Way
    chains: dict[RulePlace, None] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    stop: Stop | None = None
    at: RulePlace | None = None

    def let_go(self) -> None:
        """The packet goes on: the program that it was handed to has let it."""
        if self.stop is Stop.QUEUE:
            self.stop = self.at = None

    def closed(self) -> Walk:
        return Walk(
            self.ts_ns,
            self.source,
            self.destination,
            self.seq,
            self.ack,
            self.flags,
            self.way,
            tuple(self.chains),
            tuple(self.passed),
            self.stop,
            self.at,
        )


class FirewallReader:
    """Owns the socket until ``close``."""

    def __init__(self, trace: socket.socket, table: str, ports: Collection[int]) -> None:
        """Read ``trace``, in which ``table`` is our own, for packets of these ports."""
        self._socket: socket.socket | None = trace
        self._table = table
        self._ports = frozenset(ports)
        self._walks: list[_Open] = []
        self._of_packet: dict[int, _Open] = {}
        self._events = 0
        self._syns = dict.fromkeys(Way, 0)
        self._lost = ""

    @property
    def trace(self) -> FirewallTrace:
        """What came until now."""
        crowded = max(self._syns.values()) >= SYNS_AT_ONCE and "there were more connects than are traced"
        return FirewallTrace(
            tuple(walk.closed() for walk in self._walks), incomplete=self._lost or crowded or ""
        )

    def read(self) -> None:
        """Take what has come; returns at once."""
        for _ in range(_READS):
            data = self._message()
            if not data:
                return
            for came in received(data):
                if came.kind == _TRACE:
                    self._take(_family(came.body), attributes(came.body[4:]))
            if self._events >= MOST_EVENTS or len(self._walks) >= MOST_WALKS:
                self._lost = f"the firewall's trace ended after {self._events:,} events"
                self.close()

    def close(self) -> None:
        """Close the socket; may be called again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _message(self) -> bytes:
        if self._socket is None:
            return b""
        try:
            return self._socket.recv(_LARGEST)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                return b""
            self._lost = "the firewall's trace lost events"
            return self._message()

    def _take(self, family: str, told: dict[int, bytes]) -> None:
        self._events += 1
        place = RulePlace(family, _name(told.get(_A_TABLE)), _name(told.get(_A_CHAIN)))
        walk = self._walk_of(told, place)
        if walk is None:
            return
        kind = _number(told.get(_A_TYPE))
        if place.table == self._table:
            if kind == _POLICY and place.chain.startswith(LAST):
                walk.passed.append(place.chain.removeprefix(LAST))
                walk.let_go()
            return
        if len(walk.chains) < MOST_CHAINS:
            walk.chains.setdefault(place)
        if kind == _POLICY:
            verdict = _number(told.get(_A_POLICY))
        elif kind == _RULE:
            # Of a rule without a verdict of its own the code is negative: it goes on, jumps or returns.
            code = _number(attributes(told.get(_A_VERDICT, b"")).get(1))
            verdict = 1 if code >> 31 else code & _VERDICT_MASK
        else:
            return
        walk.let_go()
        if verdict in _STOPS and walk.stop is None:
            handle = told.get(_A_HANDLE, b"")
            number = int(_LONG.unpack(handle)[0]) if len(handle) == _LONG.size and kind == _RULE else 0
            walk.stop, walk.at = _STOPS[verdict], place._replace(handle=number)

    def _walk_of(self, told: dict[int, bytes], place: RulePlace) -> _Open | None:
        """Return the walk that an event belongs to: a new one where a packet shows for the first time."""
        number = _number(told.get(_A_ID))
        known = self._of_packet.get(number)
        if _A_NETWORK not in told:
            return known
        began = place.table == self._table and place.chain in _BEGINNINGS
        # One that was marked on its way out meets a device's own chain before ours on its way in.
        if not began and (known is not None or place.family != _DEVICE):
            # One that entered where nothing of ours is was marked by somebody else.
            if known is not None and _A_IIF in told and _A_OIF in told:
                known.way = Way.THROUGH
            return known
        made = _opened(told)
        if made is None or not self._ports & {made.source.port, made.destination.port}:
            self._of_packet.pop(number, None)
            return None
        self._of_packet[number] = made
        if began and made.flags & SYN:
            self._syns[made.way] += 1
        self._walks.append(made)
        return made


_BEGINNINGS: Final = frozenset({FIRST_IN, FIRST_OUT, MARK + FIRST_IN, MARK + FIRST_OUT})


def _opened(told: dict[int, bytes]) -> _Open | None:
    """Return the walk of a packet by its headers; ``None`` where they are not those of a TCP segment."""
    network, transport = told[_A_NETWORK], told.get(_A_TRANSPORT, b"")
    addresses = _addresses(network)
    if addresses is None or len(transport) < _SEGMENT.size:
        return None
    sport, dport, seq, ack, _, flags = _SEGMENT.unpack_from(transport)
    way = Way.IN if _A_IIF in told else Way.OUT  # both entrances know one interface only
    return _Open(
        time.time_ns(),
        Endpoint(addresses[0], sport),
        Endpoint(addresses[1], dport),
        seq,
        ack,
        flags,
        way,
    )


def _addresses(header: bytes) -> tuple[str, str] | None:
    version = header[0] >> 4 if header else 0
    if version == _IPV4 and len(header) >= _IPV4_SIZE:
        return str(ipaddress.IPv4Address(header[12:16])), str(ipaddress.IPv4Address(header[16:20]))
    if version == _IPV6 and len(header) >= _IPV6_SIZE:
        return str(ipaddress.IPv6Address(header[8:24])), str(ipaddress.IPv6Address(header[24:40]))
    return None


def _family(body: bytes) -> str:
    """Return the family of the table: the attribute of that name has the packet's."""
    return _FAMILIES.get(body[0], "?") if body else "?"


def _number(value: bytes | None) -> int:
    return int(_NUMBER.unpack(value)[0]) if value is not None and len(value) == _NUMBER.size else -1


def _name(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0")[:_LONGEST_NAME].decode("utf-8", "replace")
