"""Several files as one capture: order of time, overlap, damage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.analysis import analyze
from synscope.capture.read.fileset import FileSet
from synscope.capture.source import CaptureError
from synscope.model import Attempt, Diagnosis
from tests import wire
from tests.story import frames
from tests.wire import pcap

STORY = [
    frame
    for turn in range(40)
    for frame in frames(
        "C S | S SA | C A | C PA len=90 | S PA len=70 | C FA | S FA | C A",
        client=("10.0.0.1", 41000 + turn),
        start=wire.START + turn * 1_000_000_000,
    )
]


def _write(folder: Path, parts: dict[str, list[tuple[int, bytes]]]) -> list[str]:
    for name, part in parts.items():
        (folder / name).write_bytes(pcap(part))
    return [str(folder / name) for name in parts]


def _analyse(files: list[str]) -> tuple[list[Attempt], Diagnosis]:
    attempts: list[Attempt] = []
    return attempts, analyze("set", files=files, on_attempt=attempts.append)


def _whole(folder: Path) -> list[Attempt]:
    return _analyse(_write(folder, {"whole.pcap": STORY}))[0]


def test_an_attempt_that_crosses_files_is_one(tmp_path: Path) -> None:
    """A wrapped ring buffer: the newest frames are in the file that sorts first."""
    parts = {"x.pcap": STORY[211:], "x.pcap1": STORY[:3], "x.pcap2": STORY[3:211]}
    attempts, diagnosis = _analyse(_write(tmp_path, parts))
    assert attempts == _whole(tmp_path)
    files = diagnosis.health.files
    assert [Path(file.path).name for file in files] == ["x.pcap1", "x.pcap2", "x.pcap"]
    assert [(file.first_frame, file.frames) for file in files] == [(1, 3), (4, 208), (212, len(STORY) - 211)]
    assert diagnosis.health.notes == ()


@given(choice=st.lists(st.integers(0, 3), min_size=len(STORY), max_size=len(STORY)))
def test_files_that_overlap_are_merged(choice: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Frames dealt to files in any way give what the whole gives."""
    folder = tmp_path_factory.mktemp("set")
    dealt = {
        f"{name}.pcap": [frame for frame, place in zip(STORY, choice, strict=True) if place == name]
        for name in range(4)
    }
    attempts, diagnosis = _analyse(_write(folder, dealt))
    assert attempts == _whole(folder)
    assert diagnosis.health.frames == len(STORY)
    assert sum(file.frames for file in diagnosis.health.files) == len(STORY)


def test_overlap_is_noted(tmp_path: Path) -> None:
    """For frame numbers then lead back to no single file."""
    _, diagnosis = _analyse(_write(tmp_path, {"a": STORY[::2], "b": STORY[1::2]}))
    assert any("overlap" in note for note in diagnosis.health.notes)


def test_large_files_that_overlap(tmp_path: Path) -> None:
    """More than a batch of each: whole batches, parts of them and single frames in turn."""
    stamps = [*range(3000), *range(3000, 9000, 2), *range(12000, 12500)]
    others = [*range(3001, 9001, 2), *range(9001, 12000)]
    parts = {"a": [(stamp, b"a" * 20) for stamp in stamps], "b": [(stamp, b"b" * 20) for stamp in others]}
    fileset = FileSet("set", _write(tmp_path, parts))
    seen = [
        (batch.ts_ns[row], bytes(data[batch.at[row] : batch.at[row] + batch.caplen[row]]))
        for data, batch in fileset.batches()
        for row in range(batch.count)
    ]
    assert seen == sorted(parts["a"] + parts["b"])
    assert fileset.frames == len(seen)


def test_damage_in_one_file_loses_no_other(tmp_path: Path) -> None:
    """A cut, an empty file, one without frames and one that is not there."""
    first, second, empty, hollow = _write(tmp_path, {"1": STORY[:9], "2": STORY[9:], "3": [], "4": []})
    Path(first).write_bytes(Path(first).read_bytes()[:-5])
    Path(hollow).write_bytes(b"")
    missing = str(tmp_path / "5")
    attempts, diagnosis = _analyse([missing, hollow, second, empty, first])
    assert len(attempts) == 40
    health = diagnosis.health
    assert [file.path for file in health.files] == [first, second, missing, hollow, empty]
    assert (health.frames, health.truncated, health.cut) == (len(STORY) - 1, True, None)
    assert health.files[0].cut is not None
    assert (health.files[0].cut.frame, health.files[3].error) == (8, "is empty")
    assert [note.split()[0] for note in health.notes] == [first, missing, hollow]


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    """Is an error, as for one file."""
    missing = [str(tmp_path / name) for name in "ab"]
    with pytest.raises(CaptureError, match="none of the 2 files can be read"):
        list(FileSet("set", missing).batches())
    assert _analyse(missing)[1].health.error is not None


def test_times_outside_the_calendar_keep_their_frames(tmp_path: Path) -> None:
    """Frame numbers of the set, not of the file."""
    resolution = wire.option(9, b"\x00")
    odd = wire.section() + wire.interface(options=resolution) + wire.enhanced(1 << 62, STORY[0][1])
    (tmp_path / "odd").write_bytes(odd)
    fileset = FileSet("set", [str(tmp_path / "odd"), *_write(tmp_path, {"plain": STORY[:5]})])
    list(fileset.batches())
    place = next(file.first_frame for file in fileset.files if file.path.endswith("odd"))
    assert fileset.odd_times == {place: (1 << 62) * 10**9}


def test_comments_of_all_files_in_order_of_time(tmp_path: Path) -> None:
    """Each once, though the beginning of every file is read twice."""
    for name, ts_ns in (("b", 1), ("a", 2), ("c", None)):
        comments = wire.option(1, name.encode()) + wire.option(1, b"x") * 40
        frame = b"" if ts_ns is None else wire.enhanced(ts_ns, bytes(60))
        (tmp_path / name).write_bytes(wire.section("<", comments) + wire.interface() + frame)
    fileset = FileSet("set", [str(tmp_path / name) for name in ("a", "b", "c")])
    assert sum(batch.count for _, batch in fileset.batches()) == 2
    assert [text for text in fileset.comments if text != "x"] == ["c", "b"]
    assert len(fileset.comments) == 64
