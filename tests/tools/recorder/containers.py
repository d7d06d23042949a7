"""One short story in every link type and file format: refused once, then answered."""

from __future__ import annotations

import gzip
import struct
import subprocess
from typing import TYPE_CHECKING

from recorder.model import LOCAL6
from recorder.stage import StageError
from recorder.talk import SECOND, START_NS, Talk, Timed
from recorder.wire import (
    C_HDLC,
    IPV4,
    IPV6,
    LOOP,
    NFLOG,
    NULL,
    PKTAP,
    PPP,
    RADIOTAP,
    RAW,
    SLL,
    SLL2,
    Pcapng,
    Record,
    ethernet,
    pcap,
    ticks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

BIG, LITTLE = ">", "<"
AF_INET = 2
AF_INET6_LINUX = 10
AF_INET6_NETBSD = 24
AF_INET6_FREEBSD = 28
AF_INET6_DARWIN = 30
BINARY_20 = 0x94
"""if_tsresol: units of 2^-20 s."""

BINARY_30 = 0x9E
OFFSET_S = START_NS // SECOND - 100


def story(address: str = "127.0.0.1") -> list[Timed]:
    """Refused on port 40001, answered on 40002 a second and a half later."""
    first = Talk(40001, address=address).by_client("S").refusal()
    later = first.now_ns + 3 * SECOND // 2
    second = Talk(40002, address=address, now_ns=later, client_isn=0x33330000)
    return first.packets + second.handshake().exchange().packets


def plain(*, order: str = LITTLE, nano: bool = False) -> Callable[[], bytes]:
    """Ethernet in a pcap file of either byte order and either time unit."""

    def craft() -> bytes:
        odd_ns = 123 if nano else 0
        records = [Record(record.ts_ns + odd_ns, record.data) for record in ethernet(story())]
        return pcap(records, order=order, nano=nano)

    return craft


def linked(linktype: int, header: Callable[[int], bytes], address: str = "127.0.0.1") -> bytes:
    """Put ``header(frame index)`` before each packet of the story."""
    records = [Record(ts, header(i) + data) for i, (ts, data) in enumerate(story(address))]
    return pcap(records, linktype)


def null(order: str, family: int = AF_INET, address: str = "127.0.0.1") -> Callable[[], bytes]:
    """DLT_NULL: the address family in the byte order of the capturing host."""
    return lambda: linked(NULL, lambda _: struct.pack(f"{order}I", family), address)


def loop(family: int = AF_INET, address: str = "127.0.0.1") -> Callable[[], bytes]:
    """DLT_LOOP: the address family in network byte order."""
    return lambda: linked(LOOP, lambda _: struct.pack(">I", family), address)


def raw() -> bytes:
    """DLT_RAW: no link header at all."""
    return linked(RAW, lambda _: b"")


def ipv4() -> bytes:
    """DLT_IPV4: no link header, always IPv4."""
    return linked(IPV4, lambda _: b"")


def ipv6() -> bytes:
    """DLT_IPV6: no link header, always IPv6."""
    return linked(IPV6, lambda _: b"", LOCAL6)


def ppp() -> bytes:
    """PPP with address and control."""
    return linked(PPP, lambda _: b"\xff\x03\x00\x21")


def cisco_hdlc() -> bytes:
    """Cisco HDLC: unicast, then an ethertype."""
    return linked(C_HDLC, lambda _: b"\x0f\x00\x08\x00")


def radiotap() -> bytes:
    """802.11 data from an access point, behind a radiotap header without fields."""
    tap = struct.pack("<BBHI", 0, 0, 8, 0)
    wlan = bytes.fromhex("0802 0000 020000000001 020000000002 020000000003 0000")
    return linked(RADIOTAP, lambda _: tap + wlan + bytes.fromhex("aaaa03000000 0800"))


def nflog() -> bytes:
    """Linux's NFLOG: a list of attributes, of which one (9) is the packet."""
    records = []
    for ts, data in story():
        prefix = struct.pack("<HH", 4 + 5, 10) + b"drop\0" + bytes(3)
        payload = struct.pack("<HH", 4 + len(data), 9) + data + bytes(-len(data) % 4)
        records.append(Record(ts, struct.pack(">BBH", AF_INET, 0, 5) + prefix + payload))
    return pcap(records, NFLOG)


def sll6() -> bytes:
    """Linux cooked, IPv6."""
    return linked(SLL, lambda _: struct.pack(">HHH8xH", 0, 772, 6, 0x86DD), LOCAL6)


def sll2_6() -> bytes:
    """Linux cooked version 2, IPv6."""
    return linked(SLL2, lambda _: struct.pack(">HHIHBB8x", 0x86DD, 0, 1, 772, 0, 6), LOCAL6)


def pcapng(order: str) -> Callable[[], bytes]:
    """Two interfaces, one with binary time units and an offset, frames alternating."""

    def craft() -> bytes:
        ng = Pcapng(order)
        parts = [
            ng.section("two interfaces"),
            ng.interface("lo"),
            ng.interface("lo-copy", resolution=BINARY_20, offset_s=OFFSET_S),
            ng.unknown(),
        ]
        for index, record in enumerate(ethernet(story())):
            second = index % 2 == 1
            stamp = ticks(record, BINARY_20, OFFSET_S) if second else ticks(record, 6)
            parts.append(ng.enhanced(int(second), stamp, record.data))
        return b"".join([*parts, ng.statistics(0), ng.statistics(1)])

    return craft


def pcapng_sections() -> bytes:
    """A little-endian and a big-endian section; obsolete and simple packet blocks too."""
    frames = ethernet(story())
    first, second = Pcapng(LITTLE), Pcapng(BIG)
    parts = [first.section("first"), first.interface("lo", resolution=9)]
    parts.append(first.enhanced(0, ticks(frames[0], 9), frames[0].data))
    parts.append(first.obsolete(0, ticks(frames[1], 9), frames[1].data))
    parts += [second.section("second"), second.interface("lo", resolution=BINARY_30)]
    for index, record in enumerate(frames[2:]):
        stamp = ticks(record, BINARY_30)
        kinds = (
            second.enhanced(0, stamp, record.data),
            second.obsolete(0, stamp, record.data),
            second.simple(record.data),
        )
        parts.append(kinds[index % 3])
    return b"".join(parts)


def pktap() -> bytes:
    """Ethernet behind macOS's PKTAP header, which names the process that sends: the client's or the server's."""
    records = []
    for i, record in enumerate(ethernet(story())):
        by_client = record.data[34:36] != struct.pack(">H", 62893)
        refusal = i == 1
        pid, name = (-1, b"") if refusal else (501, b"curl") if by_client else (88, b"node")
        head = struct.pack(
            "<III24sIIIIi20sIHHi20s", 108, 1, 1, b"lo0", 2, 2, 14, 0, pid, name, 0, 6, 0, -1, b""
        )
        records.append(Record(record.ts_ns, head + record.data))
    return pcap(records, PKTAP)


def pcapng_processes() -> bytes:
    """Two sections whose frames name processes: as ptcpdump has them, and as macOS's tcpdump does."""
    ng = Pcapng(LITTLE)
    frames = ethernet(story())
    curl = ng.option(1, b"PID: 345650\nCmd: /usr/bin/curl\nArgs: curl http://127.0.0.1:62893/")
    parts = [
        ng.section("ptcpdump: https://github.com/mozillazg/ptcpdump", "ptcpdump v0.31.0"),
        ng.interface("lo"),
    ]
    parts += [
        ng.enhanced(0, ticks(record, 6), record.data, curl + ng.direction(out=True)) for record in frames[:2]
    ]
    parts += [ng.section("section header block", "tcpdump (libpcap version 1.10.1)"), ng.interface("lo0")]
    parts += [ng.process(501, "curl"), ng.process(88, "node")]
    for record in frames[2:]:
        by_client = record.data[34:36] != struct.pack(">H", 62893)
        which = ng.option(0x8001, struct.pack("<I", 0 if by_client else 1))
        parts.append(ng.enhanced(0, ticks(record, 6), record.data, which + ng.direction(out=True)))
    return b"".join(parts)


def gzipped() -> bytes:
    """Compress with gzip, without a time stamp so that the file never changes."""
    return gzip.compress(plain()(), mtime=0)


def zstandard() -> bytes:
    """Compress with the zstd program."""
    done = subprocess.run(["zstd", "-q", "-c"], input=plain()(), capture_output=True, check=False, timeout=20)
    if done.returncode != 0:
        raise StageError(done.stderr.decode())
    return done.stdout


def cut() -> bytes:
    """End the file in the middle of the third record."""
    whole = pcap(ethernet(story()[:3]))
    return whole[:-30]
