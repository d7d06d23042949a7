"""Reordering: any interleaving of the two sides keeps the label, where the frames suffice for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import wire
from tests.engine import reorderings, stories
from tests.engine.reorderings import KEPT, LOST, interleavings, is_one_attempt, order_of
from tests.engine.stories import Story
from tests.follow import follow
from tests.story import CLIENT, frames

BY_NAME = {story.name: story for story in stories.ALL}


def _labels(told: list[tuple[int, bytes]]) -> list[str]:
    return [str(attempt.label) for attempt in follow(wire.pcap(told)).attempts]


def _expected(story: Story) -> list[str]:
    return [text.split()[0] for text in story.expected]


def test_every_story_has_its_place() -> None:
    named = [name for reason in LOST for name in reason.names]
    assert len(named) == len(set(named))
    assert all(is_one_attempt(BY_NAME[name]) for name in named)
    assert len(KEPT) + len(named) == sum(map(is_one_attempt, stories.ALL))
    assert len(KEPT) > 50


@given(st.data())
def test_interleaving_the_sides_keeps_the_label(data: st.DataObject) -> None:
    """In any order, anywhere in sequence space, whether time stamps go back or not."""
    story = data.draw(st.sampled_from(KEPT))
    order = data.draw(st.sampled_from(list(interleavings(story))))
    isns = data.draw(st.sampled_from([(1_000_000, 5_000_000), (0xFFFFFFFF, 0xFFFFFFFC), (0x80000000, 0)]))
    told = frames(story.text, isns=isns)
    moved = [told[place] for place in order]
    if data.draw(st.booleans()):
        moved = [(ts, frame) for (ts, _), (_, frame) in zip(told, moved, strict=True)]
    assert _labels(moved) == _expected(story)


@pytest.mark.parametrize("story", KEPT, ids=lambda story: story.name)
def test_every_interleaving_keeps_label_and_direction(story: Story) -> None:
    told = frames(story.text)
    crossing = any(text.startswith("S S ") or text == "S S" for text in reorderings.segments(story))
    for order in interleavings(story):
        (attempt,) = follow(wire.pcap([told[place] for place in order])).attempts
        assert attempt.label == _expected(story)[0]
        if attempt.syn_count and not crossing:
            assert (attempt.client.address, attempt.client.port) == CLIENT


@pytest.mark.parametrize("name", [name for reason in LOST for name in reason.names])
def test_what_is_called_lost_is_lost(name: str) -> None:
    """Some order changes the label, so that the list of exceptions cannot grow stale."""
    story = BY_NAME[name]
    told = frames(story.text)
    assert any(
        _labels([told[place] for place in order]) != _expected(story) for order in interleavings(story)
    )


@pytest.mark.parametrize("reason", LOST, ids=lambda reason: reason.example[0])
def test_example_changes_the_label(reason: reorderings.Reason) -> None:
    name, order = reason.example
    assert name in reason.names
    story = BY_NAME[name]
    places = order_of(story, order)
    assert tuple(places) in set(interleavings(story))
    told = frames(story.text)
    assert _labels([told[place] for place in places]) != _expected(story)
