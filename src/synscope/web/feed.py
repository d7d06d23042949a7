"""Makes the page's events of what the capture sees: exact counts, and the newest rows.

Input: every attempt as it settles, and now and then the state of the capture. Output: events in a ``Log``. All of
it is called by the thread that captures, and each call is short: a settled attempt goes into a bounded queue, and
``publish``, called ``EVERY_S`` apart, makes the events. Counts are of all attempts; rows are a sample where
more settle between two events than the queues hold, and then the event says how many were never shown.
"""

from __future__ import annotations

import enum
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from synscope.model import FAILURES, Attempt, Canary, Diagnosis, Label
from synscope.reference.systems import interface_text
from synscope.report.escape import visible
from synscope.report.html.palette import PAINTS
from synscope.session.live_analysis import LiveAnalysis, label_counts
from synscope.web.attempt_table import KEPT, AttemptRow, attempt_row, changed, newest_of_each_label
from synscope.web.log import Log

EVERY_S: Final = 0.25
"""Seconds between two events."""
NEWEST: Final = 50
"""Attempts that are not settled yet looked at for an event."""
WAITING: Final = 25
"""Settled attempts of each label that one event tells of."""
_CANARY_S: Final = 4.0
"""Seconds until the canary has settled: before that, not seen means not yet."""

_LABELS: Final = [
    {"label": label.value, "name": paint.name, "shape": paint.shape, "failure": label in FAILURES}
    for label, paint in PAINTS.items()
    if label is not Label.CLIENT_NEVER_SENT
]
"""What an attempt can be called, and how it looks."""

Makers = Callable[[Sequence[Attempt]], Mapping[int, object]]


class Phase(enum.StrEnum):
    """How far the capture is."""

    CAPTURING = "capturing"
    ENDING = "ending"
    """It has stopped, and the report is being made."""
    OVER = "over"


class Now(NamedTuple):
    """The capture at one moment."""

    newest: Sequence[Attempt]
    counts: Mapping[Label, int]
    health: Mapping[str, str | int | float | None]


def now(analysis: LiveAnalysis) -> Now:
    """Return how a capture stands."""
    ring = analysis.ring
    canary, why = analysis.self_test_result()
    pending = canary is Canary.NOT_SEEN and analysis.elapsed < _CANARY_S
    return Now(
        newest=analysis.newest(NEWEST),
        counts=label_counts(analysis.counts()),
        health={
            "elapsed_s": round(analysis.elapsed, 1),
            "frames": analysis.frames,
            "lost": ring.dropped,
            "ring": round(ring.use, 3),
            "fullest": round(ring.fullest, 3),
            "trouble": analysis.trouble or None,
            "canary": "not seen yet" if pending else canary.value,
            "why": "" if pending else visible(why),
        },
    )


def ended(analysis: LiveAnalysis, diagnosis: Diagnosis) -> Now:
    """Return how a capture stands that has ended: its canary is decided."""
    last, live = now(analysis), diagnosis.health.live
    if live is None:
        return last
    canary = {
        "canary": live.canary.value,
        "why": visible(live.canary_text),
        "fullest": round(live.ring_use, 3),
    }
    return last._replace(health={**last.health, **canary, "lost": diagnosis.health.dropped})


class Feed:
    """What one capture tells its page."""

    def __init__(self, log: Log, targets: Sequence[str]) -> None:
        """``targets`` are as the user wrote them."""
        self._log = log
        self._targets = [visible(text) for text in targets]
        self._waiting: dict[Label, deque[Attempt]] = {label: deque(maxlen=WAITING) for label in Label}
        self._rows: dict[int, AttemptRow] = {}
        self._never_shown = 0

    def settled(self, attempt: Attempt) -> None:
        """Take an attempt of which nothing more is to come."""
        waiting = self._waiting[attempt.label]
        if len(waiting) == WAITING and waiting[0].id not in self._rows:
            self._never_shown += 1
        waiting.append(attempt)

    def publish(
        self,
        state: Now,
        interface: str,
        makers: Makers,
        phase: Phase = Phase.CAPTURING,
        report: str | None = None,
    ) -> None:
        """Make an event of what is new. ``makers`` names who made attempts; ``report`` is the report's page."""
        before, self._rows = self._rows, self._merged(state.newest, makers)
        rows = self._rows
        about: dict[str, object] = {
            "counts": {label.value: number for label, number in state.counts.items()},
            "never_shown": self._never_shown,
            "health": dict(state.health),
            "phase": phase.value,
            "report": report,
        }
        fixed = {
            "targets": self._targets,
            "interface": visible(interface_text(interface)),
            "labels": _LABELS,
            "kept": KEPT,
        }
        self._log.add(
            "update",
            _json({**about, "rows": [row.json() for row in changed(before, rows)]}),
            lambda: _json({**fixed, **about, "rows": [row.json() for row in reversed(rows.values())]}),
            last=phase is Phase.OVER,
        )

    def _merged(self, newest: Sequence[Attempt], makers: Makers) -> dict[int, AttemptRow]:
        settled = [attempt for waiting in self._waiting.values() for attempt in waiting]
        over = {attempt.id for attempt in settled}
        attempts = [*newest, *settled]
        known = makers([attempt for attempt in attempts if self._process(attempt) is None])
        found = dict(self._rows)
        for attempt in attempts:
            maker = known.get(attempt.id)
            process = self._process(attempt) if maker is None else str(maker)
            found[attempt.id] = attempt_row(attempt, settled=attempt.id in over, process=process)
        for waiting in self._waiting.values():
            waiting.clear()
        return newest_of_each_label(found.values())

    def _process(self, attempt: Attempt) -> str | None:
        shown = self._rows.get(attempt.id)
        return None if shown is None else shown.process


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
