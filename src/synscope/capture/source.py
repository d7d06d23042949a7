"""The protocol every source of capture bytes obeys."""

from __future__ import annotations

from typing import Protocol


class ByteSource(Protocol):
    """Bytes of a capture in order: a file, a decompressed file, a pipe."""

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
