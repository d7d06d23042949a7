"""Fragmented datagrams: what the first fragment shows, what must be put together, and what never is."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.read.capture_reader import CaptureReader
from synscope.engine.follower import Follower
from synscope.engine.fragments import MOST_DATAGRAMS, MOST_PIECES, Fragments
from tests import wire
from tests.follow import Bytes, Run, follow
from tests.story import names

V4 = ("192.0.2.1", "192.0.2.2")
V6 = ("2001:db8::1", "2001:db8::2")
SYN = wire.tcp(40001, 62893, 100, 0, "S", options=b"\x01" * 20)
RST = wire.tcp(62893, 40001, 0, 101, "RA")


def _pieces_v4(payload: bytes, size: int, *, ident: int = 7, protocol: int = 6) -> list[bytes]:
    found = []
    for at in range(0, len(payload), size):
        more = 0x2000 if at + size < len(payload) else 0
        piece = payload[at : at + size]
        found.append(wire.ipv4(*V4, piece, protocol=protocol, fragment=more | at // 8, ident=ident))
    return found


def _pieces_v6(payload: bytes, size: int, *, ident: int = 7) -> list[bytes]:
    found = []
    for at in range(0, len(payload), size):
        more = at + size < len(payload)
        header = struct.pack(">BBHI", 6, 0, at | more, ident)
        found.append(wire.ipv6(*V6, header + payload[at : at + size], following=44))
    return found


def _follow(datagrams: list[bytes]) -> Run:
    return follow(
        wire.pcap([(wire.START + n, datagram) for n, datagram in enumerate(datagrams)], linktype=101)
    )


def _counted(run: Run) -> int:
    return run.follower.segments + sum(run.follower.undecoded().values())


MAKERS = {"IPv4": (_pieces_v4, V4), "IPv6": (_pieces_v6, V6)}


@pytest.mark.parametrize("version", MAKERS)
@pytest.mark.parametrize("size", [8, 16, 24])
def test_a_syn_in_pieces_shorter_than_its_header(version: str, size: int) -> None:
    """The attempt begins at the frame that completes the datagram, with that frame's time."""
    make, (client, server) = MAKERS[version]
    pieces = make(SYN, size)
    run = _follow([*pieces, wire.ip(server, client, RST)])
    assert names(run.attempts) == ["SYN-RST refused"]
    (attempt,) = run.attempts
    assert (attempt.frames.first, attempt.frames.rst) == (len(pieces), len(pieces) + 1)
    assert attempt.first_ts_ns == wire.START + len(pieces) - 1
    assert _counted(run) == run.follower.frames == len(pieces) + 1


@pytest.mark.parametrize("version", MAKERS)
def test_a_first_piece_with_the_whole_header_is_enough(version: str) -> None:
    """Nothing is waited for."""
    make, _ = MAKERS[version]
    run = _follow(make(SYN + bytes(40), 40)[:1])
    assert names(run.attempts) == ["SYN-no-reply unanswered"]
    assert run.attempts[0].frames.first == 1


@given(st.permutations(_pieces_v4(SYN, 8)), st.booleans())
def test_pieces_in_any_order(pieces: list[bytes], doubled: bool) -> None:  # noqa: FBT001
    """Also each twice."""
    run = _follow([piece for piece in pieces for _ in range(1 + doubled)])
    assert names(run.attempts) == ["SYN-no-reply unanswered"]


def test_datagrams_interleaved() -> None:
    """Told apart by identification."""
    other = wire.tcp(40002, 62893, 500, 0, "S", options=b"\x01" * 20)
    one, two = _pieces_v4(SYN, 16, ident=1), _pieces_v4(other, 16, ident=2)
    run = _follow([piece for pair in zip(one, two, strict=True) for piece in pair])
    assert [attempt.client.port for attempt in run.attempts] == [40001, 40002]


def test_a_missing_piece() -> None:
    """No attempt; every frame is counted under a reason."""
    run = _follow(_pieces_v4(SYN, 8)[:-1])
    assert run.attempts == []
    assert _counted(run) == 4


@pytest.mark.parametrize("protocol", [17, 1, 132])
def test_every_frame_is_counted_once(protocol: int) -> None:
    """Whatever a datagram turns out to be when it is whole."""
    payload = wire.udp(5, 6, bytes(100)) if protocol == 17 else bytes(108)
    run = _follow(_pieces_v4(payload, 40, protocol=protocol))
    assert _counted(run) == run.follower.frames == 3


def test_a_tunnel_over_udp_in_pieces() -> None:
    """The segment is inside a datagram of which the first piece shows only the tunnel."""
    inner = wire.ethernet(wire.ipv4(*V4, SYN))
    run = _follow(_pieces_v4(wire.udp(5, 4789, b"\x08" + bytes(7) + inner), 24, protocol=17))
    assert names(run.attempts) == ["SYN-no-reply unanswered"]


def test_what_is_kept_is_bounded() -> None:
    """Datagrams that are never finished are forgotten, the oldest first."""
    fragments = Fragments()
    for ident in range(MOST_DATAGRAMS + 1):
        assert fragments.add(_pieces_v4(SYN, 24, ident=ident)[0]) is None
    assert fragments.add(_pieces_v4(SYN, 24, ident=0)[1]) is None
    assert fragments.add(_pieces_v4(SYN, 24, ident=MOST_DATAGRAMS)[1]) is not None


def test_many_pieces_take_linear_time() -> None:
    """Hostile captures of fragments are read at a useful speed."""
    payload = bytes(256 * (MOST_PIECES - 1))
    pieces = _pieces_v4(payload, 256, protocol=17)
    fragments = Fragments()
    start = time.process_time()
    for _ in range(10):
        for piece in [pieces[0], pieces[-1], *pieces[1:-2]]:
            assert fragments.add(piece) is None
        fragments.add(pieces[-2])
    assert time.process_time() - start < 1.0


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x45\0\0\x30", b"\x60" + bytes(5) + b"\x2c\x40"]))
def test_noise(noise: bytes, beginning: bytes) -> None:
    """Any bytes, as any part of a datagram."""
    fragments = Fragments()
    for cut in (0, 8, 40):
        fragments.add((beginning + noise)[cut:])


def test_other_hosts_are_left_out_whole_or_in_pieces() -> None:
    """Both are counted as left out, and neither is followed."""
    capture = wire.pcap(
        [(wire.START, wire.ip(*V4, SYN)), *((wire.START + 1, piece) for piece in _pieces_v4(SYN, 16))],
        linktype=101,
    )
    everybody, nobody = Follower(), Follower(hosts=frozenset({(0, 1)}))
    for follower in (everybody, nobody):
        for data, batch in CaptureReader(Bytes(capture), "test.pcap").batches():
            follower.feed(data, batch)
    assert (everybody.segments, everybody.other_hosts, everybody.tracker.attempts) == (2, 0, 1)
    assert (nobody.segments, nobody.other_hosts, nobody.tracker.attempts) == (0, 2, 0)
    assert everybody.undecoded() == nobody.undecoded()
