"""The decorator that makes a question and its observer one thing, and the collection of a room."""

from __future__ import annotations

from types import ModuleType

import pytest

from synscope.evidence.question import (
    Asked,
    Reply,
    Says,
    collected,
    no,
    question,
    question_of,
    second_observer,
    unknown,
    yes,
)
from synscope.model import Answer, Observation, Source, Stage


@question("is-even", Source.PACKETS, "the number is even", stage=Stage.NUMBER, if_yes=Says.PASSED)
def is_even(number: int) -> Reply:
    return no("odd") if number % 2 else yes("even", [3])


@second_observer(is_even, Source.HOST)
def looks_even(_: int) -> Reply:
    return unknown("it was not looked at")


def test_the_function_stays_what_it_was() -> None:
    assert is_even(3) == Reply(Answer.NO, "odd")


def test_a_question_knows_its_function() -> None:
    asked = question_of(is_even)
    assert (asked.name, asked.stage, asked.if_yes, asked.if_no) == (
        "is-even",
        Stage.NUMBER,
        Says.PASSED,
        None,
    )
    assert asked.observed(is_even(4)) == Observation("is-even", Answer.YES, Source.PACKETS, "even", (3,))


def test_a_second_observer_answers_the_same_question_from_elsewhere() -> None:
    asked = question_of(looks_even)
    assert (asked.name, asked.source, asked.is_second, asked.direct) == ("is-even", Source.HOST, True, False)
    assert looks_even(4).answer is Answer.UNKNOWN


def test_a_function_without_a_question() -> None:
    with pytest.raises(AttributeError):
        question_of(test_the_function_stays_what_it_was)


def test_only_a_modules_own_questions_are_collected_in_their_order() -> None:
    module = ModuleType(__name__)
    other = ModuleType("other")
    for name, value in (("looks_even", looks_even), ("is_even", is_even), ("number", 7)):
        setattr(module, name, value)
        setattr(other, name, value)
    assert collected(module) == (
        Asked(question_of(looks_even), looks_even),
        Asked(question_of(is_even), is_even),
    )
    assert collected(other, module, other) == collected(module)
