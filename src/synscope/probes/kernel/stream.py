"""The text of one instance as it comes, within a bound of events a second.

Input: the two descriptors of an instance. Output: events, one after the other; how many were lost or not understood.
Above the bound the instance's events are switched off, for everybody's sake; what was lost counts to it, and so do
lines that tell nothing, by the reader's clock. Needs no privilege.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from synscope.probes.kernel.lines import lost_in

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_CHUNK: Final = 1 << 16
_READS: Final = 256
"""Reads in one go, so that a flood cannot keep the caller."""
_LONGEST_LINE: Final = 4096
_SECOND: Final = 1_000_000_000


class Stream:
    """Owns the two descriptors until ``close``."""

    def __init__(
        self, pipe: int, switch: int, understood: Callable[[str], Event | None], most_a_second: int
    ) -> None:
        """``understood`` makes an event of a line, ``None`` of a useless one; ``ValueError`` is for nonsense."""
        self.pipe = pipe
        self._switch = switch
        self._understood = understood
        self._most_a_second = most_a_second
        self._second, self._in_second = -1, 0
        self._last_ts_ns: int | None = None
        self._window_s, self._idle = time.monotonic(), 0
        self._tail = b""
        self.lost = 0
        """Events the kernel overwrote before they were read."""
        self.unread = 0
        """Lines that were not understood."""
        self.switched_off: str | None = None
        """Why it was switched off early."""
        self.off_ts_ns: int | None = None
        """When it was."""

    def read(self, timeout_s: float = 0.0) -> Iterator[Event]:
        """Yield what has come, waiting up to ``timeout_s`` seconds for the first of it."""
        if self.pipe < 0 or not select.select([self.pipe], [], [], timeout_s)[0]:
            return
        for _ in range(_READS):
            data = self._chunk()
            if not data:
                return
            # Once switched off, what is left is thrown away: a readable pipe would keep its reader awake.
            if self.switched_off is None:
                yield from self._events(data)

    def close(self) -> None:
        """Close the descriptors; switch the events off and read the rest before. May be called again."""
        if self.pipe >= 0:
            os.close(self.pipe)
            os.close(self._switch)
            self.pipe = self._switch = -1

    def turn_off(self) -> None:
        """Switch the events off."""
        # The instance may be gone already.
        with contextlib.suppress(OSError):
            os.write(self._switch, b"0")

    def _chunk(self) -> bytes:
        try:
            return os.read(self.pipe, _CHUNK)
        except BlockingIOError:
            return b""

    def _events(self, data: bytes) -> Iterator[Event]:
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[-_LONGEST_LINE:]
        for line in lines:
            if self.switched_off is not None:
                return
            event = self._event(line.decode("utf-8", "replace"))
            if event is not None:
                self._guard(event.ts_ns)
                yield event

    def _event(self, line: str) -> Event | None:
        if lost := lost_in(line):
            self.lost += lost
            # What came too fast to be read came in this second too.
            self._count(lost, self._last_ts_ns)
            return None
        try:
            event = self._understood(line)
        except ValueError:
            self.unread += bool(line.strip())
            event = None
        if event is None:
            self._told_nothing()
        return event

    def _guard(self, ts_ns: int) -> None:
        self._last_ts_ns = ts_ns
        second = ts_ns // _SECOND
        if second != self._second:
            self._second, self._in_second = second, 0
        self._count(1, ts_ns)

    def _told_nothing(self) -> None:
        now_s = time.monotonic()
        if now_s - self._window_s >= 1:
            self._window_s, self._idle = now_s, 0
        self._idle += 1
        if self._idle > self._most_a_second:
            self._stop(self._last_ts_ns)

    def _count(self, events: int, ts_ns: int | None) -> None:
        self._in_second += events
        if self._in_second > self._most_a_second:
            self._stop(ts_ns)

    def _stop(self, ts_ns: int | None) -> None:
        self.turn_off()
        self.switched_off = f"switched off above {self._most_a_second:,} events/s"
        self.off_ts_ns = ts_ns
