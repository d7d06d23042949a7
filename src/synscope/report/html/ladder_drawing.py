"""The ladder of one attempt as a drawing: two lines, an arrow a frame, gaps to scale or marked as broken.

Input: an ``Attempt``. Output: places in a drawing ``WIDTH`` wide, and the same as words. The shortest gap that is
known sets the scale. A gap so long that it would not fit is drawn shorter and broken, with its length beside it; a
gap whose length is not known is dotted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from synscope.model import Attempt, Label
from synscope.report import display_filter, ladder
from synscope.report.ladder import Rung
from synscope.report.wording import process_lines
from synscope.units import duration

WIDTH: Final = 400
_TOP: Final = 52
_STEP: Final = 44
_LONGEST: Final = 3 * _STEP
_BROKEN: Final = 64
_LETTERS: Final = 27
"""How many letters fit between the two lines."""


_PARTIAL: Final = frozenset({Label.MID_STREAM, Label.ONE_SIDED})
_ROOMY: Final = 70
"""How long a gap is drawn that has room for its length in words."""


class Step(NamedTuple):
    """One frame: where its arrow is, and what is written at it."""

    y: int
    rung: Rung
    what: str
    remark: str
    when: str
    """Since the first frame."""
    since: str
    """Since the frame before."""


class Gap(NamedTuple):
    """The two lines between one arrow and the next."""

    top: int
    bottom: int
    kind: str
    """``scale``, ``broken`` or ``unknown``."""
    text: str = ""
    """How long it is, where there is room to say so."""

    @property
    def middle(self) -> int:
        """Where it is broken."""
        return (self.top + self.bottom) // 2


class LadderDrawing(NamedTuple):
    """The drawing, and what else is said of the attempt."""

    attempt: Attempt
    steps: tuple[Step, ...]
    gaps: tuple[Gap, ...]
    closing: str
    height: int
    alternative: str
    """The drawing in one sentence."""
    filter: str
    processes: tuple[str, ...] = ()
    """Which processes were at its ends, a line for each that is known."""

    @property
    def is_missing(self) -> bool:
        """Whether what did not come is an answer that others waited for, and no part of the capture."""
        return bool(self.closing) and self.attempt.label not in _PARTIAL

    @property
    def is_broken(self) -> bool:
        """Whether any gap is drawn shorter than it is."""
        return any(gap.kind == "broken" for gap in self.gaps)

    @property
    def has_unknown(self) -> bool:
        """Whether any gap's length is not known."""
        return any(gap.kind == "unknown" for gap in self.gaps)


def drawn(attempt: Attempt) -> LadderDrawing:
    """Return the drawing of ``attempt``."""
    rungs = ladder.rungs(attempt)
    times = [_after(attempt, rung) for rung in rungs]
    pauses = _pauses(times)
    gaps = tuple(_gaps(pauses))
    places = [_TOP, *(gap.bottom for gap in gaps)][: len(rungs)]
    closing = ladder.closing(attempt)
    steps = tuple(
        _step(y, rung, after, pause)
        for y, rung, after, pause in zip(places, rungs, times, [None, *pauses][: len(rungs)], strict=True)
    )
    last = places[-1] if places else _TOP - _STEP // 2
    return LadderDrawing(
        attempt,
        steps,
        gaps,
        closing,
        last + (58 if closing else 24),
        _sentence(steps, closing),
        display_filter.attempt(attempt),
        process_lines(attempt),
    )


def _after(attempt: Attempt, rung: Rung) -> int | None:
    """Return when a frame came; the first of an attempt began it."""
    return 0 if rung.frame == attempt.frames.first else rung.after_ns


def _pauses(times: Sequence[int | None]) -> list[int | None]:
    """Return how long it was from each frame to the next, where both times are known and in order."""
    return [
        None if before is None or after is None or after < before else after - before
        for before, after in itertools.pairwise(times)
    ]


def _gaps(pauses: Sequence[int | None]) -> list[Gap]:
    shortest = min((pause for pause in pauses if pause), default=1)
    found: list[Gap] = []
    y = _TOP
    for pause in pauses:
        length = _STEP if pause is None else max(_STEP, pause * _STEP // shortest)
        kind = "unknown" if pause is None else "broken" if length > _LONGEST else "scale"
        length = _BROKEN if kind == "broken" else length
        roomy = kind == "broken" or length > _ROOMY
        found.append(Gap(y, y + length, kind, duration(pause) if pause is not None and roomy else ""))
        y += length
    return found


def _step(y: int, rung: Rung, after: int | None, pause: int | None) -> Step:
    when = "" if after is None else duration(after) if after < 0 else f"+{duration(after)}" if after else "0"
    since = "" if pause is None else duration(pause)
    return Step(y, rung, _fitting(rung.what), _fitting(rung.remark), when, since)


def _fitting(text: str) -> str:
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"


def _sentence(steps: Sequence[Step], closing: str) -> str:
    said = [
        f"{step.rung.what} from the {'client' if step.rung.from_client else 'server'} in frame {step.rung.frame}"
        + (f" at {step.when}" if step.when else "")
        for step in steps
    ]
    return "; ".join([*said, *([closing] if closing else [])]) or "no key frame"
