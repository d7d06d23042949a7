"""Puts fragmented IP datagrams together where the first fragment alone does not show the TCP header.

That is rare: a first fragment shorter than the TCP header, or one that begins a tunnel over UDP. Input:
fragments as they lie in the buffer. Output: the whole datagram, when its last missing piece arrives, with a
header as if it had never been fragmented. Bounded: the oldest unfinished datagrams are forgotten.

Source: RFC 791 §3.2 (fragment offset, more fragments), RFC 8200 §4.5. Of overlapping pieces the first one
that arrived counts.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from synscope.engine.names import (
    EXTENSION_HEADER,
    FRAGMENT6_PLACE,
    FRAGMENT_MORE,
    FRAGMENT_PLACE,
    IPV4,
    IPV4_FRAGMENT,
    IPV4_HEADER,
    IPV4_LENGTH,
    IPV4_PROTOCOL,
    IPV4_SOURCE,
    IPV6,
    IPV6_HEADER,
    IPV6_LENGTH,
    IPV6_NEXT,
    IPV6_SOURCE,
    PROTOCOL_DESTINATION_OPTIONS,
    PROTOCOL_FRAGMENT,
    PROTOCOL_HIP,
    PROTOCOL_HOP_BY_HOP,
    PROTOCOL_MOBILITY,
    PROTOCOL_ROUTING,
    PROTOCOL_SHIM6,
)

MOST_DATAGRAMS = 256
MOST_PIECES = 256
LARGEST = 65535

_EXTENSIONS = frozenset({
    PROTOCOL_HOP_BY_HOP, PROTOCOL_ROUTING, PROTOCOL_DESTINATION_OPTIONS, PROTOCOL_MOBILITY, PROTOCOL_HIP,
    PROTOCOL_SHIM6,
})  # fmt: skip
"""IPv6 extension headers of one form, which may precede the fragment header."""


class _Fragment(NamedTuple):
    key: tuple[bytes, int, int]
    header: bytes
    offset: int
    more: bool
    payload: bytes


@dataclass(slots=True)
class _Datagram:
    pieces: dict[int, bytes] = field(default_factory=dict)
    header: bytes | None = None
    end: int | None = None
    size: int = 0
    """Bytes held, overlaps included."""


class Fragments:
    """Collects fragments until a datagram is whole."""

    def __init__(self) -> None:
        self._datagrams: dict[tuple[bytes, int, int], _Datagram] = {}

    def add(self, packet: bytes) -> bytes | None:
        """Take one fragment (from its IP header on); return the whole datagram once it is."""
        fragment = _fragment_v4(packet) if packet[:1] and packet[0] >> 4 == IPV4 else _fragment_v6(packet)
        if fragment is None or fragment.offset + len(fragment.payload) > LARGEST:
            return None
        datagram = self._datagrams.setdefault(fragment.key, _Datagram())
        if len(self._datagrams) > MOST_DATAGRAMS:
            del self._datagrams[next(iter(self._datagrams))]
        if fragment.offset not in datagram.pieces:
            datagram.pieces[fragment.offset] = fragment.payload
            datagram.size += len(fragment.payload)
        if len(datagram.pieces) > MOST_PIECES or datagram.size > 2 * LARGEST:
            del self._datagrams[fragment.key]
            return None
        if fragment.offset == 0:
            datagram.header = fragment.header
        if not fragment.more:
            datagram.end = fragment.offset + len(fragment.payload)
        whole = _whole(datagram)
        if whole is not None:
            self._datagrams.pop(fragment.key, None)
        return whole


def _whole(datagram: _Datagram) -> bytes | None:
    if datagram.header is None or datagram.end is None or datagram.size < datagram.end:
        return None
    payload = b""
    for offset, piece in sorted(datagram.pieces.items()):
        if offset > len(payload):
            return None
        payload += piece[len(payload) - offset :]
    if len(payload) < datagram.end:
        return None
    payload = payload[: datagram.end]
    header = bytearray(datagram.header)
    if header[0] >> 4 == IPV4:
        struct.pack_into(">H", header, IPV4_LENGTH, min(len(header) + len(payload), LARGEST))
        struct.pack_into(">H", header, IPV4_FRAGMENT, 0)
    else:
        struct.pack_into(">H", header, IPV6_LENGTH, len(payload))
    return bytes(header) + payload


def _fragment_v4(packet: bytes) -> _Fragment | None:
    size = (packet[0] & 15) * 4
    if len(packet) < size or size < IPV4_HEADER:
        return None
    total, identification, place = struct.unpack_from(">HHH", packet, IPV4_LENGTH)
    if not size <= total <= len(packet):
        return None
    return _Fragment(
        key=(packet[IPV4_SOURCE:IPV4_HEADER], identification, packet[IPV4_PROTOCOL]),
        header=packet[:size],
        offset=(place & FRAGMENT_PLACE) * 8,
        more=bool(place & FRAGMENT_MORE),
        payload=packet[size:total],
    )


def _fragment_v6(packet: bytes) -> _Fragment | None:
    if len(packet) < IPV6_HEADER:
        return None
    (length,) = struct.unpack_from(">H", packet, IPV6_LENGTH)
    end = IPV6_HEADER + length
    following, at = packet[IPV6_NEXT], IPV6_HEADER
    while following in _EXTENSIONS and at + EXTENSION_HEADER <= len(packet):
        following, at = packet[at], at + EXTENSION_HEADER + 8 * packet[at + 1]
    if following != PROTOCOL_FRAGMENT or at + EXTENSION_HEADER > end or end > len(packet):
        return None
    (place,) = struct.unpack_from(">H", packet, at + 2)
    (identification,) = struct.unpack_from(">I", packet, at + 4)
    header = bytearray(packet[:IPV6_HEADER])
    header[IPV6_NEXT] = packet[at]
    return _Fragment(
        key=(packet[IPV6_SOURCE:IPV6_HEADER], identification, IPV6),
        header=bytes(header),
        offset=place & FRAGMENT6_PLACE,
        more=bool(place & 1),
        payload=packet[at + EXTENSION_HEADER : end],
    )
