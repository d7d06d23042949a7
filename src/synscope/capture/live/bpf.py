"""The kernel filter program (classic BPF) of a live capture: what reaches the ring at all.

Input: the watched ports, the proxy ports and a snap length. Output: instructions, and their bytes for
``SO_ATTACH_FILTER``. Link layers: Ethernet and loopback with up to two 802.1Q/802.1ad tags inside the frame;
on every other interface (tun, PPP, tunnels) the network header is found as the kernel marks it.

What passes, cut to the snap length:

* every TCP segment from or to a watched port (with ``ports=None``: every TCP segment);
* SYN, FIN or RST of every other port: handshakes of unwatched ports show near misses;
* from or to a proxy port also every segment with payload, for what a client asks a proxy to connect to;
* to and from any port, a segment whose payload begins as what a client says to a proxy: ``CONNECT``, one of
  ``METHODS`` followed by a URL instead of a path, SOCKS 5 (its usual greetings, then the request), and SOCKS 4 with
  a watched port in it (where the watched ports are at most ``MOST_SOCKS4`` ranges: each test costs room);
* ICMP destination unreachable, source quench, time exceeded, parameter problem (3, 4, 11, 12) and the
  ICMPv6 errors (1 to 4);
* what cannot be decided: fragments of TCP or ICMP (any but a whole datagram in one), TCP or ICMP behind more
  than ``EXTENSIONS`` IPv6 extension headers or behind an authentication header, IPv6 mobility, HIP and Shim6
  headers, more than two VLAN tags, and every frame of an interface that delivers raw 802.11 frames.

What does not: the copy of a loopback frame on its way out, for the same frame comes in again; UDP, ARP, ESP, other
data of unwatched ports (a segment without payload is told at once, one with it by its first bytes), IP inside GRE,
VXLAN, PPPoE, MPLS or another IP header (what travels inside shows on the tunnel's own interface). A frame that ends
before the headers it announces is dropped too: reading behind the end is how a classic BPF program says no, and no
stack accepts it.

Invariants: jumps go forward only; the program stays below ``MAX_INSTRUCTIONS`` or ``FilterError`` is raised.

Sources: the kernel's Documentation/networking/filter.rst and linux/filter.h (ancillary and network offsets),
RFC 791, 792, 1928 (SOCKS 5), 4443, 8200, 9112 §3.2 (request targets), 9293.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from synscope.model import PORT_MAX

Instruction = tuple[int, int, int, int]
"""``code``, ``jt``, ``jf``, ``k``."""

MAX_INSTRUCTIONS = 4096
"""The kernel's BPF_MAXINSNS."""
EXTENSIONS = 3
"""IPv6 extension headers that are looked behind."""
SNAP_LENGTH = 262_144
METHODS = ("GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH")
"""Methods whose requests are told to be a proxy's by the URL that follows."""
REQUESTS = (b"CONNECT ", *(f"{method} http".encode() for method in METHODS))
"""How a request to an HTTP proxy begins."""
SOCKS5_GREETINGS = (
    b"\x05\x01\x00", b"\x05\x01\x02", b"\x05\x02\x00\x01", b"\x05\x02\x00\x02", b"\x05\x03\x00\x01\x02",
)  # fmt: skip
"""Whole first messages of SOCKS 5: the ways of showing who one is that clients usually offer."""
SOCKS5_CONNECT = b"\x05\x01\x00"
SOCKS5_SIZES = {1: 10, 4: 22}
"""Type of the address in a SOCKS 5 request → the request's size; a name (3) has a size of its own."""
SOCKS5_NAME, SOCKS5_AROUND_NAME = 3, 7
SOCKS4_CONNECT = b"\x04\x01"
MOST_SOCKS4 = 32

DROP_ALL: tuple[Instruction, ...] = ((0x06, 0, 0, 0),)

_FARTHEST = 255
_LARGEST_SNAP = 0x7FFF_FFFF

_LD_W_ABS, _LD_H_ABS = 0x20, 0x28
_LD_W_IND, _LD_H_IND, _LD_B_IND = 0x40, 0x48, 0x50
_LD_IMM, _LD_MEM, _LDX_IMM = 0x00, 0x60, 0x01
_LDX_MEM = 0x61
_ST = 0x02
_ADD, _ADD_X, _SUB_X, _AND, _LSH, _RSH = 0x04, 0x0C, 0x1C, 0x54, 0x64, 0x74
_TAX, _TXA = 0x07, 0x87
_JA, _JEQ, _JGT, _JGE, _JSET, _JEQ_X, _JGT_X = 0x05, 0x15, 0x25, 0x35, 0x45, 0x1D, 0x2D
_RET = 0x06

_PROTOCOL = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
_PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE
_HARDWARE = 0xFFFFF01C  # SKF_AD_OFF + SKF_AD_HATYPE
_NETWORK = 0xFFF00000  # SKF_NET_OFF

_ETHER, _LOOPBACK = 1, 772
_OUTGOING = 4
_WIRELESS = (801, 802, 803)
_TAGS = (0x8100, 0x88A8, 0x9100)
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _ICMP, _AH, _ICMP6 = 6, 1, 51, 58
_FRAGMENT = 44
_PLAIN_EXTENSIONS = (0, 43, 60)
_OPAQUE = (_AH, 135, 139, 140)
_ICMP_ERRORS = (3, 4, 11, 12)
_ICMP6_LAST_ERROR = 4
_SYN_FIN_RST = 0x07
_V4_FRAGMENT = 0x3FFF  # more fragments, or an offset
_V6_FRAGMENT = 0xFFF9

_END, _NEXT, _SIZE = 0, 1, 2  # scratch words: where the datagram ends, the next header, the payload's size
_UNKNOWN_END = 0xFFFFFFFF


class FilterError(ValueError):
    """No filter program can be made for what was asked."""


@dataclass(frozen=True, slots=True)
class _Step:
    """An instruction whose jumps still name labels; ``None`` is the next instruction."""

    code: int
    k: int = 0
    yes: str | None = None
    no: str | None = None


class _Program:
    """Steps and labels in the order in which they are read."""

    def __init__(self) -> None:
        self._lines: list[_Step | str] = []
        self._labels = 0

    def label(self, name: str) -> None:
        self._lines.append(name)

    def fresh(self) -> str:
        """Return a label that no other part uses."""
        self._labels += 1
        return f"#{self._labels}"

    def do(self, code: int, k: int = 0) -> None:
        self._lines.append(_Step(code, k))

    def go(self, label: str) -> None:
        self._lines.append(_Step(_JA, 0, label))

    def test(self, code: int, k: int, yes: str | None, no: str | None = None) -> None:
        self._lines.append(_Step(code, k, yes, no))

    def equals_any(self, values: Sequence[int], yes: str) -> None:
        """Jump when A is one of a few values, else go on."""
        for value in values:
            self.test(_JEQ, value, yes)

    def assemble(self) -> list[Instruction]:
        """Resolve the labels from the end on, where every distance is already known.

        A conditional jump reaches 255 instructions; one that must go farther goes to a plain jump.
        """
        backwards: list[Instruction] = []
        places: dict[str, int] = {}
        relays: dict[int, int] = {}
        for line in reversed(self._lines):
            if isinstance(line, str):
                places[line] = len(backwards)
                continue
            following = len(backwards)
            if line.code == _JA:
                backwards.append((_JA, 0, 0, following - places[line.yes or ""]))
            elif line.yes is None and line.no is None:
                backwards.append((line.code, 0, 0, line.k))
            else:
                targets = [following if name is None else places[name] for name in (line.yes, line.no)]
                yes, no = (_near(backwards, target, relays) for target in targets)
                backwards.append((line.code, len(backwards) - yes, len(backwards) - no, line.k))
        return backwards[::-1]


def _near(backwards: list[Instruction], target: int, relays: dict[int, int]) -> int:
    """Return the target itself, or a plain jump to it, near enough for a conditional jump that comes next.

    One instruction may still come between: the plain jump of the conditional's other side.
    """
    for place in (target, relays.get(target, target)):
        if len(backwards) - place < _FARTHEST:
            return place
    backwards.append((_JA, 0, 0, len(backwards) - target))
    relays[target] = len(backwards)
    return relays[target]


def filter_program(
    ports: Collection[int] | None,
    proxy_ports: Collection[int] = (),
    snap_length: int = SNAP_LENGTH,
) -> list[Instruction]:
    """Return the program for ``ports`` (``None``: all TCP); the module says what it passes.

    ``snap_length`` is how many bytes of a frame that passes are kept. Raises ``FilterError`` for a port or
    snap length out of range, and when there are too many ports for one program.
    """
    for port in (*(ports or ()), *proxy_ports):
        if not 0 <= port <= PORT_MAX:
            raise FilterError(f"{port} is no port: ports go from 0 to {PORT_MAX}")
    if not 0 < snap_length <= _LARGEST_SNAP:
        raise FilterError(f"{snap_length} is no snap length")
    p = _Program()
    _link_layer(p)
    _ipv4(p)
    _ipv6(p)
    if ports is None:
        p.label("tcp")
        p.go("pass")
    else:
        _tcp(p, _ranges(ports), _ranges(set(proxy_ports) - set(ports)))
    p.label("drop")
    p.do(_RET, 0)
    p.label("pass")
    p.do(_RET, snap_length)
    program = p.assemble()
    if len(program) > MAX_INSTRUCTIONS:
        raise FilterError(
            f"{len(ports or ())} ports make a filter of {len(program)} instructions; the kernel takes "
            f"{MAX_INSTRUCTIONS}. Watch fewer ports, or a range, or everything."
        )
    return program


def program_bytes(program: Sequence[Instruction]) -> bytes:
    """Return the program as the array of ``struct sock_filter`` that ``SO_ATTACH_FILTER`` points to."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _ranges(ports: Collection[int]) -> list[tuple[int, int]]:
    """Return the ports as ranges that do not touch, in order."""
    found: list[tuple[int, int]] = []
    for port in sorted(set(ports)):
        if found and found[-1][1] + 1 == port:
            found[-1] = (found[-1][0], port)
        else:
            found.append((port, port))
    return found


def _link_layer(p: _Program) -> None:
    """Leave the ethertype in A and the network header's offset in X."""
    p.do(_LD_W_ABS, _HARDWARE)
    p.test(_JEQ, _ETHER, "ethernet")
    p.test(_JEQ, _LOOPBACK, "loopback")
    p.equals_any(_WIRELESS, "pass")
    p.do(_LDX_IMM, _NETWORK)
    p.do(_LD_W_ABS, _PROTOCOL)
    p.go("network")
    p.label("loopback")
    p.do(_LD_W_ABS, _PACKET_TYPE)
    p.test(_JEQ, _OUTGOING, "drop")
    p.label("ethernet")
    for offset in (12, 16):
        p.do(_LDX_IMM, offset + 2)
        p.do(_LD_H_ABS, offset)
        tag = p.fresh()
        p.equals_any(_TAGS, tag)
        p.go("network")
        p.label(tag)
    p.do(_LDX_IMM, 22)
    p.do(_LD_H_ABS, 20)
    p.equals_any(_TAGS, "pass")
    p.label("network")
    p.test(_JEQ, _IPV4, "ipv4")
    p.test(_JEQ, _IPV6, "ipv6", "drop")


def _ipv4(p: _Program) -> None:
    p.label("ipv4")
    p.do(_LD_B_IND, 9)
    p.test(_JEQ, _AH, "pass")
    p.test(_JEQ, _TCP, "ipv4-followed")
    p.test(_JEQ, _ICMP, None, "drop")
    p.label("ipv4-followed")
    p.do(_ST, _NEXT)
    p.do(_LD_H_IND, 6)
    p.test(_JSET, _V4_FRAGMENT, "pass")
    _keep_end(p, length_at=2, base=0)
    p.do(_LD_B_IND, 0)
    p.do(_AND, 15)
    p.do(_LSH, 2)
    p.do(_ADD_X)
    p.do(_TAX)
    p.do(_LD_MEM, _NEXT)
    p.test(_JEQ, _TCP, "tcp")
    p.do(_LD_B_IND, 0)
    p.equals_any(_ICMP_ERRORS, "pass")
    p.go("drop")


def _keep_end(p: _Program, *, length_at: int, base: int) -> None:
    """Remember where the datagram ends; a length of 0 (segmentation offload, jumbo) does not tell."""
    unknown, done = p.fresh(), p.fresh()
    p.do(_LD_H_IND, length_at)
    p.test(_JEQ, 0, unknown)
    p.do(_ADD_X)
    p.do(_ADD, base)
    p.go(done)
    p.label(unknown)
    p.do(_LD_IMM, _UNKNOWN_END)
    p.label(done)
    p.do(_ST, _END)


def _ipv6(p: _Program) -> None:
    p.label("ipv6")
    _keep_end(p, length_at=4, base=40)
    p.do(_LD_B_IND, 6)
    p.do(_ST, _NEXT)
    p.do(_TXA)
    p.do(_ADD, 40)
    for _ in range(EXTENSIONS):
        _extension(p)
    p.do(_TAX)
    p.do(_LD_MEM, _NEXT)
    _known(p)
    p.equals_any((*_PLAIN_EXTENSIONS, _FRAGMENT), "pass")
    p.go("drop")
    p.label("ipv6-part")  # of a fragmented datagram
    p.do(_LD_B_IND, 0)
    p.equals_any((_TCP, _ICMP6, _FRAGMENT, *_PLAIN_EXTENSIONS, *_OPAQUE), "pass")
    p.go("drop")
    p.label("icmp6")
    p.do(_LD_B_IND, 0)
    p.test(_JEQ, 0, "drop")
    p.test(_JGT, _ICMP6_LAST_ERROR, "drop", "pass")


def _known(p: _Program) -> None:
    p.test(_JEQ, _TCP, "tcp")
    p.test(_JEQ, _ICMP6, "icmp6")
    p.equals_any(_OPAQUE, "pass")


def _extension(p: _Program) -> None:
    """Skip one extension header at the offset in A; leave the offset behind it there."""
    plain, done = p.fresh(), p.fresh()
    p.do(_TAX)
    p.do(_LD_MEM, _NEXT)
    _known(p)
    p.equals_any(_PLAIN_EXTENSIONS, plain)
    p.test(_JEQ, _FRAGMENT, None, "drop")
    p.do(_LD_H_IND, 2)
    p.test(_JSET, _V6_FRAGMENT, "ipv6-part")
    p.do(_LD_B_IND, 0)
    p.do(_ST, _NEXT)
    p.do(_TXA)
    p.do(_ADD, 8)
    p.go(done)
    p.label(plain)
    p.do(_LD_B_IND, 0)
    p.do(_ST, _NEXT)
    p.do(_LD_B_IND, 1)
    p.do(_ADD, 1)
    p.do(_LSH, 3)
    p.do(_ADD_X)
    p.label(done)


def _tcp(p: _Program, ports: Sequence[tuple[int, int]], proxies: Sequence[tuple[int, int]]) -> None:
    """Decide on a segment whose header is at X."""
    p.label("tcp")
    p.do(_LD_B_IND, 13)
    p.test(_JSET, _SYN_FIN_RST, "pass")
    _among(p, 2, ports, "pass")
    _among(p, 0, ports, "pass")
    if proxies:
        _among(p, 2, proxies, "proxy")
        _among(p, 0, proxies, "proxy")
    _behind_header(p)
    p.test(_JGT_X, 0, None, "drop")
    _proxy_request(p, ports)
    if proxies:
        p.label("proxy")
        _behind_header(p)
        p.test(_JGT_X, 0, "pass", "drop")


def _behind_header(p: _Program) -> None:
    """Leave the payload's offset in X and the datagram's end in A: there is payload where the end is greater."""
    p.do(_LD_B_IND, 12)
    p.do(_RSH, 4)
    p.do(_LSH, 2)
    p.do(_ADD_X)
    p.do(_TAX)
    p.do(_LD_MEM, _END)


def _proxy_request(p: _Program, ports: Sequence[tuple[int, int]]) -> None:
    """Decide by how the payload at X begins; A is the datagram's end, behind X."""
    p.do(_SUB_X)
    p.do(_ST, _SIZE)
    p.do(_LD_B_IND, 0)
    p.test(_JEQ, SOCKS5_CONNECT[0], "socks5")
    p.test(_JEQ, SOCKS4_CONNECT[0], "socks4")
    p.do(_LD_W_IND, 0)
    for text in REQUESTS:
        _begins(p, text)
    p.go("drop")
    _socks5(p)
    _socks4(p, ports)


def _begins(p: _Program, text: bytes) -> None:
    """Pass if the payload at X begins so; else go on. A is its first word, before and after."""
    after = p.fresh()
    p.test(_JEQ, int.from_bytes(text[:4]), None, after)
    _rest(p, text)
    p.label(after)


def _rest(p: _Program, text: bytes) -> None:
    """Pass if what follows the first word is so, else drop: no two beginnings share it."""
    at = 4
    while at < len(text):
        size = 4 if len(text) - at >= 4 else 2 if len(text) - at >= 2 else 1  # noqa: PLR2004 - bytes of a load
        p.do({4: _LD_W_IND, 2: _LD_H_IND, 1: _LD_B_IND}[size], at)
        p.test(_JEQ, int.from_bytes(text[at : at + size]), None, "drop")
        at += size
    p.go("pass")


def _socks5(p: _Program) -> None:
    p.label("socks5")
    for greeting in SOCKS5_GREETINGS:
        other = p.fresh()
        p.do(_LD_MEM, _SIZE)
        p.test(_JEQ, len(greeting), None, other)
        for at, byte in enumerate(greeting[1:], 1):
            p.do(_LD_B_IND, at)
            p.test(_JEQ, byte, None, other)
        p.go("pass")
        p.label(other)
    for at, byte in enumerate(SOCKS5_CONNECT[1:], 1):
        p.do(_LD_B_IND, at)
        p.test(_JEQ, byte, None, "drop")
    p.do(_LD_B_IND, 3)
    for kind, size in SOCKS5_SIZES.items():
        other = p.fresh()
        p.test(_JEQ, kind, None, other)
        p.do(_LD_MEM, _SIZE)
        p.test(_JEQ, size, "pass", "drop")
        p.label(other)
    p.test(_JEQ, SOCKS5_NAME, None, "drop")
    p.do(_LD_B_IND, 4)
    p.do(_ADD, SOCKS5_AROUND_NAME)
    p.do(_LDX_MEM, _SIZE)
    p.test(_JEQ_X, 0, "pass", "drop")


def _socks4(p: _Program, ports: Sequence[tuple[int, int]]) -> None:
    p.label("socks4")
    if len(ports) <= MOST_SOCKS4:
        p.do(_LD_H_IND, 0)
        p.test(_JEQ, int.from_bytes(SOCKS4_CONNECT), None, "drop")
        _among(p, 2, ports, "pass")
    p.go("drop")


def _among(p: _Program, offset: int, ranges: Sequence[tuple[int, int]], yes: str) -> None:
    """Jump when the port at ``offset`` is in one of the ranges, by halving; else go on."""
    if not ranges:
        return
    p.do(_LD_H_IND, offset)
    no = p.fresh()
    _halve(p, ranges, yes, no)
    p.label(no)


def _halve(p: _Program, ranges: Sequence[tuple[int, int]], yes: str, no: str) -> None:
    if len(ranges) == 1:
        low, high = ranges[0]
        if low == high:
            p.test(_JEQ, low, yes, no)
        else:
            p.test(_JGE, low, None, no)
            p.test(_JGT, high, no, yes)
        return
    middle = len(ranges) // 2
    upper = p.fresh()
    p.test(_JGE, ranges[middle][0], upper)
    _halve(p, ranges[:middle], yes, no)
    p.label(upper)
    _halve(p, ranges[middle:], yes, no)
