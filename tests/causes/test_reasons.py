"""Why a finding has its place, in a sentence."""

from __future__ import annotations

from synscope.causes.cause import Sign
from synscope.causes.rank import place
from synscope.causes.reasons import contradicted, evidence_of
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Facts, Label
from tests.causes.builders import facts

NO_LISTENER = "listener-on-target listener-on-other-address listener-on-other-family"


def why(known: Facts) -> dict[str, str]:
    return {each.candidate.cause.slug: each.reason for each in place(known)}


def test_the_certain_one_quotes_its_proof() -> None:
    told = why(facts(Label.SYN_RST, "refused-by-rst kernel-says-no-socket", NO_LISTENER))
    assert told["service-not-running"].startswith("Nothing else explains it: ")
    assert "kernel-says-no-socket: yes" in told["service-not-running"]


def test_a_runner_up_says_what_is_missing() -> None:
    told = why(facts(Label.SYN_RST, "refused-by-rst"))
    assert told["crashed-before-bind"].startswith("Can be the reason behind SYN101; nothing here shows that ")
    assert QUESTIONS["program-crashed"].meaning in told["crashed-before-bind"]


def test_two_that_are_true_as_well() -> None:
    told = why(
        facts(
            Label.SYN_RST,
            "refused-by-rst kernel-says-no-socket listener-on-other-family",
            "listener-on-target listener-on-other-address",
        )
    )
    assert told["service-not-running"].startswith("True as well; SYN105 is the reason")


def test_what_is_left_out_has_its_reason() -> None:
    known = facts(Label.SYN_RST, "refused-by-rst rst-looks-like-kernel")
    left_out = [each for each in place(known) if not each.is_named]
    assert left_out
    assert {each.reason for each in left_out} == {"Far less probable than SYN101."}


def test_a_denial_is_evidence_too() -> None:
    known = facts(Label.SYN_RST, no="listener-on-target").observations
    assert evidence_of(Sign("listener-on-target", Answer.NO), known).text == "listener-on-target: no"


def test_what_two_questions_say_in_the_same_words_is_quoted_once() -> None:
    known = facts(Label.COMPLETED, "service-error service-full").observations
    same = {name: each._replace(text="the server said “no”") for name, each in known.items()}
    assert contradicted([Sign(name) for name in same], same) == "Ruled out: the server said “no”."
