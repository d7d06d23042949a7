"""Ranks the recorded answers and counts how often the ranking was right. Pure.

Input: the records of a set. Output: ``Figures`` for each way of looking, and the losses in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from synscope.causes.catalogue import CATALOGUE
from synscope.causes.rank import rank
from synscope.model import Confidence, Kind
from tests.corpus.record import UNLISTED, Recorded, View

TOP: Final = 3
VIEWS: Final = ("live", "packets")
_REFINES: Final = {cause.slug: cause.refines for cause in CATALOGUE}
Answered = tuple[tuple[str, Confidence], ...]
"""Slug and confidence of the failures that are not ruled out, best first."""


class Scored(NamedTuple):
    """A record with what the ranking says of it in one way of looking."""

    record: Recorded
    answered: Answered
    beside: frozenset[str] = frozenset()
    """Slugs of the warnings and notes that are not ruled out."""

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs, best first."""
        return tuple(slug for slug, _ in self.answered)

    @property
    def certain(self) -> tuple[str, ...]:
        """The slugs that are called certain."""
        return tuple(slug for slug, confidence in self.answered if confidence is Confidence.CERTAIN)

    @property
    def is_first(self) -> bool:
        """Whether a right cause leads; where it works, none is named; where it has no name, none is certain."""
        if self.record.cause == UNLISTED:
            return not self.certain
        return (
            self.slugs[0] in self.record.right
            if self.slugs and self.record.cause
            else not (self.slugs or self.record.cause)
        )

    @property
    def is_wrongly_certain(self) -> bool:
        """Whether a cause is called certain that is none of the right ones, nor one that a right one refines.

        That nothing listens is true of a server that could not take its port; it is not why, and does not count as
        first either.
        """
        general = {slug for right in self.record.right for slug in _REFINES.get(right, ())}
        return bool(set(self.certain) - self.record.right - general)


class Figures(NamedTuple):
    """How often the ranking was right."""

    failures: int
    first: int
    three: int
    named: int
    """A right cause is among those named, or by packets alone another that has to stand."""
    whole: int
    """Everything that has to stand does."""
    certain: int
    wrong: int
    """Wrong and certain; a connection that works counts too."""
    most: int
    """The largest number of causes named."""
    median: int
    working: int
    healthy: int
    """Connections that work and are said to."""
    unlisted: int
    """Failures whose reason is none of the catalogue's."""
    open: int
    """Of those: no cause is called certain."""


def scored(records: Iterable[Recorded], view: str) -> list[Scored]:
    """Rank every record that can be looked at in this way."""
    found = []
    for record in records:
        looked: View | None = record.live if view == "live" else record.packets
        if looked is not None:
            standing = [each for each in rank(looked.facts()) if each.confidence is not Confidence.RULED_OUT]
            failures = tuple((each.slug, each.confidence) for each in standing if each.kind is Kind.FAILURE)
            beside = frozenset(each.slug for each in standing if each.kind is not Kind.FAILURE)
            found.append(Scored(record, failures, beside))
    return found


def figures(rows: Sequence[Scored], view: str) -> Figures:
    """Count the right answers."""
    failing = [row for row in rows if row.record.cause not in {"", UNLISTED}]
    unlisted = [row for row in rows if row.record.cause == UNLISTED]
    working = [row for row in rows if not row.record.cause]

    def number(holds: Callable[[Scored], bool]) -> int:
        return sum(map(holds, failing))

    sizes = sorted(len(row.slugs) for row in failing) or [0]
    return Figures(
        failures=len(failing),
        first=number(lambda row: row.is_first),
        three=number(lambda row: bool(row.record.right & set(row.slugs[:TOP]))),
        named=number(lambda row: is_named(row, view)),
        whole=number(lambda row: is_whole(row, view)),
        certain=number(lambda row: bool(row.record.right & set(row.certain))),
        wrong=sum(row.is_wrongly_certain for row in rows),
        most=sizes[-1],
        median=sizes[len(sizes) // 2],
        working=len(working),
        healthy=sum(row.is_first for row in working),
        unlisted=len(unlisted),
        open=sum(row.is_first for row in unlisted),
    )


def is_named(row: Scored, view: str) -> bool:
    """Whether somebody who reads the whole answer finds a right cause in it."""
    right = row.record.right | (set(row.record.standing) if view == "packets" else set())
    return bool(right & {*row.slugs, *row.beside})


def is_whole(row: Scored, view: str) -> bool:
    """Whether all is named that packets alone cannot exclude; live: a right cause."""
    return set(row.record.standing) <= {*row.slugs, *row.beside} if view == "packets" else is_named(row, view)


def words(name: str, view: str, counted: Figures) -> str:
    """Return the figures as a line."""

    def share(number: int, of: int) -> str:
        return f"{number} of {of} ({100 * number / of:.1f} %)" if of else "none"

    return (
        f"{name} {view}: first {share(counted.first, counted.failures)}, "
        f"among the first {TOP} {share(counted.three, counted.failures)}, "
        f"named {share(counted.named, counted.failures)}, with all that has to stand {counted.whole}, "
        f"certain {share(counted.certain, counted.failures)}, "
        f"wrong and certain {counted.wrong}, works {share(counted.healthy, counted.working)}, "
        f"reasons without a name left open {share(counted.open, counted.unlisted)}, "
        f"at most {counted.most} named, {counted.median} in the median"
    )


def losses(rows: Iterable[Scored], view: str) -> Iterable[str]:
    """Yield a line for each record that the ranking gets wrong."""
    for row in rows:
        named = is_whole(row, view) if row.record.cause not in {"", UNLISTED} else row.is_first
        if named and not row.is_wrongly_certain and (row.is_first or view == "packets"):
            continue
        said = ", ".join(f"{slug} ({confidence.value})" for slug, confidence in row.answered[:TOP]) or "works"
        wanted = " or ".join(sorted(row.record.right)) or row.record.cause or "works"
        mark = " WRONG AND CERTAIN" if row.is_wrongly_certain else ""
        yield f"  {row.record.name}: {wanted}; said: {said}{mark}"
