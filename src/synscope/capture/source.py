"""The protocols of sources: of a capture's bytes, and of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from synscope.engine.batch import Batch
from synscope.model import CaptureFile, Cut


class ByteSource(Protocol):
    """Bytes of a capture in order: a file, a decompressed file, a pipe."""

    @property
    def live(self) -> bool:
        """Whether bytes come as somebody sends them (a pipe), not from a file."""
        ...

    def ready(self, seconds: float) -> bool:
        """Wait at most so long; return whether reading would not block now, as far as that can be told."""
        ...

    def readinto(self, room: memoryview) -> int:
        """Fill ``room`` with what is there; return how many bytes, 0 at the end.

        Blocks only while there is nothing at all, so that a live pipe is followed as it goes.
        """
        ...

    @property
    def damage(self) -> str | None:
        """Why the bytes ended before their end, e.g. a cut compressed stream; ``None`` when they did not."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


class FrameSource(Protocol):
    """The frames of a capture in batches; what it says of them is complete once they are all read."""

    frames: int
    odd_times: dict[int, int]

    @property
    def rooms(self) -> int:
        """How many batches there are before the first is used again."""
        ...

    def batches(self) -> Iterator[tuple[bytearray, Batch]]:
        """Yield a buffer and a batch of frames in it; both stay as they are until ``rooms`` - 1 more are asked for.

        Raises ``CaptureError`` when there is nothing that can be read.
        """
        ...

    @property
    def format(self) -> str:
        """Name of the file format."""
        ...

    @property
    def linktypes(self) -> tuple[str, ...]:
        """Names of the link types, in order of appearance."""
        ...

    @property
    def cut(self) -> Cut | None:
        """Where the capture ends early."""
        ...

    @property
    def snapped(self) -> int:
        """Frames that are stored only in part."""
        ...

    @property
    def dropped(self) -> int | None:
        """Frames the capturing program says it lost, where it says so."""
        ...

    @property
    def files(self) -> tuple[CaptureFile, ...]:
        """The files in order of time, where several are read as one."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
