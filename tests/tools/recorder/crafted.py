"""Captures no kernel here produces on demand: built segment by segment."""

from __future__ import annotations

import struct

from recorder.model import LOCAL6
from recorder.talk import CLIENT_ISN, MS, REQUEST, SECOND, SERVER_ISN, Talk
from recorder.wire import ether_type, ethernet, pcap


def _file(talk: Talk) -> bytes:
    return pcap(ethernet(talk.packets))


def windows_retry() -> bytes:
    """Windows repeats a refused SYN with the same ISN."""
    talk = Talk()
    for _ in range(3):
        talk.by_client("S", seq=CLIENT_ISN).refusal().wait(500 * MS)
    return _file(talk)


def client_withdrew() -> bytes:
    """The client takes its SYN back with an RST.

    Linux cannot be brought to it: closing a connecting socket with linger 0 sends nothing.
    """
    talk = Talk().by_client("S").wait(SECOND).by_client("S", seq=CLIENT_ISN)
    return _file(talk.wait(300 * MS).by_client("R"))


def server_gave_up() -> bytes:
    """Nobody acknowledges the SYN-ACK, so the server repeats it and then resets."""
    talk = Talk().by_client("S").by_server("SA")
    for seconds in (1, 2, 4):
        talk.wait(seconds * SECOND).by_server("SA", seq=SERVER_ISN)
    return _file(talk.wait(8 * SECOND).by_server("R"))


def forged_rst() -> bytes:
    """An RST that fits, with another TTL, arrives before the real SYN-ACK."""
    talk = Talk().by_client("S")
    forged = talk.segment("RA", client=False, seq=0, ack=CLIENT_ISN + 1)
    forged.ttl = 200
    talk.add(forged)
    return _file(talk.by_server("SA").by_client("A").exchange())


def unfitting_syn_ack() -> bytes:
    """The SYN-ACK acknowledges a number the client never sent; nothing else follows."""
    talk = Talk().by_client("S").by_server("SA", ack=CLIENT_ISN + 5000)
    return _file(talk.wait(SECOND).by_client("S", seq=CLIENT_ISN))


def unfitting_rst() -> bytes:
    """The only reply is an RST that acknowledges a number the client never sent."""
    talk = Talk().by_client("S").by_server("RA", seq=0, ack=CLIENT_ISN + 5000)
    return _file(talk.wait(SECOND).by_client("S", seq=CLIENT_ISN))


def crossing_syn() -> bytes:
    """Both ends send a SYN and neither acknowledges the other's."""
    talk = Talk().by_client("S").by_server("S").wait(SECOND)
    return _file(talk.by_client("S", seq=CLIENT_ISN).by_server("S", seq=SERVER_ISN))


def simultaneous_open() -> bytes:
    """Both SYNs cross, both ends answer with a SYN-ACK (RFC 9293, figure 7)."""
    talk = Talk().by_client("S").by_server("S")
    talk.by_client("SA", seq=CLIENT_ISN, ack=SERVER_ISN + 1)
    talk.by_server("SA", seq=SERVER_ISN, ack=CLIENT_ISN + 1)
    return _file(talk.exchange())


def syn_ack_twice() -> bytes:
    """Two SYN-ACKs with different server ISNs; the client acknowledges the second."""
    talk = Talk().by_client("S").by_server("SA", seq=SERVER_ISN - 9999)
    return _file(talk.by_server("SA").by_client("A").exchange())


def early_fin() -> bytes:
    """Server data and FIN come before the client's ACK, which then covers both."""
    talk = Talk().by_client("S").by_server("SA").by_server("PA", b"220 ready\r\n")
    return _file(talk.by_server("FA").by_client("A").by_client("FA").by_server("A"))


def fragments() -> bytes:
    """The request travels in IP fragments."""
    talk = Talk().handshake().fragmented("PA", REQUEST * 3, 64, client=True)
    return _file(talk.by_server("A").by_server("PA", b"HTTP/1.1 200 OK\r\n\r\n").farewell())


def ipv6_extension() -> bytes:
    """Hop-by-hop and destination options before TCP."""
    return _file(Talk(address=LOCAL6, extension=True).handshake().exchange())


def tagged(*tags: tuple[int, int]) -> bytes:
    """A conversation inside VLAN tags, each given as (EtherType, id)."""
    out = []
    for record_ns, data in Talk().handshake().exchange().packets:
        inner = data
        following = ether_type(data)
        for kind, number in reversed(tags):
            inner = struct.pack(">HH", number, following) + inner
            following = kind
        out.append((record_ns, following, inner))
    return pcap(record for record_ns, kind, data in out for record in ethernet([(record_ns, data)], kind))


def vlan() -> bytes:
    """One 802.1Q tag."""
    return tagged((0x8100, 42))


def qinq() -> bytes:
    """An 802.1ad tag around an 802.1Q tag."""
    return tagged((0x88A8, 7), (0x8100, 42))
