"""Crafted TCP conversations: who says what, with numbers that fit unless told otherwise.

Scapy builds the headers and checksums; nothing else here knows about bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scapy.layers.inet import IP, TCP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
from scapy.packet import Packet, Raw

from recorder.model import LOCAL, PORT

START_NS = 1_760_000_000_000_000_000
STEP_NS = 100_000
MS = 1_000_000
SECOND = 1_000_000_000

CLIENT_ISN = 0x11110000
SERVER_ISN = 0x22220000
REQUEST = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n\r\n".encode()
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"

Timed = tuple[int, bytes]
"""A packet without link header: nanoseconds since the epoch, and its bytes."""


def bare_syn(source_port: int, port: int) -> bytes:
    """Return a lone SYN over IPv4 loopback, ready for a raw socket."""
    return bytes(IP(src=LOCAL, dst=LOCAL) / TCP(sport=source_port, dport=port, flags="S", seq=7))


@dataclass
class Talk:
    """One conversation; every call appends a packet and advances the clock.

    ``extension`` puts IPv6 extension headers before TCP. ``now_ns`` is the time of
    the next packet, in nanoseconds since the epoch.
    """

    client_port: int = 40001
    server_port: int = PORT
    address: str = LOCAL
    extension: bool = False
    now_ns: int = START_NS
    client_isn: int = CLIENT_ISN
    server_isn: int = SERVER_ISN
    packets: list[Timed] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put both sides before their SYN."""
        self._next = {True: self.client_isn, False: self.server_isn}

    def wait(self, ns: int) -> Talk:
        """Let time pass."""
        self.now_ns += ns
        return self

    def segment(
        self,
        flags: str,
        payload: bytes = b"",
        *,
        client: bool,
        seq: int | None = None,
        ack: int | None = None,
    ) -> Packet:
        """Build a segment; a given ``seq`` or ``ack`` leaves the bookkeeping alone."""
        own, peer = self._next[client], self._next[not client]
        if seq is None:
            seq = own
            self._next[client] += len(payload) + ("S" in flags) + ("F" in flags)
        if ack is None:
            ack = peer if "A" in flags else 0
        ports = (self.client_port, self.server_port)
        source, target = ports if client else ports[::-1]
        tcp = TCP(sport=source, dport=target, flags=flags, seq=seq, ack=ack)
        tcp.window = 0 if "R" in flags else 65495
        if "S" in flags:
            tcp.options = [("MSS", 65495)]
        body = tcp / Raw(payload) if payload else tcp
        if ":" not in self.address:
            return IP(src=self.address, dst=self.address, id=0, flags="DF") / body
        network = IPv6(src=self.address, dst=self.address)
        if self.extension:
            network = network / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt()
        return network / body

    def add(self, packet: Packet) -> Talk:
        """Append a packet as it is."""
        self.packets.append((self.now_ns, bytes(packet)))
        self.now_ns += STEP_NS
        return self

    def by_client(
        self, flags: str, payload: bytes = b"", *, seq: int | None = None, ack: int | None = None
    ) -> Talk:
        """The client sends."""
        return self.add(self.segment(flags, payload, client=True, seq=seq, ack=ack))

    def by_server(
        self,
        flags: str,
        payload: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
    ) -> Talk:
        """The server sends."""
        return self.add(self.segment(flags, payload, client=False, seq=seq, ack=ack))

    def fragmented(self, flags: str, payload: bytes, size: int, *, client: bool) -> Talk:
        """Send a segment in IP fragments; only the first carries the TCP header."""
        packet = self.segment(flags, payload, client=client)
        packet[IP].flags = 0
        packet[IP].id = 0x1234
        for piece in fragment(packet, fragsize=size):  # type: ignore[no-untyped-call]  # Scapy
            self.add(piece)
        return self

    def handshake(self) -> Talk:
        """SYN, SYN-ACK, ACK."""
        return self.by_client("S").by_server("SA").by_client("A")

    def exchange(self) -> Talk:
        """Request, reply, and a FIN each way."""
        self.by_client("PA", REQUEST).by_server("A").by_server("PA", REPLY)
        return self.farewell()

    def farewell(self) -> Talk:
        """A FIN each way, the server's first."""
        return self.by_server("FA").by_client("A").by_client("FA").by_server("A")

    def refusal(self) -> Talk:
        """RST,ACK as a kernel sends it for a closed port: seq 0, window 0."""
        return self.by_server("RA", seq=0, ack=self.client_isn + 1)
