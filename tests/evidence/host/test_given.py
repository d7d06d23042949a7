"""Snapshots that somebody hands in: order, what they say, and whose word it is."""

from __future__ import annotations

from synscope.evidence.host.given import in_order, notes_on, observe_given
from synscope.model import Answer, Label, TargetSummary
from synscope.probes.host.given import GivenSnapshot
from synscope.targets import parse
from tests.evidence.host.builders import NOW, PORT, listener, snapshot

SUMMARY = TargetSummary(parse(str(PORT)), Label.CLIENT_NEVER_SENT, {}, ())


def test_order_of_time() -> None:
    late, early = GivenSnapshot("late", snapshot()), GivenSnapshot("early", snapshot(taken_ns=NOW - 1))
    assert in_order([late, early]) == (early, late)


def test_answers_say_whose_word_they_are() -> None:
    found = {
        observation.name: observation
        for observation in observe_given(SUMMARY, [GivenSnapshot("host.json", snapshot(listener()))])
    }
    assert found["listener-on-target"].answer is Answer.YES
    assert found["listener-on-target"].text.endswith("(says host.json)")
    unknown = [observation for observation in found.values() if observation.answer is Answer.UNKNOWN]
    assert unknown
    assert not any("host.json" in observation.text for observation in unknown)


def test_nothing_without_a_snapshot() -> None:
    assert observe_given(SUMMARY, []) == []
    assert notes_on([], 0, 1) == ()


def test_a_port_that_was_not_looked_at_is_not_answered() -> None:
    found = {
        observation.name: observation
        for observation in observe_given(SUMMARY, [GivenSnapshot("h", snapshot(ports=(1,)))])
    }
    assert found["listener-on-target"].answer is Answer.UNKNOWN


def test_a_capture_without_times() -> None:
    (note,) = notes_on([GivenSnapshot("h", snapshot(privileged=False))], None, None)
    assert "at a time that cannot be compared" in note
    assert "without root's rights" in note
