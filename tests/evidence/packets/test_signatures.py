"""Who signs the SYN, and who gets an answer."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.observe import observe_packets
from synscope.model import Answer, Outcome
from tests.evidence.builders import ANSWERED, LOCAL, SECOND, Situation, attempt, check, observe, summary

SIGNED = frozenset({"syn-signed"})
SILENT = LOCAL | {"syn-unanswered", "refused-address-is-ipv4-only"}
BARE = attempt(Outcome.UNANSWERED)
KEYED = attempt(Outcome.UNANSWERED, events=SIGNED)
INSIDE = attempt(Outcome.CLOSED, at=-SECOND, events=ANSWERED | SIGNED)
OPEN = attempt(Outcome.CLOSED, at=-SECOND, events=ANSWERED)

SITUATIONS = [
    Situation("the client signs, and gets no answer", (KEYED,), SILENT | {"syn-is-signed"}),
    Situation(
        "another client signs, and gets in",
        (BARE, INSIDE),
        SILENT | {"some-completed", "failures-after-success", "others-sign-their-syn"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    "attempts",
    [
        (BARE,),
        (KEYED, INSIDE),
        # Others get in without one, or at another address, or sign in vain as well.
        (BARE, OPEN),
        (BARE, INSIDE, OPEN),
        (BARE, KEYED),
    ],
)
def test_a_signature_that_explains_nothing(attempts: tuple[object, ...]) -> None:
    assert observe(*attempts)["others-sign-their-syn"].answer is Answer.NO  # type: ignore[arg-type]


def test_a_key_belongs_to_an_address() -> None:
    elsewhere = attempt(Outcome.CLOSED, client="127.0.0.9", events=ANSWERED | SIGNED)
    assert observe(BARE, elsewhere)["others-sign-their-syn"].answer is Answer.UNKNOWN
    assert observe(BARE, OPEN, elsewhere)["others-sign-their-syn"].answer is Answer.NO


def test_the_frames_are_one_of_each() -> None:
    found = {
        each.name: each
        for each in observe_packets(
            summary(BARE, INSIDE._replace(frames=BARE.frames._replace(syn=7))), (), end_ts_ns=None
        )
    }
    told = found["others-sign-their-syn"]
    assert told.frames == (1, 7)
    assert (
        told.text == "1 attempt with a TCP signature in the SYN got an answer, "
        "and 1 attempt without one, from the same address, got none"
    )
