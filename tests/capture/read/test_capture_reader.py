"""pcap and pcapng in all their forms, their damage, and reads of any size."""

from __future__ import annotations

import json
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import CaptureError
from tests import strategies, wire
from tests.engine import stories
from tests.follow import FIXTURES, Bytes, Run, follow, unpacked
from tests.story import frames, names

STORY = frames("C S | S RA | C S seq=c+90000 dt=1234.567891 | S SA | C A | C PA len=5 | S PA len=7")
CALLED = ["SYN-RST refused", "completed still-open"]
TIMES = [ts for ts, _ in STORY]
MANIFEST: list[dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text("utf-8"))
NAMES = [entry["file"] for entry in MANIFEST]


def _is_story(capture: bytes, *, unit: int = 1, times: list[int] | None = None) -> Run:
    run = follow(capture)
    assert run.error is None
    assert run.reader.cut is None
    assert names(run.attempts) == CALLED
    expected = TIMES if times is None else times
    assert run.times == [ts // unit * unit for ts in expected]
    assert run.reader.frames == len(STORY)
    return run


# -- pcap ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("magic", "unit", "tail", "called"),
    [
        (wire.PCAP_MAGIC_MICRO, 1000, b"", "pcap"),
        (wire.PCAP_MAGIC_NANO, 1, b"", "pcap, nanoseconds"),
        (wire.PCAP_MAGIC_MODIFIED, 1000, bytes(8), "pcap, modified"),
    ],
)
def test_pcap(order: str, magic: int, unit: int, tail: bytes, called: str) -> None:
    """Either byte order, microseconds and nanoseconds, and Kuznetzov's longer record headers."""
    capture = wire.pcap_header(order=order, magic=magic) + b"".join(
        wire.pcap_record(ts, frame, order=order, unit=unit, tail=tail) for ts, frame in STORY
    )
    run = _is_story(capture, unit=unit)
    assert run.reader.format == called
    assert run.reader.linktypes == ("EN10MB",)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("minor", "swap"), [(2, True), (3, True), (3, False), (4, False)])
def test_old_versions_swap_the_lengths(order: str, minor: int, *, swap: bool) -> None:
    """Before 2.3 the captured length came second; 2.3 itself did both."""
    capture = wire.pcap_header(order=order, version=(2, minor))
    for ts, frame in STORY:
        lengths = (len(frame) + 90, len(frame)) if swap else (len(frame), len(frame) + 90)
        capture += struct.pack(f"{order}IIII", ts // 10**9, ts % 10**9, *lengths) + frame
    run = _is_story(capture)
    assert run.reader.snapped == len(STORY)


def test_link_type_without_its_upper_bits() -> None:
    """The upper bits of the field say something about frame check sequences."""
    run = _is_story(wire.pcap_header(linktype=0x14000001) + wire.pcap(STORY)[24:])
    assert run.reader.linktypes == ("EN10MB",)


def test_snapped_frames_are_counted() -> None:
    """Frames the capture stored only in part."""
    capture = wire.pcap_header() + b"".join(
        wire.pcap_record(ts, frame[:54], wirelen=len(frame)) for ts, frame in STORY
    )
    assert _is_story(capture).reader.snapped == 2


def test_empty_capture() -> None:
    """A header alone is a capture of nothing."""
    run = follow(wire.pcap_header())
    assert (run.error, run.reader.cut, run.attempts, run.reader.frames) == (None, None, [], 0)


BAD_BEGINNINGS = {
    "nothing": (b"", "is empty"),
    "three bytes": (b"\xd4\xc3\xb2", "only 3 bytes"),
    "text": (b"GET / HTTP/1.1\r\n", "47 45 54 20"),
    "pcap header cut": (wire.pcap_header()[:23], "cut inside its file header"),
    "pcap version 3": (wire.pcap_header(version=(3, 0)), "unknown version 3.0"),
    "pcapng cut": (wire.section()[:11], "cut inside its first block"),
    "pcapng without byte-order magic": (b"\n\r\r\n\x1c\0\0\0" + bytes(20), "byte-order magic"),
    "pcapng version 2": (wire.section(version=(2, 0)), "unknown pcapng version 2.0"),
    "pcapng block length 8": (b"\n\r\r\n\x08\0\0\0\x4d\x3c\x2b\x1a" + bytes(20), "length is impossible"),
}


@pytest.mark.parametrize("name", BAD_BEGINNINGS)
def test_what_is_no_capture(name: str) -> None:
    """A typed error names the file and says what is wrong."""
    data, reason = BAD_BEGINNINGS[name]
    error = follow(data, name="some.pcap").error
    assert error is not None
    assert reason in error.reason
    assert str(error) == f"some.pcap: {error.reason}"
    assert (error.capture, error.frame) == ("some.pcap", 0)
    assert 0 <= error.offset <= len(data)


# -- pcapng ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", "<>")
def test_pcapng(order: str) -> None:
    """Either byte order; options everywhere are stepped over."""
    comment = wire.option(1, b"a comment", order) + wire.option(0, b"", order)
    capture = wire.section(order, comment) + wire.interface(
        order,
        options=wire.option(2, b"eth0", order) + wire.option(9, b"\x09", order) + wire.option(0, b"", order),
    )
    for ts, frame in STORY:
        capture += wire.enhanced(ts, frame, order=order, options=comment)
    run = _is_story(capture)
    assert run.reader.format == "pcapng"
    assert run.reader.unknown_blocks == 0


@pytest.mark.parametrize("order", "<>")
def test_obsolete_packet_blocks(order: str) -> None:
    """Their interface number has 16 bits; drops share the word."""
    capture = wire.section(order) + wire.interface(order, linktype=101) + wire.interface(order)
    for ts, frame in STORY:
        capture += wire.old_packet(ts // 1000, frame, order=order, number=1, drops=7)
    _is_story(capture, unit=1000)


@pytest.mark.parametrize("order", "<>")
def test_simple_packet_blocks(order: str) -> None:
    """They have no time, and the snap length is their interface's."""
    capture = wire.section(order) + wire.interface(order, snaplen=57)
    for _, frame in STORY:
        capture += wire.simple(frame[:57], order=order, wirelen=len(frame))
    run = _is_story(capture, times=[0] * len(STORY))
    assert run.reader.snapped == 2


def test_interfaces_with_clocks_of_their_own() -> None:
    """Resolution and offset belong to the interface."""
    resolutions = (b"\x06", b"\x09", b"\x03", b"\x00")
    capture = wire.section() + b"".join(wire.interface(options=wire.option(9, tick)) for tick in resolutions)
    expected = []
    for place, (ts, frame) in enumerate(STORY):
        number = place % 4
        unit = 10 ** (9 - resolutions[number][0])
        capture += wire.enhanced(ts // unit, frame, number=number)
        expected.append(ts // unit * unit)
    _is_story(capture, times=expected)


@pytest.mark.parametrize("seconds", [0, 1, 3600, -3600, -1_700_000_000])
@pytest.mark.parametrize("order", "<>")
def test_time_offset(seconds: int, order: str) -> None:
    """Whole seconds to add, negative ones too."""
    options = wire.option(9, b"\x09", order) + wire.option(14, struct.pack(f"{order}q", seconds), order)
    capture = wire.section(order) + wire.interface(order, options=options)
    capture += b"".join(wire.enhanced(ts, frame, order=order) for ts, frame in STORY)
    _is_story(capture, times=[ts + seconds * 10**9 for ts in TIMES])


resolutions = st.one_of(st.integers(0, 28), st.integers(0, 63).map(lambda exponent: exponent | 0x80))


def _exact(resolution: int, ticks: int, offset: int) -> int:
    exponent = resolution & 0x7F
    unit = Fraction(1, 2**exponent if resolution & 0x80 else 10**exponent)
    exact = ticks * unit * 10**9
    return exact.numerator // exact.denominator + offset * 10**9


def _first_time(resolution: int, ticks: int, offset: int) -> int:
    options = wire.option(9, bytes([resolution])) + wire.option(14, struct.pack("<q", offset))
    capture = wire.section() + wire.interface(options=options) + wire.enhanced(ticks, STORY[0][1])
    (attempt,) = follow(capture).attempts
    assert attempt.first_ts_ns == attempt.times.first
    return attempt.first_ts_ns


@given(resolutions, st.integers(0, 2**64 - 1))
def test_any_time_stamp_is_exact(resolution: int, ticks: int) -> None:
    """Every resolution, every tick count, also beyond 64 bits of nanoseconds; 1 ns of rounding is allowed."""
    exact = _exact(resolution, ticks, 0)
    assert exact - (resolution > 0xA0) <= _first_time(resolution, ticks, 0) <= exact


@given(resolutions, st.integers(0, 2**64 - 1), st.integers(-(2**40), 2**40))
@example(9, 0, 18_446_744_074)
@example(9, 0, -1)
def test_any_time_offset_is_exact(resolution: int, ticks: int, offset: int) -> None:
    """Also where the offset alone does not fit 64 bits of nanoseconds, or leads to before the epoch."""
    exact = _exact(resolution, ticks, offset)
    assert exact - (resolution > 0xA0) <= _first_time(resolution, ticks, offset) <= exact


@pytest.mark.parametrize(
    ("resolution", "ticks", "expected"),
    [
        (b"\x06", 2**64 - 1, (2**64 - 1) * 1000),
        (b"\x00", 2**63, 2**63 * 10**9),
        (b"\x80", 2**40, 2**40 * 10**9),
        (b"\x81", 2**63 + 1, (2**63 + 1) * 10**9 >> 1),
    ],
)
def test_time_stamps_beyond_64_bits(resolution: bytes, ticks: int, expected: int) -> None:
    """Kept exactly, beside the column that cannot hold them."""
    capture = wire.section() + wire.interface(options=wire.option(9, resolution))
    capture += (
        wire.enhanced(1, STORY[0][1]) + wire.enhanced(ticks, STORY[2][1]) + wire.enhanced(2, STORY[3][1])
    )
    run = follow(capture)
    late = [attempt for attempt in run.attempts if attempt.frames.first == 2]
    assert [attempt.first_ts_ns for attempt in late] == [expected]
    assert run.reader.odd_times == {2: expected}


def test_sections() -> None:
    """Each section has its own byte order and interfaces."""
    capture = b""
    for order, part in (("<", STORY[:3]), (">", STORY[3:5]), ("<", STORY[5:])):
        capture += wire.section(order) + wire.interface(order, options=wire.option(9, b"\x09", order))
        capture += b"".join(wire.enhanced(ts, frame, order=order) for ts, frame in part)
    _is_story(capture)


def test_interfaces_do_not_outlive_their_section() -> None:
    """A packet of a section that describes none ends the reading."""
    capture = wire.section() + wire.interface() + wire.enhanced(1, STORY[0][1])
    run = follow(capture + wire.section() + wire.enhanced(2, STORY[1][1]))
    assert run.reader.cut is not None
    assert (run.reader.cut.frame, run.reader.cut.offset) == (1, len(capture) + len(wire.section()))
    assert "interface" in run.reader.cut.reason


def test_link_types_of_several_interfaces() -> None:
    """Named once each, in order of appearance."""
    capture = wire.section()
    capture += wire.interface(linktype=113) + wire.interface(linktype=1) + wire.interface(linktype=113)
    assert follow(capture).reader.linktypes == ("LINUX_SLL", "EN10MB")


def test_unknown_blocks_are_stepped_over() -> None:
    """Name resolution, decryption secrets, custom ones: counted."""
    capture = wire.section() + wire.block(4, bytes(20)) + wire.interface(options=wire.option(9, b"\x09"))
    for ts, frame in STORY:
        capture += wire.block(0x0BAD, os.urandom(33)) + wire.enhanced(ts, frame)
    assert _is_story(capture).reader.unknown_blocks == len(STORY) + 1


def test_interface_statistics() -> None:
    """Frames the capturing program lost, by interface: the last word of each counts."""
    capture = wire.section() + wire.interface() + wire.interface()
    for number, lost in ((0, 3), (1, 40), (0, 5)):
        body = struct.pack("<III", number, 0, 0) + wire.option(5, struct.pack("<Q", lost))
        capture += wire.block(5, body)
    assert follow(capture).reader.dropped == 45
    assert follow(wire.section()).reader.dropped is None


@pytest.mark.parametrize("size", [1 << 19, (1 << 20) + 4, 3 << 20])
def test_a_block_larger_than_the_buffer(size: int) -> None:
    """The buffer grows for it, whatever kind it is."""
    capture = (
        wire.section() + wire.block(0x0BAD, bytes(size)) + wire.interface(options=wire.option(9, b"\x09"))
    )
    capture += b"".join(
        wire.enhanced(ts, frame, options=wire.option(1, bytes(65000)) * 10) for ts, frame in STORY
    )
    _is_story(capture)


def test_a_record_larger_than_the_buffer() -> None:
    """A pcap with a snap length above the default may hold one."""
    ts, frame = STORY[0]
    capture = wire.pcap_header(snaplen=4 << 20) + wire.pcap_record(ts, frame + bytes(2 << 20))
    _is_story(capture + wire.pcap(STORY[1:])[24:])


# -- cuts and damage -------------------------------------------------------------------------------------


def _ends(data: bytes) -> list[int]:
    """Offset behind each frame's record of a small pcap or pcapng."""
    found = []
    if data[:4] == b"\n\r\r\n":
        at, order = 0, "<"
        while at + 12 <= len(data):
            if data[at : at + 4] == b"\n\r\r\n":
                order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            kind, size = struct.unpack_from(f"{order}II", data, at)
            at += size
            if kind in {2, 3, 6}:
                found.append(at)
        return found
    order = "<" if data[0] in b"\xd4\x4d" else ">"
    at = 24
    while at + 16 <= len(data):
        (size,) = struct.unpack_from(f"{order}I", data, at + 8)
        at += 16 + size
        if at <= len(data):
            found.append(at)
    return found


CUT = ["refused.pcap", "http-ok.pcap", "pcap-big-nano.pcap", "pcapng-sections.pcapng", "pcapng-big.pcapng",
       "packed-gzip.pcap.gz"]  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_cut_anywhere(name: str) -> None:
    """Cut at any byte: the attempts of the whole frames before it, and where it was cut."""
    data = unpacked(FIXTURES / name)
    ends = _ends(data)
    attempts_of = {}
    for whole in range(len(ends) + 1):
        run = follow(data[: ends[whole - 1]] if whole else data[:24])
        attempts_of[whole] = run.attempts
    for size in range(len(data)):
        run = follow(data[:size])
        whole = sum(end <= size for end in ends)
        if run.error is not None:
            assert size < 28
            assert whole == 0
            continue
        assert run.reader.frames == whole
        assert run.attempts == attempts_of[whole]
        if run.reader.cut is not None:
            assert run.reader.cut.frame == whole
            assert (ends[whole - 1] if whole else 0) <= run.reader.cut.offset < size
            assert run.reader.cut.reason


def test_cut_offset_is_that_of_the_record_that_is_not_whole() -> None:
    """A person can look there."""
    capture = wire.pcap(STORY)
    first = 24 + 16 + len(STORY[0][1])
    for size in range(first + 1, first + 16 + len(STORY[1][1])):
        cut = follow(capture[:size]).reader.cut
        assert cut is not None
        assert (cut.offset, cut.frame) == (first, 1)


def test_offset_of_a_cut_behind_many_buffers() -> None:
    """Offsets count from the beginning of the capture, not of the buffer."""
    big = [(ts, frame + bytes(60_000)) for ts, frame in STORY] * 20
    capture = wire.pcap(big)
    cut = follow(capture[:-1]).reader.cut
    assert cut is not None
    assert (cut.offset, cut.frame) == (len(capture) - 16 - len(big[-1][1]), len(big) - 1)


def test_damage_of_the_source_is_the_reason_of_the_cut() -> None:
    """What the decompressor said is what the person reads."""
    capture = wire.pcap(STORY)
    run = follow(Bytes(capture + bytes(10), damage="the gzip stream is damaged near its byte 77"))
    assert run.reader.cut is not None
    assert "damaged near its byte 77" in run.reader.cut.reason
    assert names(run.attempts) == CALLED


def test_damage_at_the_end_of_a_record_is_told_too() -> None:
    """Even where no record is cut in two."""
    run = follow(Bytes(wire.pcap(STORY), damage="the gzip stream is cut after 99 bytes"))
    assert run.reader.cut is not None
    assert run.reader.cut.frame == len(STORY)


class _Failing(Bytes):
    """Hands out its bytes, then fails as a disk does."""

    def readinto(self, buffer: memoryview) -> int:
        size = super().readinto(buffer)
        if not size:
            raise OSError(5, "Input/output error")
        return size


def test_a_read_that_fails() -> None:
    """At the very beginning an error, later a cut; what was read is kept."""
    error = follow(_Failing(b"\xd4\xc3")).error
    assert error is not None
    assert "Input/output error" in error.reason
    run = follow(_Failing(wire.pcap(STORY)))
    assert names(run.attempts) == CALLED
    assert run.reader.cut is not None
    assert "Input/output error" in run.reader.cut.reason


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_an_impossible_length_ends_the_reading(kind: str) -> None:
    """With a cut at the record that lies, and its predecessors kept."""
    good = wire.pcap(STORY) if kind == "pcap" else (
        wire.section() + wire.interface() + b"".join(wire.enhanced(ts, frame) for ts, frame in STORY)
    )  # fmt: skip
    bad = struct.pack("<IIII", 1, 1, 0x7FFFFFFF, 60) if kind == "pcap" else struct.pack("<II", 6, 0x7FFFFFFC)
    run = follow(good + bad + bytes(100))
    assert names(run.attempts) == CALLED
    assert run.reader.cut is not None
    assert (run.reader.cut.offset, run.reader.cut.frame) == (len(good), len(STORY))


def test_a_block_length_that_lies_about_the_future() -> None:
    """A length that is possible, but whose bytes never come, costs no more memory than there are bytes."""
    good = wire.section() + wire.interface() + wire.enhanced(TIMES[0], STORY[0][1])
    run = follow(good + struct.pack("<II", 0x0BAD, 60 << 20) + bytes(5000))
    assert run.reader.cut is not None
    assert run.reader.cut.offset == len(good)


# -- reads of any size -----------------------------------------------------------------------------------

CAPTURES = {name: unpacked(FIXTURES / name) for name in NAMES if (FIXTURES / name).stat().st_size < 2000}


def _facts(run: Run) -> tuple[object, ...]:
    reader = run.reader
    return (
        run.attempts, run.times, reader.frames, reader.cut, reader.format, reader.linktypes, reader.snapped,
        reader.odd_times, run.follower.undecoded(), run.follower.tracker.strays,
        run.follower.tracker.duplicates, reader.unknown_blocks,
    )  # fmt: skip


@given(st.sampled_from(sorted(CAPTURES)), strategies.pieces, st.integers(0, 60))
def test_reads_of_any_size(name: str, pieces: tuple[int, ...], missing: int) -> None:
    """How many bytes come at a time changes nothing, in whole captures and cut ones."""
    data = CAPTURES[name][: max(30, len(CAPTURES[name]) - missing)]
    assert _facts(follow(Bytes(data, pieces))) == _facts(follow(data))


@pytest.mark.parametrize("name", ["http-ok.pcap", "pcapng-sections.pcapng", "pcapng-big.pcapng"])
def test_one_byte_at_a_time(name: str) -> None:
    """As the slowest pipe."""
    data = unpacked(FIXTURES / name)
    assert _facts(follow(Bytes(data, (1,) * len(data)))) == _facts(follow(data))


@given(
    st.sampled_from(sorted(CAPTURES)),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 7)), max_size=12),
)
def test_flipped_bits(name: str, flips: list[tuple[int, int]]) -> None:
    """Damage is an error at the beginning, a cut later, or other facts; never anything else."""
    data = bytearray(CAPTURES[name])
    for place, bit in flips:
        data[place % len(data)] ^= 1 << bit
    run = follow(bytes(data))
    assert run.reader.frames == run.follower.frames <= len(data) // 16
    assert sum(group.count for group in run.groups) == len(run.attempts)


@given(
    st.sampled_from([b"", wire.pcap_header(), wire.pcap_header(order=">"), wire.section(), wire.section(">"),
                     wire.section() + wire.interface()]),
    st.binary(max_size=400),
)  # fmt: skip
def test_noise(beginning: bytes, noise: bytes) -> None:
    """Any bytes, with and without a believable beginning."""
    run = follow(beginning + noise)
    assert run.error is None or isinstance(run.error, CaptureError)


@given(st.lists(st.sampled_from(stories.ALL), min_size=1, max_size=4))
def test_pcap_and_pcapng_say_the_same(told: list[stories.Story]) -> None:
    """The file format shows in no attempt."""
    talk = [
        frame
        for place, story in enumerate(told)
        for frame in frames(story.text, client=("192.0.2.1", 1024 + place))
    ]
    pcapng = wire.section() + wire.interface(options=wire.option(9, b"\x09"))
    pcapng += b"".join(wire.enhanced(ts, frame) for ts, frame in talk)
    assert follow(pcapng).attempts == follow(wire.pcap(talk)).attempts


def test_memory_is_one_buffer(tmp_path: Path) -> None:
    """A long capture of small frames does not grow it."""
    path = tmp_path / "long.pcap"
    path.write_bytes(wire.pcap(STORY * 20_000))
    with path.open("rb") as file:
        reader = CaptureReader(_File(file.fileno()), "long.pcap")
        sizes = {len(data) for data, _ in reader.batches()}
    assert len(sizes) == 1
    assert reader.frames == 20_000 * len(STORY)


class _File:
    """A source that reads a descriptor."""

    damage = None

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readinto(self, buffer: memoryview) -> int:
        """Read as the program does."""
        return os.readv(self._descriptor, [buffer])

    def close(self) -> None:
        """The test closes."""


def _read_through(capture: bytes) -> CaptureReader:
    reader = CaptureReader(Bytes(capture), "capture")
    assert list(reader.batches()) == []
    return reader


def test_comments_on_the_file_are_kept_and_bounded() -> None:
    texts = [b"one", b"\xff", b"", b"x" * 65_535]
    options = b"".join(wire.option(1, text) for text in texts)
    reader = _read_through(wire.section("<", options) + wire.section(">", wire.option(1, b"big", ">")))
    assert reader.comments == ["one", "\ufffd", "", "x" * 65_535, "big"]
    reader = _read_through(wire.section("<", wire.option(1, b"y") * 100) * 3)
    assert len(reader.comments) == 64


def test_a_lying_comment_is_none() -> None:
    lying = struct.pack("<HH", 1, 500) + b"abcd"
    reader = _read_through(wire.section("<", lying) + wire.interface())
    assert reader.comments == []
    assert reader.cut is None


@pytest.mark.parametrize(
    ("of_section", "of_interface", "system"),
    [
        (wire.option(3, b"Linux 6.1.0"), b"", "linux"),
        (wire.option(3, b"64-bit Windows 11 (23H2)"), wire.option(2, b"lo"), "windows"),
        (b"", wire.option(2, b"lo0"), "macos"),
        (b"", wire.option(2, b"en0") + wire.option(12, b"macOS 14.5"), "macos"),
        (b"", wire.option(2, b"eth0"), ""),
        (wire.option(3, b"\xff\xfe"), b"", ""),
    ],
)
def test_a_capture_says_on_which_system_it_was_made(
    of_section: bytes, of_interface: bytes, system: str
) -> None:
    reader = _read_through(wire.section(options=of_section) + wire.interface(options=of_interface))
    assert reader.system == system
