"""The kernel filter: its program run by an interpreter of classic BPF, against an independent reading of packets."""

from __future__ import annotations

import random
import re
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.live.bpf import (
    DROP_ALL,
    EXTENSIONS,
    MAX_INSTRUCTIONS,
    METHODS,
    MOST_SOCKS4,
    SNAP_LENGTH,
    FilterError,
    Instruction,
    filter_program,
    program_bytes,
)
from tests import wire

WATCHED = (5432, 8000, 8001, 8002, 65535)
PROXIES = (1080, 3128, 8080, 8888)
OTHER = 50_000
PROGRAM = filter_program(WATCHED, PROXIES, 1234)


# -- an interpreter of classic BPF ------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """What a program can ask about a frame: its bytes, and what the kernel knows of it."""

    data: bytes
    hardware: int = 1
    network: int = 14
    protocol: int = 0
    packet_type: int = 0


class _BeyondTheEndError(Exception):
    pass


def _load(frame: Frame, offset: int, size: int) -> int:
    if offset == 0xFFFFF000:
        return frame.protocol
    if offset == 0xFFFFF004:
        return frame.packet_type
    if offset == 0xFFFFF01C:
        return frame.hardware
    assert offset < 0xFFFFF000, "an ancillary load that is not modelled"
    start = offset - 0xFFF00000 + frame.network if offset >= 0xFFF00000 else offset
    if start + size > len(frame.data):
        raise _BeyondTheEndError
    return int.from_bytes(frame.data[start : start + size], "big")


def execute(program: Sequence[Instruction], frame: Frame) -> int:
    """Run a program as bpf(4) describes it; how many bytes of the frame it keeps."""
    try:
        return _execute(program, frame)
    except _BeyondTheEndError:
        return 0


def _execute(program: Sequence[Instruction], frame: Frame) -> int:  # noqa: C901, PLR0912, PLR0915 - one loop
    a = x = 0
    memory: dict[int, int] = {}
    at = 0
    sizes = {0x00: 4, 0x08: 2, 0x10: 1}
    while True:
        code, yes, no, k = program[at]
        at += 1
        kind, rest = code & 7, code & ~7
        if kind == 0:
            size, mode = sizes[rest & 0x18], rest & 0xE0
            if mode == 0x00:
                a = k
            elif mode == 0x20:
                a = _load(frame, k, size)
            elif mode == 0x40:
                a = _load(frame, (x + k) & 0xFFFFFFFF, size)
            elif mode == 0x60:
                a = memory[k]
            else:
                raise AssertionError(code)
        elif code == 0x01:
            x = k
        elif code == 0x61:
            x = memory[k]
        elif code == 0x02:
            memory[k] = a
        elif kind == 4:
            operand = x if code & 8 else k
            if rest & 0xF0 == 0x00:
                a = (a + operand) & 0xFFFFFFFF
            elif rest & 0xF0 == 0x10:
                a = (a - operand) & 0xFFFFFFFF
            elif rest & 0xF0 == 0x50:
                a &= operand
            elif rest & 0xF0 == 0x60:
                a = (a << operand) & 0xFFFFFFFF
            elif rest & 0xF0 == 0x70:
                a >>= operand
            else:
                raise AssertionError(code)
        elif code == 0x05:
            at += k
        elif kind == 5:
            operand = x if code & 8 else k
            holds = {0x10: a == operand, 0x20: a > operand, 0x30: a >= operand, 0x40: bool(a & operand)}
            at += yes if holds[rest & 0xF0] else no
        elif code == 0x06:
            return k
        elif code == 0x07:
            x = a
        elif code == 0x87:
            a = x
        else:
            raise AssertionError(code)


def passes(frame: bytes, program: Sequence[Instruction] = PROGRAM) -> bool:
    kept = execute(program, Frame(frame))
    assert kept in {0, program[-1][3]}
    return bool(kept)


# -- what should pass, told otherwise ---------------------------------------------------------------------


def expected(frame: bytes, watched: Sequence[int] | None = WATCHED, proxies: Sequence[int] = PROXIES) -> bool:
    """The same decision by slicing the packet layer by layer; a cut header is no."""
    try:
        return _expected(frame, watched, proxies)
    except (struct.error, IndexError):
        return False


def _expected(frame: bytes, watched: Sequence[int] | None, proxies: Sequence[int]) -> bool:
    rest = frame[12:]
    for tags in range(3):
        (ethertype,) = struct.unpack_from("!H", rest)
        rest = rest[2:]
        if ethertype not in {0x8100, 0x88A8, 0x9100}:
            break
        if tags == 2:
            return True
        rest = rest[2:]
    if ethertype == 0x0800:
        return _ipv4(rest, watched, proxies)
    return ethertype == 0x86DD and _ipv6(rest, watched, proxies)


def _ipv4(packet: bytes, watched: Sequence[int] | None, proxies: Sequence[int]) -> bool:
    protocol = packet[9]
    if protocol == 51:
        return True
    if protocol not in {1, 6}:
        return False
    _, _, length, _, fragment = struct.unpack_from("!BBHHH", packet)
    if fragment & 0x3FFF:
        return True
    body = packet[(packet[0] & 15) * 4 :]
    if protocol == 1:
        return body[0] in {3, 4, 11, 12}
    return _tcp(body, length and (length - (packet[0] & 15) * 4 or -1), watched, proxies)


def _ipv6(packet: bytes, watched: Sequence[int] | None, proxies: Sequence[int]) -> bool:
    (length,) = struct.unpack_from("!H", packet, 4)
    following, body = packet[6], packet[40:]
    for _ in range(EXTENSIONS):
        if following in {51, 135, 139, 140}:
            return True
        if following in {0, 43, 60}:
            size = (body[1] + 1) * 8
        elif following == 44:
            if struct.unpack_from("!H", body, 2)[0] & 0xFFF9:
                return body[0] in {0, 6, 43, 44, 51, 58, 60, 135, 139, 140}
            size = 8
        else:
            break
        following, body = body[0], body[size:]
        length = length and (length - size or -1)  # 0 means that the header does not say
    if following == 6:
        return _tcp(body, length, watched, proxies)
    if following == 58:
        return 1 <= body[0] <= 4
    return following in {0, 43, 44, 51, 60, 135, 139, 140}


def _tcp(body: bytes, length: int, watched: Sequence[int] | None, proxies: Sequence[int]) -> bool:
    """``length`` is what the IP header says is left, 0 when it does not say."""
    if watched is None:
        return True
    if body[13] & 7:
        return True
    source, destination = struct.unpack_from("!HH", body)
    if source in watched or destination in watched:
        return True
    payload = body[(body[12] >> 4) * 4 :]
    size = length and length - (body[12] >> 4) * 4
    if length and size <= 0:
        return False
    return source in proxies or destination in proxies or _asks_a_proxy(payload, size, watched)


_HTTP = re.compile(rb"(CONNECT |(GET|POST|HEAD|PUT|OPTIONS|DELETE|PATCH) http)")
_SOCKS5 = {
    b"\x05\x01\x00",
    b"\x05\x01\x02",
    b"\x05\x02\x00\x01",
    b"\x05\x02\x00\x02",
    b"\x05\x03\x00\x01\x02",
}


def _asks_a_proxy(payload: bytes, size: int, watched: Sequence[int]) -> bool:
    """``size`` as the IP header has it, 0 when it does not say."""
    if _HTTP.match(payload):
        return True
    if payload[:1] == b"\x05" and size:
        if payload[:size] in _SOCKS5 and len(payload) >= size:
            return True
        if payload[1:3] != b"\x01\0":
            return False
        return size == {1: 10, 3: 7 + (payload + bytes(5))[4], 4: 22}.get(payload[3])
    return payload[:2] == b"\x04\x01" and struct.unpack_from("!H", payload, 2)[0] in watched


# -- named packets ----------------------------------------------------------------------------------------


def _segment(flags: str, ports: tuple[int, int] = (OTHER, OTHER), payload: bytes = b"") -> bytes:
    return wire.tcp(*ports, flags=flags, payload=payload)


def _ether(segment: bytes, protocol: int = 6, *, v6: bool = False) -> bytes:
    source, destination = ("fe80::1", "fe80::2") if v6 else ("10.0.0.1", "10.0.0.2")
    return wire.ethernet(wire.ip(source, destination, segment, protocol))


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize(
    ("segment", "wanted"),
    [
        (_segment("S"), True),
        (_segment("SA"), True),
        (_segment("FA"), True),
        (_segment("R"), True),
        (_segment("A"), False),
        (_segment("A", payload=b"data"), False),
        (_segment("A", (8001, OTHER)), True),
        (_segment("A", (8000, OTHER)), True),
        (_segment("A", (8002, OTHER)), True),
        (_segment("A", (OTHER, 65535)), True),
        (_segment("A", (OTHER, 8003)), False),
        (_segment("A", (7999, OTHER)), False),
        (_segment("A", (OTHER, 3128)), False),
        (_segment("A", (OTHER, 3128), b"CONNECT"), True),
        (_segment("A", (8888, OTHER), b"HTTP/1.1 200"), True),
    ],
)
def test_segments(segment: bytes, wanted: bool, v6: bool) -> None:  # noqa: FBT001
    frame = _ether(segment, v6=v6)
    assert passes(frame) is wanted
    assert expected(frame) is wanted


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"CONNECT localhost:8000 HTTP/1.1\r\n", True),
        *((f"{method} http://localhost:8000/ HTTP/1.1\r\n".encode(), True) for method in METHODS),
        *((f"{method} /http HTTP/1.1\r\n".encode(), False) for method in METHODS),
        (b"CONNECT", False),
        (b"CONNECTED", False),
        (b"GET htt", False),
        (b"get http://", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"\x05\x01\x00", True),
        (b"\x05\x02\x00\x01", True),
        (b"\x05\x02\x00\x02", True),
        (b"\x05\x03\x00\x01\x02", True),
        (b"\x05\x01\x00\x00", False),
        (b"\x05\x01", False),
        (b"\x05\x02\x00\x03", False),
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x40", True),
        (b"\x05\x01\x00\x01\x7f\x00\x00\x01\x1f\x40\x00", False),
        (b"\x05\x01\x00\x03\x09localhost\x1f\x40", True),
        (b"\x05\x01\x00\x03\x09localhost\x1f", False),
        (b"\x05\x01\x00\x04" + bytes(18), True),
        (b"\x05\x01\x00\x05" + bytes(18), False),
        (b"\x05\x00\x00\x01\x7f\x00\x00\x01\x1f\x40", False),  # what a server answers
        (b"\x04\x01\x1f\x40\x7f\x00\x00\x01\x00", True),
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", False),
        (b"\x04\x02\x1f\x40\x7f\x00\x00\x01\x00", False),
    ],
)
def test_what_is_said_to_a_proxy_at_any_port(payload: bytes, wanted: bool, v6: bool) -> None:  # noqa: FBT001
    frame = _ether(_segment("PA", payload=payload), v6=v6)
    assert passes(frame) is wanted
    assert expected(frame) is wanted
    assert not passes(_ether(_segment("PA"), v6=v6) + payload), "padding is no payload"
    options = wire.tcp(OTHER, OTHER, flags="PA", payload=payload, options=b"\x01\x01\x08\x0a" + bytes(8))
    assert passes(_ether(options, v6=v6)) is wanted


def test_the_outgoing_copy_of_a_loopback_frame_is_left_out() -> None:
    """It comes in again. On any other interface what goes out is all there is of it."""
    frame = wire.ethernet(wire.ip("127.0.0.1", "127.0.0.1", wire.tcp(OTHER, WATCHED[0], flags="S")))
    kept = {
        (hardware, kind): bool(execute(PROGRAM, Frame(frame, hardware, packet_type=kind)))
        for hardware in (1, 772)
        for kind in (0, 4)
    }
    assert kept == {(1, 0): True, (1, 4): True, (772, 0): True, (772, 4): False}


def test_many_ports_are_not_looked_for_in_socks_4() -> None:
    asked = _ether(_segment("PA", payload=b"\x04\x01\x1f\x40\x7f\x00\x00\x01\x00"))
    for count, wanted in ((MOST_SOCKS4, True), (MOST_SOCKS4 + 1, False)):
        assert passes(asked, filter_program(range(8000, 8000 + 2 * count, 2))) is wanted


class _Counted(list[Instruction]):
    """A program that counts the instructions it is asked for."""

    steps = 0

    def __getitem__(self, at: int) -> Instruction:  # type: ignore[override]
        self.steps += 1
        return super().__getitem__(at)


def _steps(frame: bytes) -> int:
    program = _Counted(PROGRAM)
    assert execute(program, Frame(frame)) == 0
    return program.steps


def test_most_frames_are_decided_early() -> None:
    """Data of other ports that is no request costs a dozen instructions more than the ports do."""
    counts = [_steps(_ether(_segment("A", payload=payload))) for payload in (b"", bytes(900))]
    assert counts[0] <= _steps(_ether(_segment("A", (OTHER, 3128)))) + 8
    assert counts[1] <= counts[0] + 16


@pytest.mark.parametrize(
    ("kind", "protocol", "wanted"),
    [(3, 1, True), (11, 1, True), (12, 1, True), (4, 1, True), (8, 1, False), (0, 1, False), (5, 1, False),
     (1, 58, True), (4, 58, True), (0, 58, False), (5, 58, False), (128, 58, False), (135, 58, False)],
)  # fmt: skip
def test_icmp(kind: int, protocol: int, wanted: bool) -> None:  # noqa: FBT001
    frame = _ether(bytes([kind]) + bytes(47), protocol, v6=protocol == 58)
    assert passes(frame) is wanted


def test_others_are_dropped() -> None:
    assert not passes(_ether(wire.udp(8000, 8000, b"x"), 17))
    assert not passes(wire.ethernet(bytes(28), 0x0806))
    assert not passes(_ether(bytes(40), 50))
    assert not passes(b"")


def test_tags() -> None:
    packet = wire.ip("10.0.0.1", "10.0.0.2", _segment("A", (OTHER, 8000)))
    other = wire.ip("10.0.0.1", "10.0.0.2", _segment("A"))
    for inner, wanted in ((packet, True), (other, False)):
        body, ethertype = inner, 0x0800
        for tags in range(4):
            assert passes(wire.ethernet(body, ethertype)) is (wanted or tags > 2)
            body, ethertype = wire.vlan(body, ethertype), (0x8100, 0x88A8, 0x9100)[tags % 3]


def test_headers_behind_which_nothing_is_seen() -> None:
    packet = wire.ip("fe80::1", "fe80::2", _segment("A"), 6)
    for count in range(1, 6):
        chain = b"".join(bytes([60 if n < count - 1 else 6, 0]) + bytes(6) for n in range(count))
        frame = wire.ethernet(wire.ip("fe80::1", "fe80::2", chain + packet[40:], 60))
        assert passes(frame) is (count > EXTENSIONS)


@pytest.mark.parametrize("offset_and_more", [0x2000, 0x0001, 0x2001])
def test_fragments(offset_and_more: int) -> None:
    frame = bytearray(_ether(_segment("A")))
    frame[20:22] = struct.pack("!H", offset_and_more)
    assert passes(bytes(frame))
    udp = bytearray(_ether(wire.udp(1, 2, b"x"), 17))
    udp[20:22] = frame[20:22]
    assert not passes(bytes(udp))


@pytest.mark.parametrize("word", [0x0001, 0x0008, 0xFFF9])
@pytest.mark.parametrize(("inner", "wanted"), [(6, True), (58, True), (60, True), (17, False), (50, False)])
def test_ipv6_fragments(word: int, inner: int, wanted: bool) -> None:  # noqa: FBT001
    header = bytes([inner, 0]) + struct.pack("!H", word) + bytes(4)
    frame = wire.ethernet(wire.ip("::1", "::1", header + _segment("A"), 44))
    assert passes(frame) is wanted


def test_a_whole_ipv6_datagram_in_a_fragment_header_is_decided() -> None:
    for port, wanted in ((8000, True), (OTHER, False)):
        body = bytes([6, 0, 0, 6]) + bytes(4) + _segment("A", (OTHER, port))
        assert passes(wire.ethernet(wire.ip("::1", "::1", body, 44))) is wanted


@pytest.mark.parametrize("following", [51, 135, 139, 140])
@pytest.mark.parametrize("behind", [0, EXTENSIONS - 1, EXTENSIONS])
def test_headers_that_are_not_looked_behind(following: int, behind: int) -> None:
    body, protocol = bytes(60), following
    for _ in range(behind):
        body, protocol = bytes([protocol, 0]) + bytes(6) + body, 60
    assert passes(wire.ethernet(wire.ip("::1", "::1", body, protocol)))


@pytest.mark.parametrize("v6", [False, True])
def test_a_length_that_is_not_told_may_hide_payload(v6: bool) -> None:  # noqa: FBT001
    frame = bytearray(_ether(_segment("A", (OTHER, 3128)), v6=v6))
    assert not passes(bytes(frame))
    frame[slice(18, 20) if v6 else slice(16, 18)] = b"\0\0"
    assert passes(bytes(frame))


def test_interfaces_without_ethernet() -> None:
    """The network header is where the kernel says, and the ethertype is what it says."""
    for hardware, network in ((65534, 0), (512, 0), (778, 24)):
        for protocol, source in ((0x0800, "10.0.0.1"), (0x86DD, "::1")):
            for port, wanted in ((8000, 1234), (OTHER, 0)):
                packet = wire.ip(source, source, _segment("A", (OTHER, port)))
                frame = Frame(bytes(network) + packet, hardware, network, protocol)
                assert execute(PROGRAM, frame) == wanted
            proxied = wire.ip(source, source, _segment("A", (OTHER, 3128)))
            assert execute(PROGRAM, Frame(bytes(network) + proxied, hardware, network, protocol)) == 0
            asked = wire.ip(source, source, _segment("A", (OTHER, 3128), b"x"))
            assert execute(PROGRAM, Frame(bytes(network) + asked, hardware, network, protocol)) == 1234
    assert execute(PROGRAM, Frame(b"\0\0", 803)) == 1234


def test_everything_is_all_tcp() -> None:
    program = filter_program(None)
    assert passes(_ether(_segment("A", payload=b"x")), program)
    assert not passes(_ether(wire.udp(1, 2, b"x"), 17), program)
    assert execute(program, Frame(_ether(_segment("A")))) == SNAP_LENGTH


def test_no_port_leaves_the_handshakes() -> None:
    program = filter_program([])
    assert passes(_ether(_segment("S")), program)
    assert not passes(_ether(_segment("A", (8000, 8000))), program)


def test_drop_all() -> None:
    assert execute(DROP_ALL, Frame(_ether(_segment("S")))) == 0


# -- many packets -----------------------------------------------------------------------------------------

_PORTS = st.one_of(st.sampled_from([*WATCHED, *PROXIES, 7999, 8003, 0]), st.integers(0, 65535))


_SAID = (
    b"CONNECT localhost:1 HTTP/1.1", b"GET http://a/", b"PUT http", b"POST http", b"HEAD http", b"PATCH http",
    b"DELETE http", b"OPTIONS http", b"GET /", b"OPTIONS *", b"\5\1\0", b"\5\1\2", b"\5\2\0\1", b"\5\2\0\2",
    b"\5\3\0\1\2", b"\5\1\0\1\x7f\0\0\1\1\2", b"\5\1\0\3\1a\1\2", b"\5\1\0\4" + bytes(18),
    b"\4\1\x1f\x40\x7f\0\0\1\0", b"\4\1\0\1\x7f\0\0\1\0",
)  # fmt: skip
_PAYLOADS = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(_SAID),
    st.builds(
        lambda text, size, more: text[:size] + more,
        st.sampled_from(_SAID),
        st.integers(0, 12),
        st.binary(max_size=2),
    ),
)


@st.composite
def _frames(draw: st.DrawFn) -> bytes:
    flags = draw(st.sampled_from(["", "A", "PA", "S", "SA", "FA", "R", "RA", "U"]))
    segment = wire.tcp(draw(_PORTS), draw(_PORTS), flags=flags, payload=draw(_PAYLOADS))
    v6 = draw(st.booleans())
    protocol = draw(st.sampled_from([6, 6, 6, 6, 58 if v6 else 1, 17, 51]))
    body = segment if protocol == 6 else bytes([draw(st.integers(0, 14))]) + bytes(30)
    for _ in range(draw(st.integers(0, 5)) if v6 else 0):
        kind = draw(st.sampled_from([0, 43, 60, 44, 51]))
        size = 0 if kind == 44 else draw(st.integers(0, 2))
        middle = bytes([0, draw(st.sampled_from([0, 0, 1, 8, 6]))]) if kind == 44 else b"\0\0"
        body = bytes([protocol, size]) + middle + bytes(4 + 8 * size) + body
        protocol = kind
    packet = bytearray(wire.ip(*(("::1", "::1") if v6 else ("127.0.0.1", "127.0.0.1")), body, protocol))
    if not v6 and draw(st.integers(0, 3)) == 0:
        packet[6:8] = struct.pack("!H", draw(st.sampled_from([0x4000, 0x2000, 0x0007, 0x8000])))
    if draw(st.integers(0, 7)) == 0:
        packet[slice(4, 6) if v6 else slice(2, 4)] = draw(st.sampled_from([b"\0\0", b"\0\x28", b"\xff\xff"]))
    frame, ethertype = bytes(packet), 0x86DD if v6 else 0x0800
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 3]))):
        frame, ethertype = wire.vlan(frame, ethertype), draw(st.sampled_from([0x8100, 0x88A8, 0x9100]))
    return wire.ethernet(frame, ethertype)


@given(_frames())
def test_agrees_with_the_other_reading(frame: bytes) -> None:
    assert passes(frame) is expected(frame)


@given(_frames(), st.data())
def test_agrees_on_damage_and_cuts(frame: bytes, data: st.DataObject) -> None:
    broken = bytearray(frame)
    for _ in range(data.draw(st.integers(0, 3))):
        broken[data.draw(st.integers(12, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])
    assert passes(cut) is expected(cut)


@given(st.binary(max_size=120))
def test_agrees_on_noise(frame: bytes) -> None:
    assert passes(frame) is expected(frame)


# -- size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 37, 200, 900])
def test_many_ports(count: int) -> None:
    dice = random.Random(count)
    ports = dice.sample(range(0, 65536, 2), count)
    program = filter_program(ports, PROXIES)
    assert len(program) <= MAX_INSTRUCTIONS
    assert all(0 <= value <= 255 for _, yes, no, _ in program for value in (yes, no))
    for port in dice.sample(ports, min(count, 40)):
        for other in (port - 1, port, port + 1):
            if 0 <= other <= 65535:
                wanted = other in ports
                assert passes(_ether(_segment("A", (OTHER + 1, other))), program) is wanted
                assert passes(_ether(_segment("A", (other, OTHER + 1))), program) is wanted


def test_every_jump_fits_whatever_the_number_of_ports() -> None:
    for count in range(20, 400):
        program = filter_program(range(1, 2 * count, 2), PROXIES)
        assert all(0 <= value <= 255 for _, yes, no, _ in program for value in (yes, no))


def test_two_hundred_ports_leave_room() -> None:
    assert len(filter_program(range(1, 400, 2), PROXIES)) < MAX_INSTRUCTIONS // 2


def test_ranges_are_one_test() -> None:
    assert len(filter_program(range(1024, 65536))) < len(filter_program([1, 3, 5]))


@pytest.mark.parametrize(
    ("ports", "proxies", "snap", "text"),
    [
        ([65536], [], 100, "65536 is no port"),
        ([], [-1], 100, "-1 is no port"),
        ([], [], 0, "snap length"),
        (range(0, 65536, 2), [], 100, "32768 ports"),
    ],
)
def test_what_no_program_can_be_made_for(
    ports: Sequence[int], proxies: Sequence[int], snap: int, text: str
) -> None:
    with pytest.raises(FilterError, match=text):
        filter_program(ports, proxies, snap)


def test_packed_as_the_kernel_wants_it() -> None:
    assert program_bytes([(0x15, 1, 2, 0x86DD)]) == struct.pack("=HBBI", 0x15, 1, 2, 0x86DD)
    assert len(program_bytes(PROGRAM)) == 8 * len(PROGRAM)


# -- in the kernel ----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
@pytest.mark.usefixtures("kernel")
def test_in_the_kernel() -> None:
    """Frames put on a namespace's loopback come through exactly as the interpreter says."""
    import socket

    from tests.kernel import frames_of, namespace, ring_on

    dice = random.Random(8)
    sent: list[bytes] = []
    for number in range(600):
        flags = dice.choice(["A", "A", "PA", "S", "FA", "R"])
        ports = (dice.choice([OTHER, 8000, 3128]), dice.choice([OTHER, 65535, 8080, 1]))
        segment = wire.tcp(
            *ports, flags=flags, seq=number, payload=dice.choice([b"", bytes(4), dice.choice(_SAID)])
        )
        v6 = dice.random() < 0.5
        protocol = dice.choice([6, 6, 6, 17, 58 if v6 else 1])
        body = (
            segment if protocol == 6 else bytes([dice.randrange(14)]) + number.to_bytes(4, "big") + bytes(20)
        )
        for _ in range(dice.randrange(5) if v6 else 0):
            body = bytes([protocol, 0]) + bytes(6) + body
            protocol = dice.choice([43, 60])
        packet = wire.ip(*(("::9", "::9") if v6 else ("127.9.9.9", "127.9.9.8")), body, protocol)
        frame, ethertype = packet, 0x86DD if v6 else 0x0800
        for _ in range(dice.choice([0, 0, 1, 2])):
            frame, ethertype = wire.vlan(frame, ethertype), 0x8100
        sent.append(wire.ethernet(frame, ethertype))
    with namespace():
        ring = ring_on("lo", PROGRAM)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind(("lo", 0))
            for frame in sent:
                out.send(frame)
        got = {
            frame for frame in frames_of(ring) if b"\x7f\x09\x09\x09" in frame or bytes(15) + b"\x09" in frame
        }
        ring.close()
    wanted = [_untagged(frame) for frame in sent if passes(frame)]
    assert 100 < len(wanted) < 500
    assert got == set(wanted)


def _untagged(frame: bytes) -> bytes:
    """Without its outermost tag, which the kernel takes out on the way in."""
    return frame[:12] + frame[16:] if frame[12:14] == b"\x81\x00" else frame
