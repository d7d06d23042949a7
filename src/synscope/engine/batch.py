"""Plain columns for a few thousand frames: what the engine's stages hand each other.

``records`` fills the first five columns, ``headers`` the rest, ``attempts`` reads them. Row *i* of
every column is the batch's *i*-th frame. Columns are ``array`` objects, so that compiled stages take
typed views of them and interpreted ones index them directly.
"""

from __future__ import annotations

from array import array

SIZE = 4096
"""Frames a batch holds."""

KIND_SKIP = 0
KIND_TCP = 1
KIND_ICMP = 2
KIND_FRAGMENT = 3
"""A fragment that only means something together with others; ``ip_at`` is its IP header."""


class Batch:
    """One batch of frames as columns.

    From ``records``: ``at`` (offset of the frame's first byte in the buffer), ``caplen``, ``wirelen``
    (bytes), ``ts_ns``, ``linktype``. From ``headers``: ``kind`` (``KIND_…``), the addresses as two
    64-bit halves each (an IPv4 address has the high half ``layout.V4_HIGH``), ``ports`` (source << 16 | destination),
    ``seq``, ``ack``, ``flags`` (TCP flags; for ICMP version << 16 | type << 8 | code), ``length``
    (payload bytes on the wire), ``ip_at`` and ``tcp_at`` (offsets of the innermost headers; of an ICMP
    error, ``ip_at`` is the header that carries it), and ``fragments``: how many frames are of kind
    ``KIND_FRAGMENT`` or a later fragment.
    """

    __slots__ = (
        "ack", "at", "caplen", "count", "dst_high", "dst_low", "flags", "fragments", "ip_at", "kind", "length",
        "linktype", "ports", "seq", "src_high", "src_low", "tcp_at", "ts_ns", "wirelen",
    )  # fmt: skip

    def part(self, start: int, stop: int) -> Batch:
        """Return a copy of the frames from ``start`` up to ``stop``."""
        copy = Batch(0)
        copy.count = stop - start
        for name in self.__slots__:
            if name not in {"count", "fragments"}:
                setattr(copy, name, getattr(self, name)[start:stop])
        return copy

    def __init__(self, size: int = SIZE) -> None:
        self.count = 0
        self.fragments = 0
        self.at = _words(size)
        self.caplen = _words(size)
        self.wirelen = _words(size)
        self.linktype = _words(size)
        self.ts_ns = _longs(size)
        self.kind = _words(size)
        self.src_high = _longs(size)
        self.src_low = _longs(size)
        self.dst_high = _longs(size)
        self.dst_low = _longs(size)
        self.ports = _words(size)
        self.seq = _words(size)
        self.ack = _words(size)
        self.flags = _words(size)
        self.length = _words(size)
        self.ip_at = _words(size)
        self.tcp_at = _words(size)


def _words(size: int) -> array[int]:
    return array("I", bytes(4 * size))


def _longs(size: int) -> array[int]:
    return array("Q", bytes(8 * size))
