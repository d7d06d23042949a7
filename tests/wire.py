"""Frames and capture files made with ``struct`` alone: fast, and independent of what they test.

Addresses are text, times are nanoseconds since the epoch. Nothing is checked, so lies are easy to write.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "N": 256}
START = 1_700_000_000_000_000_000
ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD
PCAP_MAGIC_MICRO = 0xA1B2C3D4
PCAP_MAGIC_NANO = 0xA1B23C4D
PCAP_MAGIC_MODIFIED = 0xA1B2CD34

SECTION = 0x0A0D0D0A
INTERFACE = 1
OLD_PACKET = 2
SIMPLE_PACKET = 3
STATISTICS = 5
ENHANCED_PACKET = 6


def flag_bits(letters: str) -> int:
    """TCP flags from their letters, ``.`` for none: ``SA`` is SYN and ACK."""
    return sum(FLAGS[letter] for letter in letters if letter != ".")


def packed(address: str) -> bytes:
    """An address as it is on the wire."""
    return ipaddress.ip_address(address).packed


def internet_sum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071, not yet inverted."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def tcp(
    source: int,
    destination: int,
    seq: int = 0,
    ack: int = 0,
    flags: str = ".",
    payload: bytes = b"",
    *,
    options: bytes = b"",
    window: int = 64240,
    checksum: int = 0,
    offset: int | None = None,
) -> bytes:
    """A TCP segment. ``offset`` (in 32-bit words) may lie about the header's length."""
    words = 5 + len(options) // 4 if offset is None else offset
    head = struct.pack(
        ">HHIIHHHH",
        source,
        destination,
        seq & 0xFFFFFFFF,
        ack & 0xFFFFFFFF,
        words << 12 | flag_bits(flags),
        window,
        checksum,
        0,
    )
    return head + options + payload


def checksummed(segment: bytes, source: str, destination: str) -> bytes:
    """The same TCP segment with the right checksum."""
    pseudo = packed(source) + packed(destination) + struct.pack(">II", len(segment), 6)
    blank = segment[:16] + b"\0\0" + segment[18:]
    value = ~internet_sum(pseudo + blank) & 0xFFFF
    return segment[:16] + struct.pack(">H", value) + segment[18:]


def ipv4(
    source: str,
    destination: str,
    payload: bytes,
    *,
    protocol: int = 6,
    options: bytes = b"",
    total: int | None = None,
    fragment: int = 0,
    ident: int = 0,
    header_words: int | None = None,
) -> bytes:
    """An IPv4 datagram; ``total``, ``fragment`` (flags and offset) and ``header_words`` may lie."""
    words = 5 + len(options) // 4 if header_words is None else header_words
    length = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x40 | words, 0, length & 0xFFFF, ident, fragment, 64, protocol, 0)
    return head + packed(source) + packed(destination) + options + payload


def ipv6(
    source: str, destination: str, payload: bytes, *, following: int = 6, total: int | None = None
) -> bytes:
    """An IPv6 datagram whose first header after the fixed one is ``following``."""
    length = len(payload) if total is None else total
    head = struct.pack(">IHBB", 6 << 28, length & 0xFFFF, following, 64)
    return head + packed(source) + packed(destination) + payload


def ip(source: str, destination: str, payload: bytes, protocol: int = 6) -> bytes:
    """An IP datagram of the version the addresses have."""
    if ":" in source:
        return ipv6(source, destination, payload, following=protocol)
    return ipv4(source, destination, payload, protocol=protocol)


def udp(source: int, destination: int, payload: bytes) -> bytes:
    """A UDP datagram."""
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def ethernet(payload: bytes, ethertype: int | None = None) -> bytes:
    """An Ethernet frame; without ``ethertype`` the one that the datagram's version needs."""
    if ethertype is None:
        ethertype = ETHERTYPE_IPV6 if payload[0] >> 4 == 6 else ETHERTYPE_IPV4
    return bytes(12) + struct.pack(">H", ethertype) + payload


def vlan(payload: bytes, ethertype: int, tag: int = 7) -> bytes:
    """What follows the ethertype of an 802.1Q or 802.1ad frame."""
    return struct.pack(">HH", tag, ethertype) + payload


def icmp_error(kind: int, code: int, quoted: bytes) -> bytes:
    """An ICMP or ICMPv6 error that quotes a datagram."""
    return struct.pack(">BBHI", kind, code, 0, 0) + quoted


def pcap_header(
    *,
    order: str = "<",
    magic: int = PCAP_MAGIC_NANO,
    linktype: int = 1,
    snaplen: int = 262144,
    version: tuple[int, int] = (2, 4),
) -> bytes:
    """A pcap file header."""
    return struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, snaplen, linktype)


def pcap_record(
    ts_ns: int,
    frame: bytes,
    *,
    order: str = "<",
    unit: int = 1,
    wirelen: int | None = None,
    tail: bytes = b"",
) -> bytes:
    """A pcap record. ``unit`` is nanoseconds a tick; ``tail`` extends the record header."""
    seconds, rest = divmod(ts_ns, 1_000_000_000)
    wire = len(frame) if wirelen is None else wirelen
    return struct.pack(f"{order}IIII", seconds, rest // unit, len(frame), wire) + tail + frame


def pcap(frames: Iterable[tuple[int, bytes]], *, linktype: int = 1) -> bytes:
    """A pcap file with nanoseconds of (time, frame)."""
    return pcap_header(linktype=linktype) + b"".join(pcap_record(ts, frame) for ts, frame in frames)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """A pcapng option, padded."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block around a body, which is padded."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def section(order: str = "<", options: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """A pcapng Section Header Block."""
    return block(SECTION, struct.pack(f"{order}IHHq", 0x1A2B3C4D, *version, -1) + options, order)


def interface(order: str = "<", linktype: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    """A pcapng Interface Description Block."""
    return block(INTERFACE, struct.pack(f"{order}HHI", linktype, 0, snaplen) + options, order)


def enhanced(
    ticks: int,
    frame: bytes,
    *,
    order: str = "<",
    number: int = 0,
    wirelen: int | None = None,
    options: bytes = b"",
    caplen: int | None = None,
) -> bytes:
    """A pcapng Enhanced Packet Block."""
    size = len(frame) if caplen is None else caplen
    wire = len(frame) if wirelen is None else wirelen
    head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, size, wire)
    return block(ENHANCED_PACKET, head + frame + bytes(-len(frame) % 4) + options, order)


def simple(frame: bytes, *, order: str = "<", wirelen: int | None = None) -> bytes:
    """A pcapng Simple Packet Block."""
    wire = len(frame) if wirelen is None else wirelen
    return block(SIMPLE_PACKET, struct.pack(f"{order}I", wire) + frame, order)


def old_packet(ticks: int, frame: bytes, *, order: str = "<", number: int = 0, drops: int = 0) -> bytes:
    """A pcapng Packet Block, obsolete."""
    head = struct.pack(
        f"{order}HHIIII", number, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)
    )
    return block(OLD_PACKET, head + frame, order)
