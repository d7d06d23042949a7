"""When attempts began: counts in bins of time, for a timeline of every attempt in memory that does not grow.

Input: rows of the tracker's tables, as they are settled. Output: how many attempts began in each bin, by outcome,
and the first few attempts as objects. There are ``BINS`` bins; whenever an attempt lies beside all of them they
double in width, so that at least half of them are in use from the earliest to the latest attempt.

Invariants: every attempt to the ports asked for is counted exactly once; the result does not depend on the order
in which attempts are settled, but for which of them are kept as objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from synscope.engine import fold, layout
from synscope.engine.outcome import OUTCOME_RULES
from synscope.model import Attempt, Label, Outcome

BINS: Final = 256
KEPT: Final = 128
"""Attempts kept as objects: as many as can be shown one by one."""

_COLUMNS: Final = 2 * len(OUTCOME_RULES)
"""A column an outcome, and one for those of its attempts that recovered."""
_FINEST: Final = 10
"""The first bins are 2**10 ns wide."""
_PORTS: Final = 1 << 16


class Bin(NamedTuple):
    """How many attempts began within a span of time and ended one way."""

    first_ts_ns: int
    label: Label
    outcome: Outcome
    recovered: bool
    number: int


class Moments:
    """Counts attempts to ``ports``, to all of them where none is given."""

    def __init__(self, ports: Iterable[int] = ()) -> None:
        wanted = frozenset(ports)
        self._ports = array("I", [not wanted or port in wanted for port in range(_PORTS)])
        self._counts = array("I", bytes(4 * BINS * _COLUMNS))
        self._state = array("Q", bytes(8 * layout.MOMENT_LONGS))
        self._state[layout.M_SHIFT] = _FINEST
        self.kept: list[Attempt] = []
        """The first ``KEPT`` attempts that were settled."""

    @property
    def total(self) -> int:
        """How many attempts were counted."""
        return self._state[layout.M_TOTAL]

    @property
    def first_ts_ns(self) -> int:
        """When the earliest of them began; 0 without any."""
        return self._state[layout.M_EARLIEST]

    @property
    def last_ts_ns(self) -> int:
        """When the latest of them began; 0 without any."""
        return self._state[layout.M_LATEST]

    @property
    def width_ns(self) -> int:
        """How long a bin is."""
        return 1 << self._state[layout.M_SHIFT]

    def add(self, rows: array[int], longs: array[int], chosen: array[int]) -> list[int]:
        """Count the chosen rows, whose outcomes are named; return those to be kept as objects."""
        wanted = array("I", bytes(4 * (KEPT - len(self.kept))))
        self._state[layout.M_WANTED] = 0
        at = 0
        while at < len(chosen):
            at = fold.count_moments(
                rows, longs, chosen, at, len(chosen), self._ports, self._counts, BINS, len(OUTCOME_RULES),
                self._state, wanted,
            )  # fmt: skip
            if at < len(chosen):
                self._make_room(self._state[layout.M_BESIDE])
        return [*wanted[: self._state[layout.M_WANTED]]]

    def bins(self) -> Iterator[Bin]:
        """Yield what was counted, in order of time, without what is zero."""
        first = self._state[layout.M_FIRST]
        for place in range(BINS):
            for column in range(_COLUMNS):
                number = self._counts[column * BINS + place]
                if number:
                    rule = OUTCOME_RULES[column % len(OUTCOME_RULES)]
                    begins = (first + place) << self._state[layout.M_SHIFT]
                    yield Bin(begins, rule.label, rule.outcome, column >= len(OUTCOME_RULES), number)

    def _make_room(self, ts_ns: int) -> None:
        """Move the bins, and double them until they hold ``ts_ns`` as well.

        What is there comes to lie in their middle: however times come in turn, bins are moved a few times only
        before they are doubled again.
        """
        state = self._state
        if not self.total:
            state[layout.M_FIRST] = ts_ns >> state[layout.M_SHIFT]
            return
        low, high = min(ts_ns, self.first_ts_ns), max(ts_ns, self.last_ts_ns)
        before, old = state[layout.M_SHIFT], state[layout.M_FIRST]
        shift = before
        while (high >> shift) - (low >> shift) >= BINS:
            shift += 1
        spare = BINS - 1 - ((high >> shift) - (low >> shift))
        first = max(0, (low >> shift) - spare // 2)
        counts = array("I", bytes(4 * BINS * _COLUMNS))
        for at, number in enumerate(self._counts):
            if number:
                column, place = divmod(at, BINS)
                counts[column * BINS + ((old + place) >> (shift - before)) - first] += number
        self._counts = counts
        state[layout.M_SHIFT], state[layout.M_FIRST] = shift, first
