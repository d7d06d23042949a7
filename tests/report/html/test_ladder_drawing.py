"""The drawing of one attempt."""

from __future__ import annotations

import pytest

from synscope.model import Attempt, Frames, Label, Outcome, Times
from synscope.report.html.ladder_drawing import LadderDrawing, drawn
from tests.report.samples import (
    MS,
    START,
    US,
    answered,
    attempt,
    half_open,
    icmp,
    refused,
    silent_server,
    unanswered,
)


def timed(*after: int) -> LadderDrawing:
    """SYN, SYN-ACK, data each way, at these times after the first."""
    found = attempt(
        1,
        Label.COMPLETED,
        Outcome.ANSWERED,
        frames=Frames(1, 1, 2, None, None, None, 3, 4),
        times=Times(START, START, START + after[0], START + after[1], START + after[2]),
    )
    return drawn(found)


def lengths(ladder: LadderDrawing) -> list[int]:
    return [gap.bottom - gap.top for gap in ladder.gaps]


def test_gaps_are_to_scale() -> None:
    ladder = timed(10 * US, 30 * US, 60 * US)
    assert [gap.kind for gap in ladder.gaps] == ["scale"] * 3
    first, second, third = lengths(ladder)
    assert (second, third) == (2 * first, 3 * first)
    assert not ladder.is_broken


def test_long_gaps_are_broken_and_say_how_long_they_are() -> None:
    ladder = timed(10 * US, 20 * US, 5 * MS)
    assert [gap.kind for gap in ladder.gaps] == ["scale", "scale", "broken"]
    assert ladder.gaps[2].text == "5 ms"
    assert ladder.is_broken
    assert lengths(ladder)[2] < 3 * lengths(ladder)[0]


def test_a_time_that_is_not_known_is_dotted() -> None:
    ladder = drawn(answered())
    assert [gap.kind for gap in ladder.gaps][1:3] == ["unknown", "unknown"]
    assert ladder.has_unknown


def test_times_that_run_backwards_are_not_drawn_as_pauses() -> None:
    assert timed(10 * US, 5 * US, 20 * US).gaps[1].kind == "unknown"


@pytest.mark.parametrize("one", [refused(), unanswered(), half_open(), icmp(), answered(), silent_server()])
def test_arrows_go_down_in_frame_order_inside_the_drawing(one: Attempt) -> None:
    ladder = drawn(one)
    places = [step.y for step in ladder.steps]
    assert places == sorted(set(places))
    assert places[-1] < ladder.height
    assert [step.rung.frame for step in ladder.steps] == sorted(step.rung.frame for step in ladder.steps)
    assert all(len(step.what) <= 27 and len(step.remark) <= 27 for step in ladder.steps)
    for step in ladder.steps:
        assert f"frame {step.rung.frame}" in ladder.alternative


def test_what_did_not_come() -> None:
    ladder = drawn(unanswered())
    assert ladder.closing == "no answer"
    assert ladder.is_missing
    assert ladder.alternative == "SYN from the client in frame 1 at 0; no answer"


def test_nothing_is_waited_for_where_the_capture_has_the_gap() -> None:
    one = attempt(1, Label.MID_STREAM, Outcome.MID_STREAM, frames=Frames(7), times=Times(START))
    ladder = drawn(one)
    assert (ladder.steps, ladder.is_missing) == ((), False)
    assert ladder.alternative == "the handshake is not in this capture"
