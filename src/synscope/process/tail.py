"""The last lines of a stream, in bounded memory.

Input: pieces of bytes as they come. Output: the last lines as text. A line that never ends, or a progress meter
that rewrites itself with carriage returns, costs no more than its last few hundred bytes.
"""

from __future__ import annotations

from typing import Final

LINES: Final = 40
_KEPT: Final = 16_384
_LONGEST: Final = 1_000


class Tail:
    """Keeps the end of what it is fed."""

    def __init__(self) -> None:
        self._end = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._end = (self._end + piece)[-_KEPT:]

    def lines(self) -> tuple[str, ...]:
        """Return at most the last ``LINES`` lines that say something, each cut to 1,000 characters.

        Bytes that are no UTF-8 become replacement characters; control characters stay: whoever shows the lines
        escapes them.
        """
        text = self._end.decode(errors="replace").replace("\r", "\n")
        said = [line.rstrip()[:_LONGEST] for line in text.split("\n") if line.strip()]
        return tuple(said[-LINES:])
