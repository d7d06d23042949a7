"""What writers of captures claim about processes: their own layouts, lies, and files that claim nothing."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.read.capture_reader import PROCESS_BLOCK, CaptureReader
from synscope.capture.read.process_claims import Claim
from synscope.engine.names import LINKTYPE_PKTAP
from synscope.model import EndProcess, ProcessSource
from tests import wire
from tests.follow import Bytes
from tests.story import frames

OUT, IN = 2, 1
FRAMES = frames("C S | S SA | C A")
CURL = b"PID: 345650\nCmd: /usr/bin/curl\nArgs: curl http://127.0.0.1:8000/"


def packet(
    frame: bytes, options: Iterable[tuple[int, bytes]], *, interface: int = 0, order: str = "<"
) -> bytes:
    """An enhanced packet block with options."""
    head = struct.pack(f"{order}5I", interface, 0, 0, len(frame), len(frame))
    told = b"".join(wire.option(code, value, order) for code, value in options)
    body = head + frame + bytes(-len(frame) % 4) + told + wire.option(0, b"", order)
    return wire.block(wire.ENHANCED_PACKET, body, order)


def direction(value: int, order: str = "<") -> tuple[int, bytes]:
    """The option with a frame's direction."""
    return 2, struct.pack(f"{order}I", value)


def ptcpdump(*comments: Sequence[bytes], interface: bytes = b"lo", flags: int = OUT) -> bytes:
    """A capture as ptcpdump writes it, with some comments a frame."""
    head = wire.section(options=wire.option(4, b"ptcpdump v0.31.0") + wire.option(0, b""))
    described = wire.interface(options=wire.option(2, interface) + wire.option(0, b""))
    blocks = (
        packet(frame, [*((1, comment) for comment in told), direction(flags)])
        for (_, frame), told in zip(FRAMES, comments, strict=False)
    )
    return head + described + b"".join(blocks)


def darwin(*, order: str = "<", options: Sequence[tuple[int, bytes]] | None = None) -> bytes:
    """A capture as Apple's tcpdump writes it: a process information block, and a frame that names it."""
    pid = struct.pack(f"{order}I", 501)
    process = pid + wire.option(2, b"node", order) + wire.option(0, b"", order)
    wanted = options or [(0x8001, struct.pack(f"{order}I", 0)), direction(IN, order)]
    return (
        wire.section(order)
        + wire.interface(order)
        + wire.block(PROCESS_BLOCK, process, order)
        + packet(FRAMES[0][1], wanted, order=order)
    )


def windows(*told: tuple[Sequence[tuple[int, bytes]], int]) -> bytes:
    """A capture as etl2pcapng writes it."""
    blocks = (
        packet(frame, [direction(flags), *options])
        for (_, frame), (options, flags) in zip(FRAMES, told, strict=False)
    )
    return wire.section() + wire.interface() + b"".join(blocks)


def claims(capture: bytes) -> list[Claim]:
    """What the reader finds."""
    found: deque[Claim] = deque()
    reader = CaptureReader(Bytes(capture), "test")
    reader.claims = found
    for _ in reader.batches():
        pass
    assert reader.cut is None
    return list(found)


def named(pid: int | None, name: str | None = None, uid: int | None = None) -> EndProcess:
    """A claimed process."""
    return EndProcess(pid, name, uid, None, None, ProcessSource.CAPTURE)


# -- ptcpdump ------------------------------------------------------------------------------------------


def test_ptcpdump_names_the_process_of_a_flow() -> None:
    found = claims(ptcpdump((CURL, b"UserId: 1000"), (), (CURL, b"UserId: 1000")))
    curl = named(345650, "curl", 1000)
    assert found == [Claim(1, True, curl, of_flow=True), Claim(3, True, curl, of_flow=True)]


def test_ptcpdump_names_containers() -> None:
    container = (
        b"ContainerName: web\nContainerId: 0123456789abcdef\nContainerImage: nginx\nContainerLabels: {}"
    )
    (found,) = claims(ptcpdump((CURL, container), interface=b"eth0", flags=IN))
    assert not found.of_source
    assert not found.of_flow
    assert found.process.container == "web"
    (found,) = claims(ptcpdump((CURL, container.replace(b"web", b"")), interface=b"eth0"))
    assert found.process.container == "0123456789ab"


@pytest.mark.parametrize(
    ("interface", "flags"), [(b"lo", IN), (b"veth12", OUT), (b"docker0", IN), (b"", OUT)]
)
def test_where_ptcpdump_may_mean_either_end_nothing_is_claimed(interface: bytes, flags: int) -> None:
    assert claims(ptcpdump((CURL,), interface=interface, flags=flags)) == []


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (b"PID: x\nCmd: /bin/sh", []),
        (b"PID: 99999999999", []),
        (b"a comment of a person", []),
        (b"PID: 1\nCmd: /tmp/a\x1b[2J\xff\nArgs: x\nPID: 2", [named(1, "a\x1b[2J\ufffd")]),
        (b"PID: 1\nCmd: " + b"x" * 4000, [named(1, "x" * 255)]),
        (b"PID: 1\nCmd: ", [named(1)]),
    ],
)
def test_comments_are_only_claims(comment: bytes, expected: list[EndProcess]) -> None:
    assert [claim.process for claim in claims(ptcpdump((comment,)))] == expected


# -- Apple ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
def test_apple_names_the_process_of_the_local_socket(order: str) -> None:
    assert claims(darwin(order=order)) == [Claim(1, False, named(501, "node"))]


@pytest.mark.parametrize(
    "options",
    [
        [(0x8001, struct.pack("<I", 1)), direction(IN)],
        [(0x8001, struct.pack("<I", 0))],
        [(0x8001, b""), direction(0)],
        [direction(OUT)],
    ],
)
def test_an_index_without_a_block_and_a_frame_without_a_direction_claim_nothing(
    options: list[tuple[int, bytes]],
) -> None:
    assert claims(darwin(options=options)) == []


def test_a_process_block_of_somebody_else_is_stepped_over() -> None:
    blocks = wire.block(PROCESS_BLOCK, b"") + wire.block(PROCESS_BLOCK, b"\0" * 4)
    capture = wire.section() + wire.interface() + blocks + packet(FRAMES[0][1], [])
    assert claims(capture) == []


# -- Windows -------------------------------------------------------------------------------------------


def test_etl2pcapng_tells_who_was_running() -> None:
    option = (8, struct.pack("<II", 4711, 3))
    found = claims(windows(([option, (1, b"PID=4711 TID=3")], OUT), ([option], IN), ([option], OUT)))
    assert found == [Claim(1, True, named(4711), sent=True), Claim(3, True, named(4711), sent=True)]


@pytest.mark.parametrize("comment", [b"PID=0 TID=0", b"PID=4 TID=12", b"PID=-1 TID=1", b"PID=", b"PID=x"])
def test_idle_and_system_say_nothing(comment: bytes) -> None:
    assert claims(windows(([(1, comment)], OUT))) == []


# -- PKTAP ---------------------------------------------------------------------------------------------


def pktap(frame: bytes, *, length: int = 108, dlt: int = 1, pid: int = 501, kind: int = 1) -> bytes:
    """A frame behind a PKTAP header."""
    names = struct.pack("<24sIIIIi20sIHHi20s", b"en0", OUT, 2, 14, 0, pid, b"curl", 0, 6, 0, -1, b"")
    return (struct.pack("<III", length, kind, dlt) + names).ljust(length, b"\0") + frame


def test_frames_behind_pktap_are_read_and_named() -> None:
    capture = wire.pcap([(ts, pktap(frame, length=156)) for ts, frame in FRAMES], linktype=LINKTYPE_PKTAP)
    raw = wire.pcap([(ts, pktap(frame[14:], dlt=12)) for ts, frame in FRAMES], linktype=LINKTYPE_PKTAP)
    for data in (capture, raw):
        found: deque[Claim] = deque()
        reader = CaptureReader(Bytes(data), "test")
        reader.claims = found
        ((buffer, batch),) = ((bytes(buffer), batch) for buffer, batch in reader.batches())
        inner = [buffer[at : at + size] for at, size in zip(batch.at, batch.caplen, strict=True)][:3]
        assert [one[-40:] for one in inner] == [frame[-40:] for _, frame in FRAMES]
        assert list(batch.linktype)[:3] == [1 if data is capture else 101] * 3
        assert list(found) == [Claim(number, True, named(501, "curl")) for number in (1, 2, 3)]


@pytest.mark.parametrize("header", [{"length": 400}, {"length": 108, "kind": 0}])
def test_what_is_no_pktap_header_stays(header: dict[str, int]) -> None:
    whole = pktap(FRAMES[0][1], **header)[:150]
    assert claims(wire.pcap([(wire.START, whole)], linktype=LINKTYPE_PKTAP)) == []
    assert claims(wire.pcap([(wire.START, b"short")], linktype=LINKTYPE_PKTAP)) == []


# -- whatever the bytes --------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.sampled_from([b"ptcpdump", b""]), st.integers(0, 0xFFFF))
def test_any_options_end_well(tail: bytes, application: bytes, code: int) -> None:
    head = wire.section(options=wire.option(4, application) + wire.option(0, b"")) + wire.interface()
    frame = FRAMES[0][1]
    body = struct.pack("<5I", 0, 0, 0, len(frame), len(frame)) + frame + bytes(-len(frame) % 4)
    for options in (tail, wire.option(code, tail), struct.pack("<HH", code, 0xFFFF) + tail):
        for claim in claims(head + wire.block(wire.ENHANCED_PACKET, body + options)):
            assert claim.frame == 1


def test_other_kinds_of_blocks_claim_nothing() -> None:
    simple = wire.block(wire.SIMPLE_PACKET, struct.pack("<I", len(FRAMES[0][1])) + FRAMES[0][1])
    head = wire.section(options=wire.option(4, b"ptcpdump") + wire.option(0, b"")) + wire.interface()
    assert claims(head + simple) == []
