"""Link, IP and TCP headers: by hand, against Scapy's dissector, and against noise."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.engine.names import REASONS
from tests import strategies, wire
from tests.engine.decoded import decode, same_address
from tests.follow import FIXTURES, follow, unpacked

V4 = ("192.0.2.1", "192.0.2.2")
V6 = ("2001:db8::1", "2001:db8::2")
SEGMENT = wire.tcp(40001, 62893, 0xDEADBEEF, 0xFEEDF00D, "PA", b"hello")
DATAGRAM = wire.ipv4(*V4, SEGMENT)
DATAGRAM6 = wire.ipv6(*V6, SEGMENT)
SNAP = bytes.fromhex("aaaa03000000")


def _is_segment(frame: bytes, linktype: int = 1, source: str = V4[0]) -> None:
    found = decode(frame, linktype=linktype)
    assert found.is_tcp, found.reason
    assert found.reason is None
    assert (found.source_port, found.destination_port) == (40001, 62893)
    assert (found.seq, found.ack, found.flags) == (0xDEADBEEF, 0xFEEDF00D, 0x18)
    assert found.length == 5
    assert same_address(found.source, source)
    assert frame[found.tcp_at :].startswith(SEGMENT)


# -- link types ------------------------------------------------------------------------------------------


def _sll(ethertype: int) -> bytes:
    return bytes(14) + struct.pack(">H", ethertype)


def _radiotap(size: int = 8) -> bytes:
    return struct.pack("<BBHI", 0, 0, size, 0) + bytes(size - 8)


def _wlan(flags: int = 1, *, quality: bool = False) -> bytes:
    control = 0x88 if quality else 0x08
    size = 22 + (6 if flags & 3 == 3 else 0) + (2 if quality else 0)
    return bytes([control, flags]) + bytes(size)


LINKS: dict[str, tuple[int, bytes]] = {
    "ethernet": (1, wire.ethernet(DATAGRAM)),
    "null, little-endian": (0, struct.pack("<I", 2) + DATAGRAM),
    "null, big-endian": (0, struct.pack(">I", 2) + DATAGRAM),
    "loop": (108, struct.pack(">I", 2) + DATAGRAM),
    "raw 12": (12, DATAGRAM),
    "raw 14": (14, DATAGRAM),
    "raw 101": (101, DATAGRAM),
    "ipv4": (228, DATAGRAM),
    "cooked": (113, _sll(0x0800) + DATAGRAM),
    "cooked, vlan": (113, _sll(0x8100) + wire.vlan(DATAGRAM, 0x0800)),
    "cooked 2": (276, struct.pack(">H", 0x0800) + bytes(18) + DATAGRAM),
    "ppp": (9, b"\x00\x21" + DATAGRAM),
    "ppp with address and control": (9, b"\xff\x03\x00\x21" + DATAGRAM),
    "ppp, compressed protocol": (9, b"\xff\x03\x21" + DATAGRAM),
    "ppp in hdlc": (50, b"\xff\x03\x00\x21" + DATAGRAM),
    "cisco hdlc in ppp_hdlc": (50, b"\x0f\x00\x08\x00" + DATAGRAM),
    "cisco hdlc": (104, b"\x0f\x00\x08\x00" + DATAGRAM),
    "pppoe link type": (51, b"\x11\x00\x00\x01\x00\x2f\x00\x21" + DATAGRAM),
    "802.11": (105, _wlan() + SNAP + b"\x08\x00" + DATAGRAM),
    "802.11 between access points": (105, _wlan(3) + SNAP + b"\x08\x00" + DATAGRAM),
    "802.11 with quality of service": (105, _wlan(quality=True) + SNAP + b"\x08\x00" + DATAGRAM),
    "radiotap": (127, _radiotap(24) + _wlan() + SNAP + b"\x08\x00" + DATAGRAM),
    "nflog": (
        239,
        b"\x02\0\0\0" + struct.pack("<HHI", 8, 2, 5) + struct.pack("<HH", 4 + len(DATAGRAM), 9) + DATAGRAM,
    ),
}


@pytest.mark.parametrize("name", LINKS)
def test_link_type(name: str) -> None:
    """The segment is found behind each link header."""
    linktype, frame = LINKS[name]
    _is_segment(frame, linktype)


@pytest.mark.parametrize("family", [10, 24, 28, 30])
@pytest.mark.parametrize("order", "<>")
def test_address_families_of_null(family: int, order: str) -> None:
    """AF_INET6 has another number on each system."""
    _is_segment(struct.pack(f"{order}I", family) + DATAGRAM6, 0, V6[0])


@pytest.mark.parametrize(
    ("linktype", "header"),
    [(101, b""), (229, b""), (1, bytes(12) + b"\x86\xdd"), (113, _sll(0x86DD)), (9, b"\x00\x57")],
)
def test_ipv6_behind_a_link_header(linktype: int, header: bytes) -> None:
    """The same, IPv6."""
    _is_segment(header + DATAGRAM6, linktype, V6[0])


def _mpls(*labels: int) -> bytes:
    last = len(labels) - 1
    return b"".join(
        struct.pack(">I", label << 12 | (place == last) << 8 | 64) for place, label in enumerate(labels)
    )


ETHERNET = wire.ethernet(DATAGRAM)
PPP = b"\x00\x21" + DATAGRAM
CARRIED: dict[str, bytes] = {
    "802.1Q": wire.ethernet(wire.vlan(DATAGRAM, 0x0800), 0x8100),
    "QinQ": wire.ethernet(wire.vlan(wire.vlan(DATAGRAM, 0x0800), 0x8100), 0x88A8),
    "old QinQ": wire.ethernet(wire.vlan(wire.vlan(DATAGRAM, 0x0800), 0x8100), 0x9100),
    "LLC and SNAP": wire.ethernet(SNAP + b"\x08\x00" + DATAGRAM, 60),
    "PPPoE": wire.ethernet(b"\x11\x00\x00\x01" + struct.pack(">H", len(PPP)) + PPP, 0x8864),
    "MPLS": wire.ethernet(_mpls(16, 17) + DATAGRAM, 0x8847),
    "Ethernet over MPLS": wire.ethernet(_mpls(16) + bytes(4) + ETHERNET, 0x8847),
    "PBB": wire.ethernet(bytes(4) + ETHERNET, 0x88E7),
    "E-Tag": wire.ethernet(bytes(6) + b"\x08\x00" + DATAGRAM, 0x893F),
    "GRE": wire.ethernet(wire.ipv4(*V4, b"\0\0\x08\0" + DATAGRAM, protocol=47)),
    "GRE with checksum, key and sequence": wire.ethernet(
        wire.ipv4(*V4, b"\xb0\0\x08\0" + bytes(12) + DATAGRAM, protocol=47)
    ),
    "GRE that carries Ethernet": wire.ethernet(wire.ipv4(*V4, b"\0\0\x65\x58" + ETHERNET, protocol=47)),
    "PPTP": wire.ethernet(wire.ipv4(*V4, b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03" + PPP, protocol=47)),
    "ERSPAN I": wire.ethernet(wire.ipv4(*V4, b"\0\0\x88\xbe" + ETHERNET, protocol=47)),
    "ERSPAN II": wire.ethernet(wire.ipv4(*V4, b"\x10\0\x88\xbe" + bytes(12) + ETHERNET, protocol=47)),
    "ERSPAN III": wire.ethernet(wire.ipv4(*V4, b"\x10\0\x22\xeb" + bytes(16) + ETHERNET, protocol=47)),
    "IP in IP": wire.ethernet(wire.ipv4(*V4, DATAGRAM, protocol=4)),
    "VXLAN": wire.ethernet(wire.ipv4(*V4, wire.udp(5, 4789, b"\x08" + bytes(7) + ETHERNET), protocol=17)),
    "Geneve": wire.ethernet(
        wire.ipv4(*V4, wire.udp(5, 6081, b"\x02\0\x65\x58" + bytes(12) + ETHERNET), protocol=17)
    ),
    "GTP-U": wire.ethernet(
        wire.ipv4(*V4, wire.udp(2152, 2152, b"\x30\xff" + bytes(6) + DATAGRAM), protocol=17)
    ),
    "GTP-U with sequence number": wire.ethernet(
        wire.ipv4(*V4, wire.udp(2152, 2152, b"\x32\xff" + bytes(10) + DATAGRAM), protocol=17)
    ),
    "L2TP": wire.ethernet(
        wire.ipv4(*V4, wire.udp(1701, 1701, b"\x00\x02" + bytes(4) + b"\xff\x03" + PPP), protocol=17)
    ),
    "AH": wire.ethernet(wire.ipv4(*V4, b"\x06\x04" + bytes(22) + SEGMENT, protocol=51)),
    "EtherIP": wire.ethernet(wire.ipv4(*V4, b"\x30\x00" + ETHERNET, protocol=97)),
    "IP options": wire.ethernet(wire.ipv4(*V4, SEGMENT, options=b"\x94\x04\0\0" + b"\x01" * 8)),
    "first fragment": wire.ethernet(wire.ipv4(*V4, SEGMENT, fragment=0x2000)),
    "total length 0 (offload)": wire.ethernet(wire.ipv4(*V4, SEGMENT, total=0)),
}


@pytest.mark.parametrize("name", CARRIED)
def test_encapsulation(name: str) -> None:
    """The innermost segment counts, and its addresses."""
    _is_segment(CARRIED[name])


@pytest.mark.parametrize("inner", [DATAGRAM, DATAGRAM6])
def test_6in4_and_4in6(inner: bytes) -> None:
    """Either version inside the other."""
    protocol = 4 if inner is DATAGRAM else 41
    outer = wire.ipv6(*V6, inner, following=4) if protocol == 4 else wire.ipv4(*V4, inner, protocol=41)
    _is_segment(wire.ethernet(outer), source=V4[0] if protocol == 4 else V6[0])


EXTENSIONS = {
    "hop by hop": (0, b"\x06\x00" + bytes(6)),
    "routing": (43, b"\x06\x00" + bytes(6)),
    "long destination options": (60, b"\x06\x02" + bytes(22)),
    "first fragment": (44, b"\x06\x00\x00\x01" + bytes(4)),
    "AH": (51, b"\x06\x04" + bytes(22)),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_ipv6_extension_header(name: str) -> None:
    """Each is skipped by its own length."""
    following, header = EXTENSIONS[name]
    _is_segment(wire.ethernet(wire.ipv6(*V6, header + SEGMENT, following=following)), source=V6[0])


def test_ipv6_extension_headers_in_a_row() -> None:
    """All of them."""
    payload, following = SEGMENT, 6
    for kind, header in EXTENSIONS.values():
        payload = bytes([following]) + header[1:] + payload
        following = kind
    _is_segment(wire.ethernet(wire.ipv6(*V6, payload, following=following)), source=V6[0])


def test_jumbogram() -> None:
    """IPv6 payload length 0: the frame's own length counts (BIG TCP)."""
    big = wire.tcp(40001, 62893, 0xDEADBEEF, 0xFEEDF00D, "PA", b"hello" + bytes(70000))
    found = decode(wire.ethernet(wire.ipv6(*V6, big, total=0)))
    assert found.length == 70005


# -- lies and cuts ---------------------------------------------------------------------------------------

REFUSALS: dict[str, tuple[int, bytes, str]] = {
    "ARP": (1, wire.ethernet(bytes(28), 0x0806), "ARP"),
    "UDP": (1, wire.ethernet(wire.ipv4(*V4, wire.udp(53, 53, b"x" * 20), protocol=17)), "UDP"),
    "ICMP echo": (1, wire.ethernet(wire.ipv4(*V4, wire.icmp_error(8, 0, b"x" * 40), protocol=1)), "ICMP"),
    "ICMPv6 echo": (
        1,
        wire.ethernet(wire.ipv6(*V6, wire.icmp_error(128, 0, b"x" * 60), following=58)),
        "ICMPv6",
    ),
    "SCTP": (1, wire.ethernet(wire.ipv4(*V4, bytes(20), protocol=132)), "SCTP"),
    "ESP": (1, wire.ethernet(wire.ipv4(*V4, bytes(20), protocol=50)), "encrypted (ESP)"),
    "OSPF": (1, wire.ethernet(wire.ipv4(*V4, bytes(20), protocol=89)), "other protocol over IP"),
    "LLDP": (1, wire.ethernet(bytes(40), 0x88CC), "other protocol over Ethernet"),
    "spanning tree": (1, wire.ethernet(b"\x42\x42\x03" + bytes(40), 38), "802.2 LLC without IP"),
    "IP version 7": (101, b"\x75" + bytes(60), "IP version neither 4 nor 6"),
    "IPv4 header of 16 bytes": (
        101,
        wire.ipv4(*V4, SEGMENT, header_words=4),
        "IP header with impossible lengths",
    ),
    "IPv4 shorter than its header": (
        101,
        wire.ipv4(*V4, SEGMENT, total=19),
        "IP header with impossible lengths",
    ),
    "later fragment": (
        101,
        wire.ipv4(*V4, SEGMENT, fragment=1),
        "fragment of an IP datagram that adds no TCP header",
    ),
    "later IPv6 fragment": (
        101,
        wire.ipv6(*V6, b"\x06\0\0\x08" + bytes(4) + SEGMENT, following=44),
        "fragment of an IP datagram that adds no TCP header",
    ),
    "data offset 4": (101, wire.ipv4(*V4, wire.tcp(1, 2, offset=4)), "TCP header with impossible length"),
    "data offset beyond the datagram": (
        101,
        wire.ipv4(*V4, wire.tcp(1, 2, offset=15)),
        "TCP header with impossible length",
    ),
    "TCP header of 12 bytes": (
        101,
        wire.ipv4(*V4, SEGMENT[:12]),
        "TCP header cut by the capture's snap length",
    ),
    "IPv4 header cut": (1, ETHERNET[:30], "frame cut before the IP header ended"),
    "Ethernet header cut": (1, ETHERNET[:13], "frame cut before the IP header ended"),
    "empty frame": (1, b"", "frame cut before the IP header ended"),
    "IPv6 header cut": (101, DATAGRAM6[:39], "frame cut before the IP header ended"),
    "IPv6 extension cut": (
        101,
        wire.ipv6(*V6, b"\x06\x05" + bytes(8), following=0),
        "IPv6 extension headers cut",
    ),
    "NULL of an unknown family": (0, struct.pack("<I", 99) + DATAGRAM, "IPv6 address family unknown"),
    "an unknown link type": (9999, DATAGRAM, "link type not supported"),
    "encrypted 802.11": (
        105,
        _wlan(0x41) + SNAP + b"\x08\x00" + DATAGRAM,
        "802.11 frame without readable IP data",
    ),
    "PPP LCP": (9, b"\xff\x03\xc0\x21" + bytes(20), "PPP control or other PPP protocol"),
    "GRE cut": (101, wire.ipv4(*V4, b"\0\0", protocol=47), "tunnel header cut or not understood"),
    "nested too deep": (
        1,
        wire.ethernet(b"".join(b"\0\7\x81\0" for _ in range(40)) + DATAGRAM, 0x8100),
        "encapsulation nested too deep",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_frame_that_is_not_followed(name: str) -> None:
    """It is counted under the reason a person can act on."""
    linktype, frame, reason = REFUSALS[name]
    found = decode(frame, linktype=linktype)
    assert (found.is_tcp, found.reason) == (False, reason)


def test_every_reason_is_given_for_some_frame() -> None:
    """No reason is only a word."""
    assert len(set(REASONS)) == len(REASONS)
    assert set(REASONS[1:]) == {reason for _, _, reason in REFUSALS.values()}


@pytest.mark.parametrize("cut", range(len(ETHERNET)))
def test_frame_cut_anywhere(cut: int) -> None:
    """A snapped frame is followed as soon as sequence numbers, ports and flags are there."""
    found = decode(ETHERNET[:cut], wirelen=len(ETHERNET))
    assert found.is_tcp == (cut >= 14 + 20 + 14)
    if found.is_tcp:
        assert (found.seq, found.flags, found.length) == (0xDEADBEEF, 0x18, 5)
    else:
        assert found.reason is not None
        assert "cut" in found.reason


def test_payload_length_is_that_on_the_wire() -> None:
    """Not that of the capture, and not with Ethernet's padding."""
    assert decode(ETHERNET[:60], wirelen=len(ETHERNET)).length == 5
    assert decode(ETHERNET + bytes(9)).length == 5


# -- ICMP ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [3, 4, 11, 12])
@pytest.mark.parametrize("quoted", [28, len(DATAGRAM)])
def test_icmp_quotes(kind: int, quoted: int) -> None:
    """An error quotes at least ports and sequence number; the columns describe the quoted segment."""
    error = wire.icmp_error(kind, 13, DATAGRAM[:quoted])
    found = decode(wire.ethernet(wire.ipv4("198.51.100.7", V4[0], error, protocol=1)))
    assert (found.is_icmp, found.reason) == (True, "ICMP")
    assert (found.source, found.destination) == V4
    assert (found.source_port, found.destination_port, found.seq) == (40001, 62893, 0xDEADBEEF)
    assert found.flags == 4 << 16 | kind << 8 | 13


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("extension", [b"", b"\x06\x00" + bytes(6)])
def test_icmpv6_quotes(kind: int, extension: bytes) -> None:
    """The same for ICMPv6, also past extension headers in the quoted datagram."""
    quoted = wire.ipv6(*V6, extension + SEGMENT, following=0 if extension else 6)
    found = decode(
        wire.ethernet(wire.ipv6("2001:db8::7", V6[0], wire.icmp_error(kind, 4, quoted), following=58))
    )
    assert (found.is_icmp, found.reason) == (True, "ICMPv6")
    assert (found.source, found.destination) == V6
    assert (found.source_port, found.destination_port, found.seq) == (40001, 62893, 0xDEADBEEF)
    assert found.flags == 6 << 16 | kind << 8 | 4


@pytest.mark.parametrize(
    "quoted",
    [
        DATAGRAM[:27],
        wire.ipv4(*V4, wire.udp(1, 2, bytes(20)), protocol=17),
        wire.ipv4(*V4, SEGMENT, fragment=5),
        wire.ipv4(*V4, SEGMENT, header_words=3),
        b"\x60" + bytes(60),
    ],
)
def test_icmp_error_about_something_else(quoted: bytes) -> None:
    """It quotes no TCP segment, or too little of one."""
    found = decode(wire.ethernet(wire.ipv4(V4[1], V4[0], wire.icmp_error(3, 3, quoted), protocol=1)))
    assert (found.is_icmp, found.reason) == (False, "ICMP")


# -- noise -----------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), strategies.linktypes, st.integers(0, 300))
def test_noise_never_raises(frame: bytes, linktype: int, missing: int) -> None:
    """Any bytes of any link type are a segment, a quoted segment or a named reason."""
    found = decode(frame, linktype=linktype, wirelen=len(frame) + missing)
    assert found.is_tcp or found.is_icmp or found.reason


@given(
    st.sampled_from([*LINKS.values(), *((1, frame) for frame in CARRIED.values())]),
    st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=8),
    st.integers(0, 200),
    st.sampled_from([0, 5]),
)
def test_damaged_frames_never_raise(
    whole: tuple[int, bytes], damage: list[tuple[int, int]], keep: int, before: int
) -> None:
    """Bytes overwritten, tails cut; also where the frame is the last thing in the buffer."""
    linktype, frame = whole
    broken = bytearray(frame)
    for place, value in damage:
        broken[place % len(broken)] = value
    found = decode(bytes(broken[:keep]), linktype=linktype, wirelen=len(frame), before=before)
    if found.is_tcp:
        assert 0 <= found.ip_at < found.tcp_at
        assert found.tcp_at + 14 <= min(keep, len(broken))


@given(st.lists(st.tuples(st.binary(max_size=120), st.integers(0, 2000)), max_size=30), strategies.linktypes)
def test_captures_of_noise_never_raise(noise: list[tuple[bytes, int]], linktype: int) -> None:
    """The whole engine takes it: every frame is followed or counted."""
    capture = wire.pcap_header(linktype=linktype) + b"".join(
        wire.pcap_record(wire.START + place, frame, wirelen=len(frame) + more)
        for place, (frame, more) in enumerate(noise)
    )
    run = follow(capture)
    assert run.error is None
    counted = sum(run.follower.undecoded().values())
    assert run.follower.segments + counted == run.follower.frames == len(noise)


# -- an independent judge --------------------------------------------------------------------------------


def _fixture_frames() -> list[tuple[str, int, bytes]]:
    found = []
    for path in sorted(FIXTURES.glob("*.pcap")):
        data = unpacked(path)
        order = "<" if data[0] in b"\xd4\x4d" else ">"
        (linktype,) = struct.unpack_from(f"{order}I", data, 20)
        at = 24
        while at + 16 <= len(data):
            (size,) = struct.unpack_from(f"{order}I", data, at + 8)
            if at + 16 + size <= len(data):
                found.append((path.name, linktype, data[at + 16 : at + 16 + size]))
            at += 16 + size
    return found


def test_fixtures_against_scapy() -> None:
    """Every frame of every fixture that Scapy can judge: the columns are what its dissector reads."""
    from tests.engine.scapy_judge import NOT_JUDGED, judge

    frames = _fixture_frames()
    assert {name for name, _, _ in frames} >= set(NOT_JUDGED)
    judged = [frame for frame in frames if frame[0] not in NOT_JUDGED]
    assert len(judged) > 900
    for name, linktype, frame in judged:
        assert judge(frame, linktype, decode(frame, linktype=linktype)) is None, name


def test_random_packets_against_scapy() -> None:
    """TCP and IP options, extension headers, VLAN tags and tunnels that Scapy makes and reads."""
    from tests.engine.scapy_judge import compare, packets

    @given(packets())
    def check(packet: Any) -> None:
        frame = bytes(packet)
        found = decode(frame)
        assert found.is_tcp, found.reason
        assert compare(type(packet)(frame), found) is None

    check()
