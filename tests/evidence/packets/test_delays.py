"""What worked and took long."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.delays import handshake_took, handshake_words
from synscope.model import Answer, Attempt, Outcome, Stage
from tests.evidence.builders import (
    DONE,
    LOCAL,
    MS,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    times,
)


def late(**fields: object) -> Attempt:
    return attempt(Outcome.CLOSED, **{"syn_ack_count": 1, **fields})


SYN_LOST = late(syn_count=2, times=times(last_syn=SECOND, answer=SECOND + MS))
ANSWER_LOST = late(syn_count=2, syn_ack_count=2, times=times(last_syn=SECOND, answer=MS))
SLOW = late(times=times(last_syn=0, answer=700 * MS))

SITUATIONS = [
    Situation("the first SYN is lost", (SYN_LOST,), DONE | {"handshake-took-long"}),
    Situation("the first answer is lost", (ANSWER_LOST,), DONE | {"answer-took-long"}),
    Situation(
        "a refused SYN is repeated, then another address answers",
        (
            attempt(
                Outcome.REFUSED_REPEATEDLY,
                server="::1",
                recovered=True,
                syn_count=4,
                times=times(last_syn=1500 * MS, answer=0),
            ),
            attempt(Outcome.CLOSED, at=2 * SECOND),
        ),
        LOCAL
        | {"some-completed", "recovered-at-other-address", "detour-took-long", "other-family-completed"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("which", "found", "said"),
    [
        (SYN_LOST, (Stage.IN, SECOND), "after 1 s: the first SYN was thrown away between out and listener"),
        (
            late(syn_count=3, times=times(last_syn=3 * SECOND, answer=3 * SECOND)),
            (Stage.IN, 3 * SECOND),
            "the first 2 SYNs were thrown away",
        ),
        (ANSWER_LOST, (Stage.BACK, SECOND), "the first SYN-ACK was lost on its way to the client"),
        (SLOW, (Stage.IN, 700 * MS), "the SYN-ACK came so long after the SYN"),
        (
            late(syn_ack_count=3, times=times(last_syn=0, answer=MS, client_data=2 * MS)),
            (Stage.BACK, None),
            "sent its SYN-ACK 3 times",
        ),
    ],
)
def test_the_stage_and_the_words(which: Attempt, found: tuple[Stage, int | None], said: str) -> None:
    assert handshake_took(which) == found
    assert said in handshake_words(which)


@pytest.mark.parametrize(
    "which",
    [
        late(times=times(last_syn=0, answer=MS)),
        late(times=times(last_syn=0, answer=499 * MS)),
        late(times=times()),
        # A listener that waits for the first byte repeats its SYN-ACK to a silent client.
        late(syn_ack_count=2, times=times(last_syn=0, answer=MS, client_data=3 * SECOND)),
        late(syn_ack_count=2, times=times(last_syn=0, answer=MS)),
        # The clock went backwards.
        late(syn_count=2, times=times(last_syn=-SECOND, answer=-SECOND)),
    ],
)
def test_what_is_prompt_or_cannot_be_told(which: Attempt) -> None:
    assert handshake_took(which) is None


def test_how_many_of_how_many() -> None:
    found = observe(SYN_LOST, late(at=SECOND, times=times(at=SECOND, last_syn=SECOND, answer=SECOND)))
    text = found["handshake-took-long"].text
    assert text.startswith("at least 1 handshake of 2 took long; the connection worked after 1 s")


def test_a_failure_took_nothing() -> None:
    found = observe(attempt(REFUSED, syn_count=4))
    assert found["handshake-took-long"].answer is Answer.NO
    assert found["detour-took-long"].answer is Answer.NO


def test_a_prompt_second_address_is_no_detour() -> None:
    found = observe(attempt(REFUSED, server="::1", recovered=True), attempt(Outcome.CLOSED, at=MS))
    assert found["detour-took-long"].answer is Answer.NO
