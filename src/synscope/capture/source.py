"""The protocols of sources: of a capture's bytes, and of its frames. And what can be wrong with a capture."""

from __future__ import annotations

import enum
from array import array
from collections import deque
from collections.abc import Iterator
from mmap import mmap
from typing import TYPE_CHECKING, Protocol

from synscope.engine.batch import Batch
from synscope.model import CaptureFile, Cut

if TYPE_CHECKING:
    from synscope.capture.read.process_claims import Claim


class CaptureError(Exception):
    """A capture that cannot be read, or not any further.

    ``capture`` is the path as given, ``offset`` the byte offset in the (decompressed) capture and
    ``frame`` the last whole frame before the damage, 0 when there is none.
    """

    def __init__(self, capture: str, reason: str, *, offset: int = 0, frame: int = 0) -> None:
        super().__init__(f"{capture}: {reason}")
        self.capture = capture
        self.reason = reason
        self.offset = offset
        self.frame = frame


class ByteSource(Protocol):
    """Bytes of a capture in order: a file, a decompressed file, a pipe."""

    @property
    def live(self) -> bool:
        """Whether bytes come as somebody sends them (a pipe), not from a file."""
        ...

    def ready(self, seconds: float) -> bool:
        """Wait at most so long; return whether reading would not block now, as far as that can be told."""
        ...

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with what is there; return how many bytes, 0 at the end.

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
    claims: deque[Claim] | None
    """Where what frames claim about processes goes, in their order: whoever follows the source puts a queue here."""
    comments: list[str]
    """The first comments on the capture as a whole: free text of the program or person that wrote it."""

    @property
    def buffers(self) -> int:
        """How many batches there are before the first is used again."""
        ...

    def batches(self) -> Iterator[tuple[bytearray, Batch]]:
        """Yield a buffer and a batch of frames in it; both stay as they are until ``buffers`` - 1 more are asked for.

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
    def system(self) -> str:
        """``linux``, ``macos`` or ``windows``, where the capture says on which it was made."""
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


class RingState(enum.Enum):
    """Whether the interface of a live capture delivers frames; of several, the loopback interface."""

    CAPTURING = "capturing"
    DOWN = "the interface is down"
    """Capturing goes on once it is up again."""
    GONE = "the interface is gone"


class LiveSource(Protocol):
    """Frames as they come. Closing it keeps its counters."""

    unfilled: array[int]
    """For each frame of the batch: 1 when its TCP checksum was left to the hardware, as far as that is known."""
    ifindex: array[int]
    """For each frame of the batch: the number of its interface, 0 where it is not known."""
    several: bool
    """Whether frames of several interfaces come, so that one may come more than once."""
    loopback: int
    """The number of the loopback interface, 0 where it is not known."""
    state: RingState
    interruptions: int
    """How often the interface went down; of several, the loopback interface."""
    damaged: int
    """Blocks that could not be read to the end."""
    fullest: float
    """The largest share of the buffer that was ever found waiting; 0 where the system does not tell."""

    def batches(self, timeout: float) -> Iterator[tuple[mmap | bytearray, Batch]]:
        """Yield the frames that wait, after waiting at most ``timeout`` seconds for some to come.

        Ends after a while even if more come, so that the caller gets to do other things. Buffer and batch are
        good until the next batch is asked for.
        """
        ...

    @property
    def received(self) -> int:
        """Frames that passed the filter."""
        ...

    @property
    def dropped(self) -> int | None:
        """Frames that passed the filter and were lost; ``None`` where the system does not tell."""
        ...

    @property
    def copies(self) -> int:
        """Second copies of loopback frames that were left out."""
        ...

    @property
    def unknown(self) -> int:
        """Frames left out because their link layer is unknown."""
        ...

    @property
    def snapped(self) -> int:
        """Frames that are kept only in part."""
        ...

    @property
    def use(self) -> float:
        """Share of the buffer that waits to be read, 0 to 1; 0 where the system does not tell."""
        ...

    def interface_name(self, index: int) -> str | None:
        """Return the name of an interface by its number, ``None`` when it is not there."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
