"""The little of the classic pcap format that the input makers need."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

FILE_HEADER = 24
"""Bytes before the first record."""

RECORD = struct.Struct("<IIII")
"""A record header: seconds, microseconds, captured length, original length."""

MAGIC = 0xA1B2C3D4
"""Little-endian, microseconds: what tcpdump writes on the machines we measure."""

Buffer = bytes | bytearray


def load(path: Path) -> bytearray:
    """Read a whole capture, refusing any other flavour of pcap than ours."""
    data = bytearray(path.read_bytes())
    if len(data) < FILE_HEADER or int.from_bytes(data[:4], "little") != MAGIC:
        raise ValueError(f"{path}: not a little-endian microsecond pcap")
    return data


def records(data: Buffer) -> Iterator[tuple[int, int]]:
    """Yield (offset of the record header, captured length) of each whole record."""
    offset, end = FILE_HEADER, len(data)
    unpack = RECORD.unpack_from
    while offset + 16 <= end:
        captured = unpack(data, offset)[2]
        if offset + 16 + captured > end:
            return
        yield offset, captured
        offset += 16 + captured


def count(data: Buffer) -> int:
    """Count the whole records."""
    return sum(1 for _ in records(data))


def count_handshakes(data: Buffer) -> int:
    """Count the SYN-ACK segments of an Ethernet, IPv4, no-IP-options capture."""
    return sum(
        1 for offset, captured in records(data) if captured >= 54 and data[offset + 16 + 47] & 0x12 == 0x12
    )


def prefix(data: Buffer, packets: int) -> Buffer | None:
    """Return the file cut after that many records; ``None`` when it holds fewer."""
    for index, (offset, captured) in enumerate(records(data), start=1):
        if index == packets:
            return data[: offset + 16 + captured]
    return None


def shift(data: bytearray, seconds: int) -> None:
    """Move a loopback capture on, in place: later, and on the next 127.0.N.1 address.

    Both ends of every packet move, so each copy brings 4-tuples of its own. The IPv4 header
    checksum is kept right; TCP checksums are not touched, the loopback device leaves them unfilled.
    """
    for offset, captured in records(data):
        stamp = int.from_bytes(data[offset : offset + 4], "little") + seconds
        data[offset : offset + 4] = stamp.to_bytes(4, "little")
        if captured < 34:
            continue
        ip = offset + 16 + 14
        data[ip + 14] += 1
        data[ip + 18] += 1
        total = (~((data[ip + 10] << 8) | data[ip + 11]) & 0xFFFF) + 0x0200
        total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
        data[ip + 10] = total >> 8
        data[ip + 11] = total & 0xFF


def fattened(data: Buffer, packets: int, size: int = 65_549) -> Iterator[bytes]:
    """Yield the file's first packets with every payload padded to a frame of ``size`` bytes.

    As segmentation offload leaves them on a loopback device. Ethernet, IPv4 without options; the IPv4 header
    checksum is not kept right.
    """
    yield bytes(data[:FILE_HEADER])
    for index, (offset, captured) in enumerate(records(data)):
        if index == packets:
            return
        frame = data[offset + 16 : offset + 16 + captured]
        seconds, fraction, _, wirelen = RECORD.unpack_from(data, offset)
        header = 34 + (frame[46] >> 4) * 4 if captured >= 54 else captured
        if captured > header:
            frame = frame[:16] + (size - 14).to_bytes(2, "big") + frame[18:] + bytes(size - captured)
            wirelen = size
        yield RECORD.pack(seconds, fraction, len(frame), wirelen) + frame
