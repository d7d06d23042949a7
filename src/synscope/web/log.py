"""The newest events of a page, numbered from 1, for any number of readers at their own pace.

Input: events as they are made, each a name and JSON. Output: for a reader at a number, the next event in the form of
server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Invariants: nothing is kept for a reader but its number, so neither slow ones nor many of them cost memory or hold
the capture up. A reader that fell behind what is kept is told how many events it missed, and gets the whole
state instead; so does one that is new. One thread adds, one reads for all readers.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

KEPT: Final = 40
"""Events: some ten seconds."""


class NextEvent(NamedTuple):
    """What a reader gets next, and the number it is at then."""

    data: bytes
    at: int


class Log:
    """The events of one capture."""

    def __init__(self, kept: int = KEPT) -> None:
        """Keep so many."""
        self._lock = threading.Lock()
        self._kept: deque[bytes] = deque(maxlen=kept)
        self._last = 0
        self._over = False
        self._whole: Callable[[], str] = lambda: "{}"
        self._made: tuple[int, bytes] = (0, b"")
        self._woken: Callable[[], None] = lambda: None

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return self._last

    @property
    def over(self) -> bool:
        """Whether no event follows."""
        return self._over

    def wake(self, woken: Callable[[], None]) -> None:
        """Call ``woken`` after each event, in the thread that adds."""
        self._woken = woken

    def add(self, name: str, json: str, whole: Callable[[], str], *, last: bool = False) -> None:
        """Add an event. ``whole`` makes the state after it; it is called, perhaps much later, by who reads."""
        with self._lock:
            self._last += 1
            self._kept.append(_event(name, json, self._last))
            self._whole = whole
            self._over = last
        self._woken()

    def next(self, at: int | None) -> NextEvent | None:
        """Return what follows ``at`` (``None``: a new reader), or ``None`` when nothing does by now."""
        with self._lock:
            last, whole = self._last, self._whole
            first = last - len(self._kept) + 1
            if at is not None and first <= at + 1 <= last:
                return NextEvent(self._kept[at + 1 - first], at + 1)
        if at == last:
            return None
        skipped = last - at if at is not None and at < last else 0
        notice = _event("skipped", str(skipped), last) if skipped else b""
        if self._made[0] != last:  # a hundred readers may come at once
            self._made = (last, _event("whole", whole(), last))
        return NextEvent(notice + self._made[1], last)


def _event(name: str, json: str, number: int) -> bytes:
    # JSON has no line break, and nothing that is not ASCII.
    return f"event: {name}\nid: {number}\ndata: {json}\n\n".encode("ascii")
