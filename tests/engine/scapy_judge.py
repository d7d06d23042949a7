"""Scapy as an independent judge of the header columns, and as a maker of packets."""

from __future__ import annotations

import warnings
from typing import Any

from hypothesis import strategies as st

from tests.engine.decoded import Decoded, same_address

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Scapy's imports warn about their own dependencies
    # Scapy follows a tunnel once the module that binds its number is imported.
    import scapy.contrib.erspan
    import scapy.contrib.geneve
    import scapy.contrib.gtp
    import scapy.contrib.mpls
    import scapy.layers.l2tp
    import scapy.layers.vxlan  # noqa: F401
    from scapy.layers.dot11 import RadioTap
    from scapy.layers.inet import IP, TCP, IPOption, TCPerror
    from scapy.layers.inet6 import (
        IPv6,
        IPv6ExtHdrDestOpt,
        IPv6ExtHdrFragment,
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrRouting,
    )
    from scapy.layers.l2 import (
        GRE,
        CookedLinux,
        CookedLinuxV2,
        Dot1AD,
        Dot1Q,
        Ether,
        Loopback,
        LoopbackOpenBSD,
    )
    from scapy.layers.ppp import PPP
    from scapy.packet import NoPayload, Packet

_LAYERS: dict[int, Any] = {
    0: Loopback,
    1: Ether,
    9: PPP,
    101: IP,
    108: LoopbackOpenBSD,
    113: CookedLinux,
    127: RadioTap,
    228: IP,
    229: IPv6,
    276: CookedLinuxV2,
}

NOT_JUDGED = {
    "snaplen.pcap": "the payload is cut off; Scapy's length is that of the captured bytes",
    "bad-offset.pcap": "Scapy reads a segment behind a TCP header of 12 bytes",
    "ah.pcap": "Scapy does not look behind an authentication header without its keys",
    "e-tag.pcap": "Scapy does not know E-Tag",
    "fabricpath.pcap": "Scapy does not know FabricPath",
    "link-c-hdlc.pcap": "Scapy does not know the link type",
    "link-nflog.pcap": "Scapy does not know the link type",
    "link-pktap.pcap": "the reader takes the header off before frames are decoded",
    "link-null-ipv6.pcap": "Scapy knows the address family of the system it runs on",
    "link-null-ipv6-freebsd.pcap": "Scapy knows the address family of the system it runs on",
    "link-null-ipv6-netbsd.pcap": "Scapy knows the address family of the system it runs on",
    "link-loop-ipv6.pcap": "Scapy knows the address family of the system it runs on",
}
"""Fixtures that Scapy cannot judge, and why."""


def judge(frame: bytes, linktype: int, found: Decoded) -> str | None:
    """What Scapy reads otherwise than ``found``; ``None`` when they agree."""
    layer = _LAYERS[linktype]
    if linktype == 101 and frame[0] >> 4 == 6:
        layer = IPv6
    packet = layer(frame)
    if not isinstance(packet.getlayer(TCP), TCP) or isinstance(packet.getlayer(TCP), TCPerror):
        return "a segment that Scapy does not see" if found.is_tcp else None
    if not found.is_tcp:
        return f"Scapy sees a segment: {packet.summary()}"
    return compare(packet, found)


def compare(packet: Any, found: Decoded) -> str | None:
    """The first field in which a dissected packet and the columns differ."""
    segment = _innermost(packet, TCP)
    datagram = segment.underlayer
    while not isinstance(datagram, IP | IPv6):
        datagram = datagram.underlayer
    payload = segment.payload
    size = 0 if isinstance(payload, NoPayload) else len(payload.original)
    padding = payload.getlayer("Padding")
    if padding is not None:
        size -= len(padding.load)
    pairs = {
        "source port": (segment.sport, found.source_port),
        "destination port": (segment.dport, found.destination_port),
        "seq": (segment.seq, found.seq),
        "ack": (segment.ack, found.ack),
        "flags": (int(segment.flags), found.flags),
        "length": (size, found.length),
    }
    for name, (theirs, ours) in pairs.items():
        if theirs != ours:
            return f"{name}: Scapy {theirs}, we {ours}"
    for address, mine in ((datagram.src, found.source), (datagram.dst, found.destination)):
        if not same_address(address, mine):
            return f"address: Scapy {address}, we {mine}"
    return None


def _innermost(packet: Any, kind: type[Packet]) -> Any:
    found = packet.getlayer(kind)
    while (deeper := found.payload.getlayer(kind)) is not None:
        found = deeper
    return found


_words = st.integers(0, 0xFFFFFFFF)
_ports = st.integers(0, 0xFFFF)
_options = st.lists(
    st.sampled_from(
        [
            ("NOP", None),
            ("MSS", 1460),
            ("SAckOK", b""),
            ("WScale", 7),
            ("Timestamp", (1, 2)),
            ("SAck", (1, 2)),
        ]
    ),
    max_size=3,
)


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """A random TCP packet in random wrapping, by Scapy."""
    segment = TCP(
        sport=draw(_ports),
        dport=draw(_ports),
        seq=draw(_words),
        ack=draw(_words),
        flags=draw(st.integers(0, 0x1FF)),
        window=draw(_ports),
        options=draw(_options),
    ) / draw(st.binary(max_size=40))
    datagram = draw(_datagrams(segment))
    if draw(st.booleans()):
        outer = IP(src="192.0.2.1", dst="192.0.2.2") if draw(st.booleans()) else IPv6(src="::1", dst="::2")
        datagram = outer / GRE() / datagram if draw(st.booleans()) else outer / datagram
    link = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")  # else Scapy asks the network
    for tag in draw(st.sampled_from([(), (Dot1Q,), (Dot1AD, Dot1Q)])):
        link = link / tag(vlan=draw(st.integers(0, 4095)))
    return link / datagram


@st.composite
def _datagrams(draw: st.DrawFn, segment: Packet) -> Packet:
    if draw(st.booleans()):
        source, destination = draw(st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)))
        options = [IPOption(b"\x94\x04\x00\x00")] * draw(st.integers(0, 3))
        flags = draw(st.sampled_from(["", "DF", "MF"]))
        return IP(src=str(source), dst=str(destination), options=options, flags=flags) / segment
    source, destination = draw(st.tuples(st.ip_addresses(v=6), st.ip_addresses(v=6)))
    datagram = IPv6(src=str(source), dst=str(destination))
    makers: list[Any] = [
        IPv6ExtHdrHopByHop,
        IPv6ExtHdrDestOpt,
        lambda: IPv6ExtHdrRouting(addresses=["2001:db8::9"]),
        lambda: IPv6ExtHdrFragment(offset=0, m=1, id=7),
    ]
    for make in draw(st.lists(st.sampled_from(makers), max_size=3, unique=True)):
        datagram = datagram / make()
    return datagram / segment
