"""Comments in a copy: where they go, and that nothing else changes."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from synscope.capture.annotate import annotate
from synscope.capture.errors import CaptureError
from synscope.capture.pcapng import LARGEST_COMMENT
from synscope.capture.save import SaveError
from tests import wire
from tests.capture.test_save import Live, needs_tshark, read, saver_at, segments, tshark

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
    left = annotate(source, copy, {1: "one", 2: "two", 3: "three", 5: "five", 99: "none"}, ["all", "of it"])
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
    assert annotate(source, copy, {1: "one"}) == ()
    assert copy.read_bytes()[16:24] == b"\xff" * 8


@needs_tshark
def test_tshark_reads_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    saver = saver_at(path, comments=["there before"])
    Live(segments(4)).into(saver, {1: "old"})
    saver.close()
    assert annotate(path, path, {2: "new — ü", 4: "last"}, ["s" * LARGEST_COMMENT, "more"]) == ()
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
    assert annotate(source, copy, {1: "one", 2: "two"}) == (2,)
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
    assert annotate(source, copy, {1: "one"}) == (1,)
    assert copy.read_bytes() == source.read_bytes()


def test_what_is_no_pcapng(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.pcap", tmp_path / "b.pcapng"
    source.write_bytes(wire.pcap([(1, FRAME)]))
    with pytest.raises(CaptureError, match="no pcapng"):
        annotate(source, copy, {})
    with pytest.raises(CaptureError, match="cannot be opened"):
        annotate(tmp_path / "none", copy, {})
    assert not copy.exists()


def test_a_failure_leaves_the_destination_alone(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    copy.write_bytes(b"precious")
    with pytest.raises(ValueError, match="60001 bytes"):
        annotate(source, copy, {}, ["x" * (LARGEST_COMMENT + 1)])
    assert copy.read_bytes() == b"precious"
    with pytest.raises(SaveError, match="No such file"):
        annotate(source, tmp_path / "no" / "b.pcapng", {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.pcapng", "b.pcapng"]


def test_unpaired_surrogates_are_no_error(tmp_path: Path) -> None:
    source = tmp_path / "a.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    assert annotate(source, source, {1: os.fsdecode(b"\xff")}) == ()


def test_a_pipe_of_both(tmp_path: Path) -> None:
    """Commenting twice keeps the first comments."""
    source, copy = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(b"".join(_mixed("<")))
    annotate(source, copy, {1: "one"}, ["s1"])
    shutil.copy(copy, source)
    annotate(source, copy, {1: "again"}, ["s2"])
    data = copy.read_bytes()
    assert all(wire.option(1, text) in data for text in (b"one", b"again", b"s1", b"s2"))
