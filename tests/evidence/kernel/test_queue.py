"""A full accept queue: the counter must account for every unanswered SYN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.queue import queue_full
from synscope.model import Answer, Outcome
from synscope.probes.kernel.events import Event
from tests.evidence.builders import group
from tests.evidence.kernel.events import US, WHOLE, attempt, connect, drop, record


@pytest.mark.parametrize(
    ("events", "number", "overflows", "answer"),
    [
        ((), 2, 5, Answer.YES),
        ((), 2, 2, Answer.YES),
        ((), 2, 1, Answer.UNKNOWN),
        ((), 2, 0, Answer.NO),
        ((), 2, None, Answer.UNKNOWN),
        ((connect(), drop(US, "NETFILTER_DROP")), 1, 5, Answer.NO),
        ((connect(), drop(US, "TCP_LISTEN_OVERFLOW")), 1, 0, Answer.YES),
    ],
)
def test_answers(events: tuple[Event, ...], number: int, overflows: int | None, answer: Answer) -> None:
    silent = group(attempt(Outcome.UNANSWERED), count=number)
    found = queue_full([silent], record(*events, health=replace(WHOLE, overflows=overflows)))
    assert found.answer is answer


def test_nothing_unanswered() -> None:
    assert queue_full([], record()).answer is Answer.NO
