"""Attempts that end alike, counted and named."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Answer, Endpoint, Frames, Outcome
from tests.evidence.builders import (
    ANSWERED,
    DONE,
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

MUTE: dict[str, Any] = {
    "events": frozenset({"client-acks", "server-acks"}),
    "frames": Frames(first=1, syn=1, syn_ack=2, ack=3),
}
ITSELF = Endpoint("127.0.0.1", 62893)

SITUATIONS = [
    Situation(
        "the client met itself",
        (attempt(Outcome.SILENT)._replace(client=ITSELF),),
        DONE | {"connected-to-itself"},
    ),
    Situation(
        "the SYN-ACK comes again after the ACK",
        (attempt(Outcome.SILENT, syn_ack_count=3, **MUTE),),
        DONE | {"syn-ack-repeated-after-ack"},
    ),
    Situation("it came once", (attempt(Outcome.SILENT, syn_ack_count=1, **MUTE),), DONE),
    Situation(
        "the ACK may have come after the repetition",
        (attempt(Outcome.SILENT, syn_ack_count=2, **{**MUTE, "frames": Frames(1, 1, 2, 4)}),),
        DONE,
    ),
    Situation(
        "the client spoke",
        (attempt(Outcome.STILL_OPEN, syn_ack_count=2, **{**MUTE, "events": ANSWERED | {"client-acks"}}),),
        DONE,
    ),
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


def test_nothing_is_absent_from_a_capture_that_lacks_a_part() -> None:
    cut = "the capture is cut short after frame 1"
    found = observe(missing=cut)
    assert found["capture-incomplete"].answer is Answer.YES
    assert found["no-syn-to-target"].answer is Answer.UNKNOWN
    assert cut in found["no-syn-to-target"].text
    assert observe()["capture-incomplete"].answer is Answer.NO


def test_an_answer_is_missing_only_where_the_capture_went_on_long_enough() -> None:
    unanswered = attempt(Outcome.UNANSWERED)
    assert observe(unanswered, end=0, missing="cut")["syn-unanswered"].answer is Answer.UNKNOWN
    assert observe(unanswered, missing="cut")["syn-unanswered"].answer is Answer.YES
    assert observe(unanswered, end=0)["syn-unanswered"].answer is Answer.YES
