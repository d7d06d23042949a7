"""The files: who gives way to whom, and that a name shows a whole file or none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from synscope.capture.write.storage import Files, reason, write


def test_a_rotation_counts(tmp_path: Path) -> None:
    files = Files(tmp_path / "a.b.pcapng", b"head", rotated=True)
    files.check()
    for number in (1, 2):
        path, descriptor = files.begin()
        os.close(descriptor)
        assert path == tmp_path / f"a.b_0000{number}.pcapng"
        assert path.read_bytes() == b"head"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_earlier_rotation_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a_00007.pcapng").touch()
    with pytest.raises(FileExistsError):
        Files(tmp_path / "a.pcapng", rotated=True).check()
    Files(tmp_path / "a.pcapng").check()
    Files(tmp_path / "a.pcapng", rotated=True, replace=True).check()


@pytest.mark.parametrize("made", ["folder", "fifo"])
def test_only_files_give_way(tmp_path: Path, made: str) -> None:
    path = tmp_path / "a"
    path.mkdir() if made == "folder" else os.mkfifo(path)
    files = Files(path, replace=True)
    for what in (files.check, files.begin):
        with pytest.raises(OSError, match="no ordinary file"):
            what()
    with pytest.raises(FileExistsError):
        Files(path).check()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("path", ["/", "no/such/folder/a", "file/a"])
def test_where_no_file_can_be(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"names no file|No such file|Not a directory"):
        Files(tmp_path / path).check()


def test_a_copy_takes_the_place(tmp_path: Path) -> None:
    files = Files(tmp_path / "a", b"old")
    os.close(files.begin()[1])
    with pytest.raises(FileNotFoundError):
        files.commit()
    descriptor = files.copy()
    with pytest.raises(FileExistsError):
        files.copy()
    write(descriptor, b"new")
    os.close(descriptor)
    assert (tmp_path / "a").read_bytes() == b"old"
    files.commit()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert len(list(tmp_path.iterdir())) == 1


def test_a_copy_is_given_up(tmp_path: Path) -> None:
    files = Files(tmp_path / "a", b"old")
    os.close(files.begin()[1])
    os.close(files.copy())
    files.discard()
    files.discard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_reasons_are_for_people() -> None:
    assert "--force" in reason(FileExistsError(17, "File exists"))
    assert reason(PermissionError(13, "Permission denied")) == "cannot be written: Permission denied"
