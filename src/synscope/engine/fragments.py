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

MOST_DATAGRAMS = 256
MOST_PIECES = 256
LARGEST = 65535

_V6_CHAIN = frozenset({0, 43, 60, 135, 139, 140})
_V6_HEADER = 40
_V6_FRAGMENT = 44


@dataclass(frozen=True, slots=True)
class _Piece:
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
        piece = _piece_v4(packet) if packet[:1] and packet[0] >> 4 == 4 else _piece_v6(packet)
        if piece is None or piece.offset + len(piece.payload) > LARGEST:
            return None
        datagram = self._datagrams.setdefault(piece.key, _Datagram())
        if len(self._datagrams) > MOST_DATAGRAMS:
            del self._datagrams[next(iter(self._datagrams))]
        if piece.offset not in datagram.pieces:
            datagram.pieces[piece.offset] = piece.payload
            datagram.size += len(piece.payload)
        if len(datagram.pieces) > MOST_PIECES or datagram.size > 2 * LARGEST:
            del self._datagrams[piece.key]
            return None
        if piece.offset == 0:
            datagram.header = piece.header
        if not piece.more:
            datagram.end = piece.offset + len(piece.payload)
        whole = _whole(datagram)
        if whole is not None:
            self._datagrams.pop(piece.key, None)
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
    if header[0] >> 4 == 4:
        struct.pack_into(">H", header, 2, min(len(header) + len(payload), LARGEST))
        struct.pack_into(">H", header, 6, 0)
    else:
        struct.pack_into(">H", header, 4, len(payload))
    return bytes(header) + payload


def _piece_v4(packet: bytes) -> _Piece | None:
    size = (packet[0] & 15) * 4
    if len(packet) < size or size < 20:
        return None
    total, identification, place = struct.unpack_from(">HHH", packet, 2)
    if not size <= total <= len(packet):
        return None
    return _Piece(
        key=(packet[12:20], identification, packet[9]),
        header=packet[:size],
        offset=(place & 0x1FFF) * 8,
        more=bool(place & 0x2000),
        payload=packet[size:total],
    )


def _piece_v6(packet: bytes) -> _Piece | None:
    if len(packet) < _V6_HEADER:
        return None
    (length,) = struct.unpack_from(">H", packet, 4)
    end = _V6_HEADER + length
    following, at = packet[6], _V6_HEADER
    while following in _V6_CHAIN and at + 8 <= len(packet):
        following, at = packet[at], at + 8 + 8 * packet[at + 1]
    if following != _V6_FRAGMENT or at + 8 > end or end > len(packet):
        return None
    (place,) = struct.unpack_from(">H", packet, at + 2)
    (identification,) = struct.unpack_from(">I", packet, at + 4)
    header = bytearray(packet[:_V6_HEADER])
    header[6] = packet[at]
    return _Piece(
        key=(packet[8:40], identification, 6),
        header=bytes(header),
        offset=place & 0xFFF8,
        more=bool(place & 1),
        payload=packet[at + 8 : end],
    )
