"""The file maker makes files in another process, as the invoking user, whatever becomes of the one that parses."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from synscope.capture.write.storage import Files
from synscope.process import privileges
from synscope.process.file_maker import FileMaker
from synscope.process.privileges import Identity
from tests.kernel import SOME_USER, need, need_root, open_to_everybody

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs Unix")

ME = privileges.invoking({})


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def until(what: object) -> None:
    deadline = time.monotonic() + 20
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_files_come_from_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    with FileMaker.start(Files(path, b"head"), ME) as maker:
        assert maker.first == b"head"
        made, descriptor = maker.begin()
        assert made == path
        os.write(descriptor, b" and more")
        copy = maker.copy()
        os.write(copy, b"the copy")
        assert path.read_bytes() == b"head and more"
        maker.commit()
        assert path.read_bytes() == b"the copy"
        os.close(copy)
        os.close(descriptor)
    assert names(tmp_path) == ["a.pcapng"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotation(tmp_path: Path) -> None:
    with FileMaker.start(Files(tmp_path / "a.pcapng", rotated=True), ME) as maker:
        for number in (1, 2, 3):
            path, descriptor = maker.begin()
            os.close(descriptor)
            assert path.name == f"a_0000{number}.pcapng"


def test_what_is_in_the_way_is_found_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        FileMaker.start(Files(tmp_path / "a"), ME)
    with pytest.raises(FileNotFoundError):
        FileMaker.start(Files(tmp_path / "no" / "a"), ME)
    assert names(tmp_path) == ["a"]


def test_an_error_later_is_told(tmp_path: Path) -> None:
    with FileMaker.start(Files(tmp_path / "a"), ME) as maker:
        with pytest.raises(FileNotFoundError, match="no copy"):
            maker.commit()
        (tmp_path / "a").touch()
        with pytest.raises(FileExistsError):
            maker.begin()


def test_a_copy_that_never_took_its_place_goes_with_its_maker(tmp_path: Path) -> None:
    with FileMaker.start(Files(tmp_path / "a"), ME) as maker:
        os.close(maker.begin()[1])
        os.close(maker.copy())
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == ["a"]


def test_it_ends_with_a_killed_parent(tmp_path: Path) -> None:
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            maker = FileMaker.start(Files(tmp_path / "a"), ME)
            maker.begin()
            maker.copy()
            os.write(tell, str(maker._pid).encode())
            signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    maker_pid = int(os.read(told, 20))
    assert len(names(tmp_path)) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: names(tmp_path) == ["a"])
    until(lambda: not _runs(maker_pid))


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return False


def test_a_file_maker_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with FileMaker.start(Files(tmp_path / "a"), ME) as maker:
        os.kill(maker._pid, signal.SIGKILL)
        os.waitpid(maker._pid, 0)
        for ask in (maker.begin, maker.copy):
            with pytest.raises(OSError, match=r"has ended|reset|Broken pipe|refused"):
                ask()


def test_it_holds_nothing_but_its_socket(tmp_path: Path) -> None:
    need(None if Path("/proc/self/fd").exists() else "/proc")
    with (tmp_path / "open").open("w"), FileMaker.start(Files(tmp_path / "a"), ME) as maker:
        held = {str(entry.readlink()) for entry in Path(f"/proc/{maker._pid}/fd").iterdir()}
    assert {name.split(":")[0] for name in held} == {"/dev/null", "socket"}
    assert len([name for name in held if name.startswith("socket")]) == 1


def test_files_belong_to_the_invoker_who_alone_decides_where(tmp_path: Path) -> None:
    need_root()
    user = Identity(SOME_USER, SOME_USER, (), "test")
    open_to_everybody(tmp_path)
    with pytest.raises(PermissionError):
        FileMaker.start(Files(tmp_path / "a"), user)
    os.chown(tmp_path, SOME_USER, SOME_USER)
    with FileMaker.start(Files(tmp_path / "a", replace=True), user) as maker:
        left = privileges.status(maker._pid)
        assert set(left.uids) == {SOME_USER}
        assert left.effective == left.permitted == 0
        _, descriptor = maker.begin()
        copy = maker.copy()
        maker.commit()
        os.close(descriptor)
        os.close(copy)
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (SOME_USER, SOME_USER, 0o600)
