"""Bytes of capture files: pcap in every variant, pcapng block by block.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAGIC_MICRO = 0xA1B2C3D4
MAGIC_NANO = 0xA1B23C4D
SNAPLEN = 262_144
NS = 1_000_000_000

NULL, ETHERNET, PPP, RAW, C_HDLC, LOOP, SLL = 0, 1, 9, 101, 104, 108, 113
RADIOTAP, IPV4, IPV6, NFLOG, PKTAP, SLL2 = 127, 228, 229, 239, 258, 276
FILE_HEADER = 24
RECORD_HEADER = 16


@dataclass(frozen=True)
class Record:
    """One frame: time stamp in nanoseconds since the epoch, its bytes, and how long it was if it is cut."""

    ts_ns: int
    data: bytes
    wirelen: int | None = None


def pcap(
    records: Iterable[Record], linktype: int = ETHERNET, *, order: str = "<", nano: bool = False
) -> bytes:
    """Return a whole pcap file. ``order`` is ``<`` or ``>`` as in ``struct``."""
    magic, unit = (MAGIC_NANO, 1) if nano else (MAGIC_MICRO, 1000)
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, linktype)]
    for record in records:
        seconds, rest = divmod(record.ts_ns, NS)
        size = len(record.data)
        lengths = (size, size if record.wirelen is None else record.wirelen)
        parts += (struct.pack(f"{order}IIII", seconds, rest // unit, *lengths), record.data)
    return b"".join(parts)


def split_pcap(data: bytes) -> tuple[bytes, list[bytes]]:
    """Split a little-endian pcap file into its header and its records, headers included."""
    records, at = [], FILE_HEADER
    while at < len(data):
        (caplen,) = struct.unpack_from("<I", data, at + 8)
        end = at + RECORD_HEADER + caplen
        records.append(data[at:end])
        at = end
    return data[:FILE_HEADER], records


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


@dataclass(frozen=True)
class Pcapng:
    """Writes pcapng blocks in one byte order; a file is their concatenation."""

    order: str

    def block(self, kind: int, body: bytes) -> bytes:
        """Return a block with its two total lengths."""
        body = _padded(body)
        size = struct.pack(f"{self.order}I", len(body) + 12)
        return struct.pack(f"{self.order}I", kind) + size + body + size

    def option(self, code: int, value: bytes) -> bytes:
        """Return one option, padded."""
        return struct.pack(f"{self.order}HH", code, len(value)) + _padded(value)

    def section(self, comment: str, application: str = "") -> bytes:
        """Return a section header block of unknown section length."""
        head = struct.pack(f"{self.order}IHHq", 0x1A2B3C4D, 1, 0, -1)
        written = self.option(4, application.encode()) if application else b""
        options = self.option(1, comment.encode()) + written + self.option(0, b"")
        return self.block(0x0A0D0D0A, head + options)

    def interface(self, name: str, *, resolution: int | None = None, offset_s: int | None = None) -> bytes:
        """Return an Ethernet interface; ``resolution`` is the raw if_tsresol byte."""
        options = self.option(2, name.encode())
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        if offset_s is not None:
            options += self.option(14, struct.pack(f"{self.order}q", offset_s))
        head = struct.pack(f"{self.order}HHI", ETHERNET, 0, SNAPLEN)
        return self.block(1, head + options + self.option(0, b""))

    def enhanced(self, interface: int, ticks: int, data: bytes, options: bytes = b"") -> bytes:
        """Return an enhanced packet block; ``options`` are whole, without the end of options."""
        size = len(data)
        head = struct.pack(f"{self.order}IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
        end = self.option(0, b"") if options else b""
        return self.block(6, head + _padded(data) + options + end)

    def direction(self, *, out: bool) -> bytes:
        """Return the option that tells whether a frame went out or came in."""
        return self.option(2, struct.pack(f"{self.order}I", 2 if out else 1))

    def process(self, pid: int, name: str) -> bytes:
        """Return Apple's process information block."""
        body = struct.pack(f"{self.order}I", pid) + self.option(2, name.encode()) + self.option(0, b"")
        return self.block(0x80000001, body)

    def obsolete(self, interface: int, ticks: int, data: bytes) -> bytes:
        """Return an obsolete packet block (type 2)."""
        size = len(data)
        head = struct.pack(
            f"{self.order}HHIIII", interface, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, size, size
        )
        return self.block(2, head + data)

    def simple(self, data: bytes) -> bytes:
        """Return a simple packet block: interface 0, no time stamp."""
        return self.block(3, struct.pack(f"{self.order}I", len(data)) + data)

    def unknown(self) -> bytes:
        """Return a block of a local-use type, which a reader must step over."""
        return self.block(0x80000ABC, b"step over me")

    def statistics(self, interface: int) -> bytes:
        """Return an interface statistics block."""
        return self.block(5, struct.pack(f"{self.order}III", interface, 0, 0))


def ticks(record: Record, resolution: int, offset_s: int = 0) -> int:
    """Express the record's time in units of the raw if_tsresol byte."""
    relative = record.ts_ns - offset_s * NS
    if resolution & 0x80:
        return (relative << (resolution & 0x7F)) // NS
    return int(relative * 10**resolution // NS)


def ethernet(packets: Sequence[tuple[int, bytes]], kind: int | None = None) -> list[Record]:
    """Wrap IP packets (time, bytes) as loopback Ethernet frames."""
    return [
        Record(ts, bytes(12) + struct.pack(">H", kind or ether_type(data)) + data) for ts, data in packets
    ]


def ether_type(data: bytes) -> int:
    """Return the EtherType that fits the packet's IP version."""
    return {4: 0x0800, 6: 0x86DD}[data[0] >> 4]
