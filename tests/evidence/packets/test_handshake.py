"""Attempts that end alike, counted and named."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Outcome
from tests.evidence.builders import (
    LOCAL,
    LOCAL_REFUSED,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    times,
)

SITUATIONS = [
    Situation("nothing", (), {"no-syn-to-target"}),
    Situation("refused", (attempt(REFUSED),), LOCAL_REFUSED),
    Situation(
        "unanswered",
        (attempt(Outcome.UNANSWERED, syn_count=4, times=times(last_syn=3 * SECOND)),),
        LOCAL | {"syn-unanswered", "syn-repeated", "refused-address-is-ipv4-only"},
    ),
    Situation(
        "half-open",
        (attempt(Outcome.SERVER_GAVE_UP, syn_ack_count=5),),
        LOCAL | {"half-open", "refused-address-is-ipv4-only"},
    ),
    Situation(
        "odd reply", (attempt(Outcome.CHALLENGE_ACK),), LOCAL | {"odd-reply", "refused-address-is-ipv4-only"}
    ),
    Situation(
        "a port scanner",
        (attempt(Outcome.CLIENT_RESET),),
        LOCAL | {"half-open", "reset-by-client", "client-refused-syn-ack", "refused-address-is-ipv4-only"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_one_sided_hides_the_whole() -> None:
    found = observe(attempt(Outcome.CLOSED), attempt(Outcome.CLIENT_SIDE_ONLY, at=1))
    assert found["always-completed"].answer is Answer.UNKNOWN


def test_texts_quote_numbers_and_frames() -> None:
    refused = attempt(REFUSED, frame=7, times=times(answer=49_000))
    found = observe(refused)["refused-by-rst"]
    assert found.text == "the SYN of 1 attempt was answered by an RST, 49 µs after it"
    assert found.frames == (7, 8)


@pytest.mark.parametrize(
    ("outcome", "word"), [(Outcome.UNANSWERED, "syn-unanswered"), (REFUSED, "refused-by-rst")]
)
def test_a_recovered_failure_does_not_count(outcome: Outcome, word: str) -> None:
    found = observe(attempt(outcome, server="::1", recovered=True), attempt(Outcome.CLOSED))
    assert found[word].answer is Answer.NO
    assert "reached the port at another address" in found[word].text
