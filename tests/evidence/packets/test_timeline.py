"""Failures and successes in their order."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Outcome
from tests.evidence.builders import (
    ASKED,
    LOCAL,
    LOCAL_REFUSED,
    MS,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    times,
)

SITUATIONS = [
    Situation(
        "refused, then up",
        (attempt(REFUSED), attempt(REFUSED, at=SECOND), attempt(Outcome.CLOSED, at=2 * SECOND)),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "success-after-failures"},
    ),
    Situation(
        "up, then refused",
        (attempt(Outcome.CLOSED), attempt(REFUSED, at=SECOND)),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "failures-after-success"},
    ),
    Situation(
        "every other one refused",
        (
            attempt(REFUSED),
            attempt(Outcome.CLOSED, at=1),
            attempt(REFUSED, at=2),
            attempt(Outcome.CLOSED, at=3),
        ),
        (LOCAL_REFUSED - {"always-refused"}) | {"some-completed", "mixed-results"},
    ),
    Situation(
        "accept queue",
        (
            attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=1)),
            attempt(Outcome.SILENT, at=MS),
            attempt(Outcome.UNANSWERED, at=2 * MS, syn_count=3),
        ),
        LOCAL
        | {"some-completed", "failures-after-success", "many-completed-before-silence", "syn-unanswered"}
        | {"syn-repeated", "server-silent", "request-acknowledged", "refused-address-is-ipv4-only"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_order_says_nothing_across_addresses() -> None:
    found = observe(attempt(REFUSED, server="127.0.0.2"), attempt(Outcome.CLOSED, at=SECOND))
    assert found["success-after-failures"].answer is Answer.UNKNOWN
    assert found["other-address-completed"].answer is Answer.YES


def test_equal_times_are_ordered_by_frame() -> None:
    found = observe(attempt(REFUSED, frame=1), attempt(Outcome.CLOSED, frame=5))
    assert found["success-after-failures"].answer is Answer.YES
