"""Crafted frames that lie about themselves, are cut, come late, or lead to no TCP at all."""

from __future__ import annotations

import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.inet6 import IPv6, IPv6ExtHdrHopByHop, Jumbo
from scapy.layers.l2 import ARP
from scapy.packet import Packet, Raw

from recorder.containers import story
from recorder.model import LOCAL, LOCAL6
from recorder.talk import CLIENT_ISN, MS, REPLY, REQUEST, SECOND, SERVER_ISN, START_NS, Talk
from recorder.wire import Record, ethernet, pcap

IP_HEADER = 34
"""Where the IPv4 header ends in an Ethernet frame."""

JUMBO = 70_000
REUSES = 10
FLOOD = 40


def _file(*talks: Talk) -> bytes:
    return pcap(ethernet([packet for talk in talks for packet in talk.packets]))


def ack_with_data() -> bytes:
    """The request travels in the segment that completes the handshake."""
    return _file(Talk().by_client("S").by_server("SA").exchange())


def fast_open_half_refused() -> bytes:
    """A SYN with data is refused by an RST that acknowledges the SYN alone."""
    return _file(Talk().by_client("S", REQUEST).refusal())


def stray_rst() -> bytes:
    """An RST that fits nothing arrives before the real SYN-ACK."""
    talk = Talk().by_client("S").by_server("RA", seq=0, ack=CLIENT_ISN + 5000)
    return _file(talk.by_server("SA").by_client("A").exchange())


def payload_missing() -> bytes:
    """Every segment with payload was filtered away."""
    packets = Talk().handshake().exchange().packets
    return pcap(ethernet([(ts, data) for ts, data in packets if not data.endswith((REQUEST, REPLY))]))


def refused_with_payload() -> bytes:
    """The RST that refuses says why, in payload."""
    return _file(Talk().by_client("S").by_server("RA", b"port closed", seq=0, ack=CLIENT_ISN + 1))


def reset_with_payload() -> bytes:
    """The server answers, then resets with a reason in the RST's payload."""
    talk = Talk().handshake().by_client("PA", REQUEST).by_server("PA", REPLY).by_client("A")
    return _file(talk.by_server("RA", b"worker died"))


def rst_after_fin() -> bytes:
    """Once the server resets after its own FIN; once the client does when both have closed."""
    first = Talk().handshake().by_client("PA", REQUEST).by_server("PA", REPLY).by_server("FA")
    first.by_client("PA", b"more").by_server("R")
    second = Talk(40002, now_ns=first.now_ns + SECOND).handshake().exchange().by_client("R")
    return _file(first, second)


def wrong_checksums() -> bytes:
    """No TCP checksum is right."""
    records = []
    for record in ethernet(story()):
        data = bytearray(record.data)
        data[IP_HEADER + 16] ^= 0x55
        records.append(Record(record.ts_ns, bytes(data)))
    return pcap(records)


def length_zero() -> bytes:
    """The IP header says length 0, as with segmentation offload."""
    return pcap(ethernet([(ts, data[:2] + bytes(2) + data[4:]) for ts, data in story()]))


def jumbo() -> bytes:
    """An IPv6 jumbogram: payload length 0, the real one in an option; only its beginning is captured."""
    talk = Talk(address=LOCAL6).handshake().by_client("PA", REQUEST)
    records = ethernet(talk.packets)
    segment = talk.segment("PA", b"", client=False)[TCP]
    option = IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=8 + 20 + JUMBO)])
    beginning = bytes(IPv6(src=LOCAL6, dst=LOCAL6, plen=0, nh=0) / option / segment / Raw(REPLY))
    (frame,) = ethernet([(talk.now_ns, beginning)])
    records.append(Record(frame.ts_ns, frame.data, len(frame.data) - len(REPLY) + JUMBO))
    talk.wait(MS).by_client("A", ack=SERVER_ISN + 1 + JUMBO)
    return pcap([*records, *ethernet(talk.packets[-1:])])


def ip_options() -> bytes:
    """Four bytes of IPv4 options (router alert) before TCP."""
    packets = []
    for ts, data in story():
        packet = IP(data)
        plain = packet.payload
        packets.append((ts, bytes(IP(src=LOCAL, dst=LOCAL, options=[IPOption(b"\x94\x04\0\0")]) / plain)))
    return pcap(ethernet(packets))


def cut_in_tcp() -> bytes:
    """Each frame ends after the window, before the fixed TCP header does."""
    return pcap(Record(r.ts_ns, r.data[: IP_HEADER + 16], len(r.data)) for r in ethernet(story()))


def bad_offset() -> bytes:
    """A segment between SYN and RST claims a TCP header of 12 bytes."""
    talk = Talk().by_client("S")
    lie = talk.segment("PA", b"", client=True, seq=CLIENT_ISN + 1, ack=SERVER_ISN + 1)
    lie[TCP].dataofs = 3
    return _file(talk.add(lie).refusal())


def time_backwards() -> bytes:
    """The clock is set back by an hour between the SYN and its answer."""
    talk = Talk().by_client("S").wait(-3600 * SECOND).by_server("SA").by_client("A")
    return _file(talk.exchange())


def merged_files() -> bytes:
    """Two recordings of one 4-tuple, appended the wrong way round: the later connection comes first."""
    earlier = Talk().by_client("S").refusal()
    later = Talk(now_ns=START_NS + 60 * SECOND, client_isn=0x33330000).handshake().exchange()
    return _file(later, earlier)


def merged_sides() -> bytes:
    """Each direction was recorded into a file of its own, and the server's was appended first."""
    packets = Talk().handshake().exchange().packets
    return pcap(ethernet(sorted(packets, key=lambda packet: bool(IP(packet[1])[TCP].sport == 40001))))


def tuple_reuse() -> bytes:
    """One 4-tuple again and again, as a load generator does it."""
    talks: list[Talk] = []
    for turn in range(REUSES):
        now = talks[-1].now_ns + 10 * MS if talks else START_NS
        isns = {"client_isn": CLIENT_ISN + turn * 0x100000, "server_isn": SERVER_ISN + turn * 0x200000}
        talks.append(Talk(now_ns=now, **isns).handshake().exchange())
    return _file(*talks)


def syn_flood() -> bytes:
    """Many SYNs that nobody answers, and one connection among them."""
    talks = []
    for number in range(FLOOD):
        talk = Talk(40001 + number, now_ns=START_NS + number * SECOND, client_isn=CLIENT_ISN + number * 977)
        talks.append(talk.by_client("S"))
    talks[FLOOD // 2].by_server("SA").by_client("A").exchange()
    return pcap(sorted((r for talk in talks for r in ethernet(talk.packets)), key=lambda r: r.ts_ns))


def not_decoded() -> bytes:
    """Frames that lead to no TCP segment, between the two of a refusal."""
    opening, refusal = Talk().by_client("S").refusal().packets
    others: tuple[tuple[int, bytes | Packet], ...] = (
        (0x0806, ARP(hwsrc="02:00:00:00:00:01", psrc=LOCAL, pdst="127.0.0.2")),
        (0x0800, IP(src=LOCAL, dst=LOCAL) / UDP(sport=5353, dport=5353) / Raw(b"a datagram")),
        (0x0800, IP(src=LOCAL, dst=LOCAL) / ICMP() / Raw(b"an echo")),
        (0x0800, IP(src=LOCAL, dst=LOCAL, proto=50) / Raw(bytes(24))),
        (0x0800, IP(src=LOCAL, dst=LOCAL, proto=132) / Raw(bytes(12))),
        (0x0800, IP(src=LOCAL, dst=LOCAL, proto=47) / Raw(b"\0\0")),
        (0x88CC, bytes(28)),
    )
    frames = [*ethernet([opening])]
    for place, (kind, packet) in enumerate(others, 1):
        frames.append(Record(opening[0] + place, bytes(12) + struct.pack(">H", kind) + bytes(packet)))
    cut = bytes(12) + struct.pack(">H", 0x0800) + opening[1][:32]
    frames.append(Record(opening[0] + len(others) + 1, cut, 14 + len(opening[1])))
    return pcap([*frames, *ethernet([refusal])])
