"""The table of the page: a row an attempt, the newest of each label.

Input: attempts as they stand, and as they settle. Output: rows as JSON values; text that others chose is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from synscope.model import Attempt, Label, Outcome
from synscope.report.escape import visible
from synscope.report.wording import OUTCOME_TEXTS

KEPT: Final = 100
"""Rows of each label; the page keeps as many."""

Json = dict[str, str | int | bool | None]

_NS_PER_MS: Final = 1_000_000


class AttemptRow(NamedTuple):
    """One attempt as it is shown."""

    id: int
    ms: int
    """When it began, in milliseconds since the epoch."""
    client: str
    server: str
    label: Label
    outcome: Outcome
    settled: bool
    """Whether no more of it is to come."""
    process: str | None
    """Who made it, where that is known."""

    def json(self) -> Json:
        """Return the row as the page takes it."""
        return {**self._asdict(), "text": OUTCOME_TEXTS[self.outcome]}


def attempt_row(attempt: Attempt, *, settled: bool, process: str | None) -> AttemptRow:
    """Return the row of an attempt. ``process`` is what it calls itself, unescaped."""
    return AttemptRow(
        id=attempt.id,
        ms=attempt.first_ts_ns // _NS_PER_MS,
        client=visible(str(attempt.client)),
        server=visible(str(attempt.server)),
        label=attempt.label,
        outcome=attempt.outcome,
        settled=settled,
        process=None if process is None else visible(process),
    )


def newest_of_each_label(rows: Iterable[AttemptRow], kept: int = KEPT) -> dict[int, AttemptRow]:
    """Return the newest rows of each label by their attempt's number, newest first."""
    room = dict.fromkeys(Label, kept)
    found: dict[int, AttemptRow] = {}
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        if room[row.label]:
            room[row.label] -= 1
            found[row.id] = row
    return found


def changed(before: Mapping[int, AttemptRow], after: Mapping[int, AttemptRow]) -> list[AttemptRow]:
    """Return the rows that are new or not what they were, oldest first."""
    return [row for row in [*after.values()][::-1] if before.get(row.id) != row]
