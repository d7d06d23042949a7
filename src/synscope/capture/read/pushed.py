"""Bytes of a capture that somebody pushes, in pieces of any size, as a ``ByteSource``.

Input: pieces (``push``), then the end (``end``). Output: the same bytes in order. ``readinto`` raises ``Starved``
while there is nothing to read and the end has not come; ``Reader.batches`` can be called again afterwards.

Invariant: at most one piece is held, and only while it is read.
"""

from __future__ import annotations


class Starved(Exception):  # noqa: N818 - no error: more may come
    """There is nothing to read for now."""


class PushedBytes:
    """The pieces as a source."""

    live = False
    damage: str | None = None

    def __init__(self) -> None:
        self._piece = memoryview(b"")
        self._ended = False

    def push(self, piece: bytes | bytearray | memoryview) -> None:
        """Offer the next bytes, in place of what was not read of the last ones."""
        self._piece = memoryview(piece).cast("B")

    def drop(self) -> None:
        """Let go of the piece, which its owner may want to change."""
        self._piece = memoryview(b"")

    def end(self) -> None:
        """There will be no further bytes."""
        self._ended = True

    def ready(self, seconds: float) -> bool:  # noqa: ARG002 - there is nobody to wait for
        """Whether reading would not block: it never does."""
        return True

    def readinto(self, room: memoryview) -> int:
        """Fill ``room`` with what is there; 0 at the end. Raises ``Starved``."""
        size = min(len(self._piece), len(room))
        if not size and not self._ended:
            raise Starved
        room[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def close(self) -> None:
        """Let go of the piece."""
        self.drop()
