"""Runs captures that tests make through the reader and the engine, and keeps what comes out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from synscope.capture.read.ahead import read_ahead
from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import ByteSource, CaptureError
from synscope.engine.batch import Batch
from synscope.engine.follower import Follower
from synscope.engine.tracker import BUDGET
from synscope.model import Attempt, AttemptGroup

FIXTURES = Path(__file__).parent.parent / "fixtures"


class Bytes:
    """A ``ByteSource`` over bytes that hands out at most the given sizes, then all that is left."""

    def __init__(self, data: bytes, pieces: tuple[int, ...] = (), damage: str | None = None) -> None:
        self._left = memoryview(data)
        self._pieces = list(pieces)
        self._damage = damage

    @property
    def damage(self) -> str | None:
        """The damage it was told to report, once all bytes are handed out."""
        return None if self._left else self._damage

    live = False

    def ready(self, seconds: float) -> bool:
        """There is nothing to wait for."""
        del seconds
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill some of ``buffer``."""
        most = self._pieces.pop(0) if self._pieces else len(buffer)
        size = min(max(most, 1), len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        """There is nothing to close."""


@dataclass
class Run:
    """One capture followed to its end. Attempts are in the order in which they began."""

    reader: CaptureReader
    follower: Follower
    attempts: list[Attempt] = field(default_factory=list)
    groups: tuple[AttemptGroup, ...] = ()
    error: CaptureError | None = None
    times: list[int] = field(default_factory=list)
    """Time stamp of each frame as the batches carried it."""

    @property
    def facts(self) -> list[Attempt]:
        """The attempts, ready to be compared with another run's."""
        return self.attempts


def follow(
    source: ByteSource | bytes,
    *,
    budget: int = BUDGET,
    name: str = "test.pcap",
    seed: int = 0,
    buffers: int = 1,
) -> Run:
    """Follow a capture as the program does; keep a ``CaptureError`` instead of raising it.

    With ``buffers``, it is read and decoded ahead in a thread.
    """
    if isinstance(source, bytes):
        source = Bytes(source)
    reader = CaptureReader(source, name, buffers=buffers)
    kept: list[Attempt] = []
    follower = Follower(seed=seed, budget=budget, on_attempt=kept.append)
    follower.tracker.odd_times = reader.odd_times
    run = Run(reader, follower, kept)
    try:
        for data, batch in _decoded(reader, follower):
            run.times.extend(batch.ts_ns[: batch.count])
            follower.track(data, batch)
    except CaptureError as error:
        run.error = error
    run.groups = follower.tracker.finish()
    return run


def _decoded(reader: CaptureReader, follower: Follower) -> Iterator[tuple[bytearray, Batch]]:
    if reader.buffers > 1:
        yield from read_ahead(reader.batches(), follower.decode, reader.buffers)
        return
    for data, batch in reader.batches():
        follower.decode(data, batch)
        yield data, batch


def follow_file(path: Path | str) -> Run:
    """Follow a capture file, through its compression."""
    with contextlib.closing(open_source(str(path))) as source:
        return follow(source, name=str(path))


def unpacked(path: Path) -> bytes:
    """All (decompressed) bytes of a capture file."""
    buffer = bytearray(1 << 20)
    found = b""
    with contextlib.closing(open_source(str(path))) as source, memoryview(buffer) as view:
        while size := source.readinto(view):
            found += view[:size]
    return found
