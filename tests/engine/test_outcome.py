"""The rule table: complete, unambiguous, reachable, and the same compiled."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.engine import fold, layout
from synscope.engine.outcome import BIT, EVENTS, OUTCOME_RULES, OutcomeRule, classify, events_of, rule_columns
from synscope.model import Label, Outcome
from tests.engine import stories
from tests.story import told

masks = st.integers(0, (1 << len(EVENTS)) - 1)


def test_every_outcome_has_exactly_one_rule() -> None:
    """Neither an outcome nobody can get, nor one with two meanings."""
    assert sorted(rule.outcome for rule in OUTCOME_RULES) == sorted(Outcome)


def test_every_label_of_an_attempt_has_a_rule() -> None:
    """Client-never-sent is said of targets, not of attempts."""
    assert {rule.label for rule in OUTCOME_RULES} == set(Label) - {Label.CLIENT_NEVER_SENT}


def test_only_the_last_rule_is_unconditional() -> None:
    """So one always holds, and none is hidden behind it."""
    free = [rule for rule in OUTCOME_RULES if not (rule.needs or rule.any_of or rule.unless)]
    assert free == [OUTCOME_RULES[-1]]


def test_event_names_are_unique_and_fit_a_word() -> None:
    """An event is a bit of a 32-bit mask."""
    names = [name for name, _ in EVENTS]
    assert len(set(names)) == len(names) <= 32
    assert all(meaning for _, meaning in EVENTS)


def test_rules_name_known_events() -> None:
    """A misspelt event would never hold."""
    for rule in OUTCOME_RULES:
        assert set(rule.needs + rule.any_of + rule.unless) <= set(BIT)
        assert not set(rule.needs) & set(rule.unless)
        assert rule.meaning


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_story(outcome: Outcome) -> None:
    """Each rule is reached by frames, not only by masks."""
    wanted = [story for story in stories.ALL if any(text.split()[1] == outcome for text in story.expected)]
    assert wanted
    assert any(attempt.outcome is outcome for attempt in told(wanted[0].text))


@pytest.mark.parametrize("event", [name for name, _ in EVENTS if name != "self-connect"])
def test_every_event_is_shown_by_a_story(event: str) -> None:
    """No event is only a word."""
    assert any(event in attempt.events for story in stories.ALL for attempt in told(story.text))


@pytest.mark.parametrize("rule", OUTCOME_RULES, ids=lambda rule: rule.outcome)
def test_the_least_that_a_rule_needs_is_enough(rule: OutcomeRule) -> None:
    """No earlier rule takes exactly what this one needs."""
    mask = sum(BIT[name] for name in {*rule.needs, *rule.any_of[:1]})
    if rule.outcome in {Outcome.SERVER_SILENT, Outcome.STILL_OPEN, Outcome.ANSWERED, Outcome.CLOSED}:
        mask |= BIT["client-data"]
    if rule.outcome in {Outcome.STILL_OPEN, Outcome.ANSWERED, Outcome.CLOSED}:
        mask |= BIT["server-data"]
    if rule.outcome is Outcome.ANSWERED:
        mask |= BIT["client-fin"]
    assert classify(mask) is rule


@given(st.lists(masks, min_size=1, max_size=50))
def test_compiled_evaluation_agrees(some: list[int]) -> None:
    """``fold.name_outcomes`` finds the rule that ``classify`` finds."""
    table = array("I", bytes(4 * layout.WORDS * len(some)))
    for row, mask in enumerate(some):
        table[row * layout.WORDS + layout.EVENTS] = mask
    fold.name_outcomes(table, array("I", range(len(some))), len(some), *rule_columns())
    found = [table[row * layout.WORDS + layout.OUTCOME] for row in range(len(some))]
    assert [OUTCOME_RULES[place] for place in found] == [classify(mask) for mask in some]


@given(masks)
def test_events_of_a_mask(mask: int) -> None:
    """Names and bits say the same."""
    assert sum(BIT[name] for name in events_of(mask)) == mask


@given(masks)
def test_completed_means_both_sides_acknowledged(mask: int) -> None:
    """The label completed is given if and only if each SYN was acknowledged."""
    both = BIT["server-acks"] | BIT["client-acks"]
    assert (classify(mask).label is Label.COMPLETED) == (mask & both == both)


@given(masks)
def test_no_failure_without_a_syn(mask: int) -> None:
    """Who sent no SYN was refused nothing."""
    failing = {Label.SYN_RST, Label.SYN_NO_REPLY, Label.ODD_REPLY, Label.HALF_OPEN}
    assert classify(mask).label not in failing or mask & BIT["client-syn"]
