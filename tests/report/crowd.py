"""Very many attempts, counted as the engine counts them."""

from __future__ import annotations

from array import array
from dataclasses import replace

from synscope.engine import layout
from synscope.engine.moments import Moments
from synscope.engine.outcome import OUTCOME_RULES
from synscope.model import Diagnosis, Label, Outcome

from .samples import MS, SECOND, START, answered, diagnosis, refused, target, unanswered

_PORT = 8080
_WAYS = (Outcome.CLOSED, Outcome.REFUSED, Outcome.UNANSWERED)


def moments_of(times: list[tuple[int, Outcome]]) -> Moments:
    """What the tracker would have counted of attempts to one port."""
    outcomes = {rule.outcome: at for at, rule in enumerate(OUTCOME_RULES)}
    words = array("I", bytes(4 * layout.WORDS * len(times)))
    longs = array("Q", bytes(8 * layout.LONGS * len(times)))
    for at, (ts_ns, outcome) in enumerate(times):
        words[at * layout.WORDS + layout.PORTS] = _PORT
        words[at * layout.WORDS + layout.OUTCOME] = outcomes[outcome]
        longs[at * layout.LONGS + layout.TS_FIRST] = ts_ns
    moments = Moments([_PORT])
    moments.add(words, longs, array("I", range(len(times))))
    return moments


def crowded(number: int) -> tuple[Diagnosis, Moments]:
    """So many attempts within a minute; one in a thousand is refused, one in ten thousand not answered."""
    each = 60 * SECOND // number
    moments = moments_of([(START + n * each, _way(n)) for n in range(number)])
    one = target(
        *(answered(9 * n, port=_PORT) for n in range(1, 9)),
        refused(900, port=_PORT),
        unanswered(901, port=_PORT),
    )
    counts = {way: sum(_way(n) is way for n in range(number)) for way in _WAYS}
    last = START + 60 * SECOND - MS
    groups = [replace(group, count=counts[group.outcome], last_ts_ns=last) for group in one.summary.groups]
    labels = {group.label: group.count for group in groups}
    summary = one.summary._replace(groups=tuple(groups), counts=labels, label=Label.COMPLETED)
    return diagnosis(one._replace(facts=one.facts._replace(summary=summary))), moments


def _way(n: int) -> Outcome:
    if n % 10_000 == 5:
        return Outcome.UNANSWERED
    return Outcome.REFUSED if n % 1000 == 7 else Outcome.CLOSED
