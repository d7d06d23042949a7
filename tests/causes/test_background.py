"""The measured rates of answers."""

from __future__ import annotations

from synscope.causes.background import COUNTS, LABELS, rate
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Label


def test_rows_are_counts_of_known_questions() -> None:
    assert set(COUNTS) <= set(QUESTIONS)
    for row in COUNTS.values():
        assert len(row) == 2 + 2 * len(LABELS)
        for at in (0, 1):
            assert row[at] >= sum(row[2 + at :: 2])


def test_rates_leave_room_on_both_sides() -> None:
    for name in QUESTIONS:
        for label in Label:
            assert 0 < rate(name, label) < 1


def test_a_question_that_was_never_asked_counts_as_rare() -> None:
    assert rate("no-such-question", Label.SYN_RST) == min(rate(name, Label.SYN_RST) for name in COUNTS)


def test_rates_are_those_of_the_label() -> None:
    assert rate("refused-by-rst", Label.SYN_RST) > 0.8
    assert rate("refused-by-rst", Label.COMPLETED) < 0.2
