"""Compressed files are unpacked ahead of the reader, in a thread that is not left behind."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from synscope.capture.read import compressed
from synscope.capture.read.byte_sources import open_source
from synscope.capture.source import ByteSource

DATA = os.urandom(1 << 16) * 128
"""More than may wait for the reader."""


class _Failing:
    """A file that fails in its middle, as a disk does."""

    live = False
    damage = None

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.closed = False

    def ready(self, _seconds: float) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._data:
            raise OSError(5, "Input/output error")
        size = min(len(buffer), len(self._data))
        buffer[:size] = self._data[:size]
        self._data = self._data[size:]
        return size

    def close(self) -> None:
        self.closed = True


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "synscope-unpack"]


@pytest.fixture
def packed(tmp_path: Path) -> str:
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(DATA, 1))
    return str(path)


def _read_all(source: ByteSource, found: bytearray) -> None:
    with memoryview(bytearray(1 << 19)) as buffer:
        while size := source.readinto(buffer):
            found += buffer[:size]


def _wait_until_full() -> None:
    """Give the thread time to fill all places and to wait for one."""
    time.sleep(0.2)


def test_closing_ends_the_thread_wherever_it_is(packed: str) -> None:
    for pause in (False, True):
        source = open_source(packed)
        assert _threads() == []
        with memoryview(bytearray(100)) as buffer:
            assert source.readinto(buffer) == 100
        assert _threads() == ["synscope-unpack"]
        if pause:
            _wait_until_full()
        source.close()
        assert _threads() == []


def test_nothing_more_comes_after_closing(packed: str) -> None:
    source = open_source(packed)
    with memoryview(bytearray(1 << 20)) as buffer:
        assert source.readinto(buffer)
        source.close()
        source.close()
        assert source.readinto(buffer) == 0


def test_only_so_much_is_unpacked_ahead(packed: str) -> None:
    told: list[int] = []
    with contextlib.closing(open_source(packed, told.append)) as source:
        with memoryview(bytearray(1)) as buffer:
            source.readinto(buffer)
        _wait_until_full()
        ahead = (compressed.PIECES_AHEAD + 2) * max(compressed.UNPACKED, compressed.PIECE)
        assert 0 < sum(told) < min(ahead, Path(packed).stat().st_size)


def test_what_came_before_a_failure_is_delivered() -> None:
    inner = _Failing(gzip.compress(DATA, 1)[:-1000])
    found = bytearray()
    with contextlib.closing(compressed.unpack(inner, "gzip", compressed.gzip)) as source:
        with pytest.raises(OSError, match="Input/output"):
            _read_all(source, found)
        assert DATA.startswith(found)
        assert len(DATA) - (1 << 18) < len(found) < len(DATA)
    assert inner.closed
    assert _threads() == []


def test_damage_is_told_after_everything_before_it(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(DATA, 1) + b"garbage")
    found = 0
    with contextlib.closing(open_source(str(path))) as source, memoryview(bytearray(1 << 16)) as buffer:
        while size := source.readinto(buffer):
            assert source.damage is None
            found += size
        assert found == len(DATA)
        assert source.damage is not None


_READ = """
import sys
from synscope.capture.read.byte_sources import open_source
source = open_source(sys.argv[1])
buffer = memoryview(bytearray(100))
source.readinto(buffer)
print("reading", flush=True)
"""


def test_a_source_nobody_closed_does_not_keep_the_program(packed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ, packed], capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == ("reading\n", "")


_READ_ON = (
    _READ
    + """
import contextlib
with contextlib.closing(source):
    while True:
        source.readinto(buffer)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_the_reading(packed: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _READ_ON, packed], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        try:
            process.send_signal(signal.SIGINT)
            assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode in {1, -signal.SIGINT, 130}
