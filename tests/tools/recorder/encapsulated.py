"""The short story of ``containers`` inside each tunnel and tag: bytes of a datagram in, of a frame out.

Sources: IEEE 802.1ah and 802.1BR, RFC 2516 (PPPoE), 3032 (MPLS), 2784/2890 (GRE), 7348 (VXLAN), 8926
(Geneve), 2003 (IP in IP), 4213 (6in4), 2661 (L2TP), 4302 (AH), 3GPP TS 29.281 (GTP-U),
draft-foschiano-erspan. FabricPath has no public document; the layout is that of Wireshark's dissector.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

from recorder.containers import story
from recorder.model import LOCAL, LOCAL6
from recorder.wire import Record, ether_type, pcap

Wrap = Callable[[bytes], bytes]

OUTER = {"src": "192.0.2.1", "dst": "192.0.2.2"}
GRE, AH, IN_IP, IN_IP6 = 47, 51, 4, 41
PPP_IPV4 = b"\x00\x21"


def _ethernet(kind: int, rest: bytes) -> bytes:
    return bytes.fromhex("020000000002020000000001") + struct.pack(">H", kind) + rest


def _frame(datagram: bytes) -> bytes:
    return _ethernet(ether_type(datagram), datagram)


def _over_ip(protocol: int, rest: bytes) -> bytes:
    return _frame(bytes(IP(**OUTER, proto=protocol) / Raw(rest)))


def _over_udp(port: int, rest: bytes) -> bytes:
    return _frame(bytes(IP(**OUTER) / UDP(sport=port, dport=port) / Raw(rest)))


def _pppoe(datagram: bytes) -> bytes:
    carried = PPP_IPV4 + datagram
    return _ethernet(0x8864, struct.pack(">BBHH", 0x11, 0, 1, len(carried)) + carried)


def _mpls(datagram: bytes) -> bytes:
    outer, inner = 16 << 12 | 64, 17 << 12 | 1 << 8 | 64
    return _ethernet(0x8847, struct.pack(">II", outer, inner) + datagram)


def _erspan_2(datagram: bytes) -> bytes:
    sequence, session, index = 7, 1 << 28 | 42, 0
    head = struct.pack(">HHIII", 0x1000, 0x88BE, sequence, session, index)
    return _over_ip(GRE, head + _frame(datagram))


def _erspan_3(datagram: bytes) -> bytes:
    sequence, session, stamp, platform = 7, 2 << 28 | 42, 1000, 0
    head = struct.pack(">HHIIII", 0x1000, 0x22EB, sequence, session, stamp, platform)
    return _over_ip(GRE, head + _frame(datagram))


def _geneve(datagram: bytes) -> bytes:
    option = struct.pack(">HBBI", 0x0102, 0x80, 1, 0)
    return _over_udp(6081, struct.pack(">BBHI", 2, 0, 0x6558, 5 << 8) + option + _frame(datagram))


def _gtp(datagram: bytes) -> bytes:
    sequence = struct.pack(">HBB", 7, 0, 0)
    head = struct.pack(">BBHI", 0x32, 255, len(sequence) + len(datagram), 1)
    return _over_udp(2152, head + sequence + datagram)


def _l2tp(datagram: bytes) -> bytes:
    return _over_udp(1701, struct.pack(">HHH", 2, 5, 6) + b"\xff\x03" + PPP_IPV4 + datagram)


def _e_tag(datagram: bytes) -> bytes:
    return _ethernet(0x893F, bytes(6) + struct.pack(">H", ether_type(datagram)) + datagram)


def _ah(datagram: bytes) -> bytes:
    """Put an authentication header between IP and TCP."""
    packet = IP(datagram)
    segment = bytes(packet.payload)
    head = struct.pack(">BBHII", 6, 4, 0, 9, 1) + bytes(12)
    return _frame(bytes(IP(src=packet.src, dst=packet.dst, proto=AH) / Raw(head + segment)))


WRAPS: Mapping[str, tuple[str, Wrap]] = {
    "pppoe": ("Inside a PPPoE session.", _pppoe),
    "mpls": ("Behind two MPLS labels.", _mpls),
    "gre": ("Inside GRE.", lambda d: _over_ip(GRE, struct.pack(">HH", 0, 0x0800) + d)),
    "erspan-1": (
        "Mirrored with ERSPAN type I.",
        lambda d: _over_ip(GRE, struct.pack(">HH", 0, 0x88BE) + _frame(d)),
    ),
    "erspan-2": ("Mirrored with ERSPAN type II.", _erspan_2),
    "erspan-3": ("Mirrored with ERSPAN type III.", _erspan_3),
    "vxlan": ("Inside VXLAN.", lambda d: _over_udp(4789, struct.pack(">II", 8 << 24, 5 << 8) + _frame(d))),
    "geneve": ("Inside Geneve, with an option.", _geneve),
    "ip-in-ip": ("IPv4 inside IPv4.", lambda d: _over_ip(IN_IP, d)),
    "6in4": ("IPv6 inside IPv4.", lambda d: _over_ip(IN_IP6, d)),
    "gtp": ("Inside GTP-U, with a sequence number.", _gtp),
    "l2tp": ("Inside PPP inside L2TP.", _l2tp),
    "pbb": (
        "Behind a provider backbone bridge.",
        lambda d: _ethernet(0x88E7, struct.pack(">I", 5) + _frame(d)),
    ),
    "e-tag": ("Behind an E-Tag (802.1BR).", _e_tag),
    "fabricpath": (
        "Inside FabricPath.",
        lambda d: _ethernet(0x8903, struct.pack(">H", 1 << 6 | 32) + _frame(d)),
    ),
    "ah": ("Behind an authentication header.", _ah),
}
"""Name of the encapsulation → its story, and how a datagram is wrapped."""

INNER_IPV6 = {"6in4"}
"""Those whose inner datagrams are IPv6."""


def address(name: str) -> str:
    """Return the address that both ends have inside."""
    return LOCAL6 if name in INNER_IPV6 else LOCAL


def carried(name: str) -> Callable[[], bytes]:
    """Wrap each packet of the story."""
    wrap = WRAPS[name][1]
    return lambda: pcap(Record(ts, wrap(data)) for ts, data in story(address(name)))
