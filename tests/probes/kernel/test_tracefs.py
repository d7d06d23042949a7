"""tracefs is found where it is mounted, or mounted where nobody sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synscope.probes.kernel.tracefs import TracefsError, open_root


def test_a_mounted_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    root = open_root((str(tmp_path / "none"), str(tmp_path)))
    assert os.path.samestat(os.fstat(root), tmp_path.stat())
    os.close(root)


@pytest.mark.usefixtures("trace")
def test_one_of_our_own_is_seen_by_nobody(tmp_path: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    root = open_root((str(tmp_path),))  # an empty mount point is none
    os.stat("events/skb/kfree_skb/format", dir_fd=root)
    os.close(root)
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.mark.usefixtures("trace")
def test_without_the_right_it_is_an_error() -> None:
    child = os.fork()
    if not child:
        os.setuid(65533)
        try:
            open_root(())
        except TracefsError as error:
            os._exit(0 if "tracefs is not mounted and could not be" in str(error.strerror) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_error_is_an_os_error() -> None:
    with pytest.raises(OSError, match="none"):
        raise TracefsError(19, "none")
