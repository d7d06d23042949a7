"""Comments in a copy: where they go, and that nothing else changes."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.source import CaptureError
from synscope.capture.write.annotate import Copy, annotate
from synscope.capture.write.pcapng import LARGEST_COMMENT
from synscope.capture.write.storage import SaveError
from tests import wire
from tests.capture.write.test_save import Live, needs_tshark, read, saver_at, segments, tshark

FRAME = segments(3)[2]


def _blocks(data: bytes, order: str) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(f"{order}I", data, at + 4)
        found.append(data[at : at + length])
        at += length
    return found


def _mixed(order: str) -> list[bytes]:
    """One of everything."""
    return [
        wire.section(order, wire.option(4, b"app", order)),
        wire.interface(order, options=wire.option(9, b"\x06", order)),
        wire.enhanced(5, FRAME, order=order),
        wire.simple(FRAME, order=order),
        wire.block(0x80000ABC, b"whatever", order),
        wire.old_packet(7, FRAME, order=order),
        wire.enhanced(9, FRAME[:-1], order=order),
        wire.section(order),
        wire.interface(order, linktype=101),
        wire.enhanced(11, FRAME[14:], order=order),
        wire.block(5, bytes(12), order),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_commented_blocks_change(tmp_path: Path, order: str) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    before = _mixed(order)
    source.write_bytes(b"".join(before))
    left = annotate(
        str(source), copy, {1: "one", 2: "two", 3: "three", 5: "five", 99: "none"}, ["all", "of it"]
    )
    assert left == (2, 99)
    after = _blocks(copy.read_bytes(), order)
    assert len(after) == len(before)
    changed = {place for place, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    assert changed == {0, 2, 5, 9}
    assert read(copy)[0] == read(source)[0]
    for place, text in ((0, b"all"), (0, b"of it"), (2, b"one"), (5, b"three"), (9, b"five")):
        assert wire.option(1, text, order) in after[place]
    assert wire.option(4, b"app", order) in after[0]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_told_section_length_is_told_no_longer(tmp_path: Path) -> None:
    """It would be wrong: the section has grown."""
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    blocks = wire.interface() + wire.enhanced(1, FRAME)
    head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, len(blocks))
    source.write_bytes(wire.block(0x0A0D0D0A, head) + blocks)
    assert annotate(str(source), copy, {1: "one"}) == ()
    assert copy.read_bytes()[16:24] == b"\xff" * 8


@given(st.data(), st.sampled_from("<>"))
def test_damage_anywhere_loses_no_byte(data: st.DataObject, order: str) -> None:
    source = bytearray(b"".join(_mixed(order)))
    for _ in range(data.draw(st.integers(0, 4))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    del source[data.draw(st.integers(0, len(source))) :]
    copied = b"".join(Copy({99: "never"}).pieces(io.BufferedReader(io.BytesIO(source), 64)))
    assert len(copied) == len(source)
    changed = sum(a != b for a, b in zip(copied, source, strict=True))
    assert changed <= 8 * source.count(b"\n\r\r\n")  # a section's length is told no longer


@needs_tshark
def test_tshark_reads_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver = saver_at(path, comments=["there before"])
    Live(segments(4)).into(saver, {1: "old"})
    saver.close()
    assert annotate(str(path), path, {2: "new — ü", 4: "last"}, ["s" * LARGEST_COMMENT, "more"]) == ()
    assert tshark(path, "frame.number", "frame.comment", "frame.packet_flags", "tcp.seq_raw") == [
        ["1", "", "", "0"],
        ["2", "new — ü,old", "0x00000200", "1"],
        ["3", "", "", "2"],
        ["4", "last", "0x00000200", "3"],
    ]
    said = subprocess.run(["capinfos", "-k", str(path)], capture_output=True, check=True, text=True).stdout
    assert "there before" in said
    assert "more" in said
    assert "s" * LARGEST_COMMENT in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pcapng"]


@pytest.mark.parametrize("cut", [1, 3, 4, 20, 60])
def test_the_rest_from_damage_on_is_copied_as_it_is(tmp_path: Path, cut: int) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    blocks = [wire.section(), wire.interface(), wire.enhanced(1, FRAME), wire.enhanced(2, FRAME)]
    source.write_bytes(b"".join(blocks)[:-cut])
    assert annotate(str(source), copy, {1: "one", 2: "two"}) == (2,)
    tail = b"".join(blocks)[:-cut][sum(len(block) for block in blocks[:3]) :]
    assert copy.read_bytes().endswith(tail)
    assert read(copy)[1].frames == read(source)[1].frames == 1


@pytest.mark.parametrize(
    "broken",
    [
        wire.block(6, struct.pack("<5I", 0, 0, 0, 5000, 5000)),
        wire.block(6, b"\0" * 8),
        struct.pack("<III", 6, 14, 14),
        struct.pack("<III", 6, 0, 0),
        struct.pack("<III", 0x80000ABC, 12, 16),
        wire.block(0x0A0D0D0A, b"\x4d\x3c\x2b\x1a"),
        wire.block(0x0A0D0D0A, bytes(16)),
    ],
)
def test_a_lying_block_ends_the_comments_not_the_copy(tmp_path: Path, broken: bytes) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(wire.section() + wire.interface() + broken + wire.enhanced(2, FRAME))
    assert annotate(str(source), copy, {1: "one"}) == (1,)
    assert copy.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_becomes_pcapng(tmp_path: Path, order: str) -> None:
    source, copy = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    frames = [(1_700_000_000_123_456_000 + n, frame) for n, frame in enumerate(segments(3))]
    records = [wire.pcap_record(ts_ns, frame, order=order, wirelen=99) for ts_ns, frame in frames]
    source.write_bytes(wire.pcap_header(order=order) + b"".join(records))
    assert annotate(str(source), copy, {2: "two", 9: "none"}) == (9,)
    assert read(copy)[0] == read(source)[0]
    assert wire.option(1, b"two") in copy.read_bytes()


def test_what_is_no_capture(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.txt", tmp_path / "b.pcapng"
    source.write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match="no pcap or pcapng"):
        annotate(str(source), copy, {})
    with pytest.raises(CaptureError, match="cannot be opened"):
        annotate(str(tmp_path / "none"), copy, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_marked_frames_are_kept(tmp_path: Path, order: str) -> None:
    """Frame numbers are those of the whole; what is no frame stays."""
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed(order)))
    assert annotate(str(source), copy, {3: "three", 4: "four"}, keep=bytearray(b"\0\1\1")) == (4,)
    frames = read(source)[0]
    assert read(copy)[0] == frames[1:3]
    assert wire.option(1, b"three", order) in copy.read_bytes()
    pcap = tmp_path / "a.pcap"
    pcap.write_bytes(wire.pcap([(1, FRAME), (2, FRAME[:-1]), (3, FRAME)]))
    annotate(str(pcap), copy, {}, keep=bytearray(b"\0\1"))
    assert read(copy)[0] == read(pcap)[0][1:2]


def test_a_compressed_capture(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.pcapng.gz", tmp_path / "b.pcapng"
    source.write_bytes(gzip.compress(b"".join(_mixed("<"))))
    assert annotate(str(source), copy, {1: "one"}) == ()
    assert read(copy)[0] == read(source)[0]


def test_an_existing_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    copy.write_bytes(b"precious")
    with pytest.raises(SaveError, match="is there already"):
        annotate(str(source), copy, {}, replace=False)
    assert copy.read_bytes() == b"precious"


def test_a_failure_leaves_the_destination_alone(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    copy.write_bytes(b"precious")
    with pytest.raises(ValueError, match="60001 bytes"):
        annotate(str(source), copy, {}, ["x" * (LARGEST_COMMENT + 1)])
    assert copy.read_bytes() == b"precious"
    with pytest.raises(SaveError, match="No such file"):
        annotate(str(source), tmp_path / "no" / "b.pcapng", {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.pcapng", "b.pcapng"]


def test_unpaired_surrogates_are_no_error(tmp_path: Path) -> None:
    source = tmp_path / "a.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    assert annotate(str(source), source, {1: os.fsdecode(b"\xff")}) == ()


def test_a_pipe_of_both(tmp_path: Path) -> None:
    """Commenting twice keeps the first comments."""
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    annotate(str(source), copy, {1: "one"}, ["s1"])
    shutil.copy(copy, source)
    annotate(str(source), copy, {1: "again"}, ["s2"])
    data = copy.read_bytes()
    assert all(wire.option(1, text) in data for text in (b"one", b"again", b"s1", b"s2"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_large_capture_of_many_reads(tmp_path: Path, order: str) -> None:
    """Blocks lie across the ends of reads; two sections, comments far apart."""
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    other = "<>".replace(order, "")
    parts = [
        head + b"".join(wire.enhanced(n, bytes(n % 97 + 20), order=one) for n in range(9_000))
        for one in (order, other)
        for head in [wire.section(one) + wire.interface(one)]
    ]
    source.write_bytes(b"".join(parts))
    comments = {1: "a", 5_000: "b", 9_000: "c", 9_001: "d", 18_000: "e"}
    assert annotate(str(source), copy, comments, ["s"]) == ()
    assert read(copy)[0] == read(source)[0]
    blocks = [
        block
        for part, one in zip(_halves(copy.read_bytes()), (order, other), strict=True)
        for block in _blocks(part, one)
        if block[:4] in {b"\6\0\0\0", b"\0\0\0\6"}
    ]
    found = {number: block for number, block in enumerate(blocks, 1) if number in comments}
    for number, text in comments.items():
        one = order if number <= 9_000 else other
        assert wire.option(1, text.encode(), one) in found[number]
    assert copy.stat().st_size == source.stat().st_size + len(comments) * 12 + 12


def _halves(data: bytes) -> tuple[bytes, bytes]:
    at = data.index(b"\n\r\r\n", 4)
    return data[:at], data[at:]
