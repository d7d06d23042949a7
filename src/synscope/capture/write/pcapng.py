"""The pcapng blocks that synscope writes, as bytes; little-endian unless an existing section says otherwise.

Source: draft-ietf-opsawg-pcapng: section header, interface description, enhanced packet and interface
statistics blocks, and their options.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SECTION = 0x0A0D0D0A
INTERFACE = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
STATISTICS = 5
PACKET = 6

LARGEST_COMMENT = 60_000
"""Bytes one comment may have; an option's length has 16 bits."""

CHECKSUM_NOT_READY = 1 << 9
"""The bit of a packet's flags word that says: its checksum was left to the hardware and is not filled in."""

_BYTE_ORDER = 0x1A2B3C4D
_END = b"\0\0\0\0"
_COMMENT = 1
_FLAGS = 2
_SHB_HARDWARE, _SHB_OS, _SHB_APPLICATION = 2, 3, 4
_IF_NAME, _IF_TSRESOL = 2, 9
_NANOSECONDS = bytes([9])
_UNKNOWN_LENGTH = -1


class About(NamedTuple):
    """What a section header says of the machine and the program; empty texts are left out."""

    hardware: str = ""
    os: str = ""
    application: str = ""


def padded(data: bytes) -> bytes:
    """Return the bytes, filled up to a multiple of four."""
    return data + bytes(-len(data) % 4)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """Return an option: its code, its length, its value."""
    return struct.pack(f"{order}HH", code, len(value)) + padded(value)


def comments(texts: Iterable[str], order: str = "<") -> bytes:
    """Return comment options. Raises ``ValueError`` for a comment of more than ``LARGEST_COMMENT`` bytes."""
    found = []
    for text in texts:
        value = text.encode("utf-8", "replace")
        if len(value) > LARGEST_COMMENT:
            raise ValueError(f"a comment of {len(value)} bytes; at most {LARGEST_COMMENT} fit")
        found.append(option(_COMMENT, value, order))
    return b"".join(found)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Return a block with its length at both ends. ``body`` is a multiple of four bytes."""
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def section(about: About, texts: Iterable[str] = ()) -> bytes:
    """Return the header of a section whose length is not told."""
    head = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
    facts = (
        (_SHB_HARDWARE, about.hardware),
        (_SHB_OS, about.os),
        (_SHB_APPLICATION, about.application),
    )
    options = b"".join(option(code, text.encode("utf-8", "replace")) for code, text in facts if text)
    return block(SECTION, head + comments(texts) + options + _END)


def interface(name: str, linktype: int, snap_length: int) -> bytes:
    """Return an interface whose times are in nanoseconds; an empty name is left out, a snap length of 0 is none."""
    named = option(_IF_NAME, name.encode("utf-8", "replace")) if name else b""
    options = named + option(_IF_TSRESOL, _NANOSECONDS)
    return block(INTERFACE, struct.pack("<HHI", linktype, 0, snap_length) + options + _END)


def packet(number: int, ts_ns: int, data: bytes, wirelen: int, texts: Iterable[str] = ()) -> bytes:
    """Return a frame of the interface ``number``, with comments."""
    head = struct.pack("<5I", number, ts_ns >> 32, ts_ns & 0xFFFFFFFF, len(data), wirelen)
    return block(PACKET, head + padded(data) + packet_options(0, texts))


def statistics(number: int, ts_ns: int, counts: Mapping[int, int]) -> bytes:
    """Return what an interface counted, option code to number, as of ``ts_ns``."""
    head = struct.pack("<III", number, ts_ns >> 32, ts_ns & 0xFFFFFFFF)
    options = b"".join(option(code, struct.pack("<Q", count)) for code, count in counts.items())
    return block(STATISTICS, head + options + _END)


def packet_options(flags: int, texts: Iterable[str] = ()) -> bytes:
    """Return the options of an enhanced packet block, empty when there is nothing to say."""
    options = comments(texts) + (option(_FLAGS, struct.pack("<I", flags)) if flags else b"")
    return options + _END if options else b""
