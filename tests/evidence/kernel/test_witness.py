"""The summary for reports."""

from __future__ import annotations

from dataclasses import replace

from synscope.evidence.kernel.witness import notes, sum_up
from synscope.model import Outcome, Target
from synscope.probes.kernel.events import Kind, TraceHealth
from tests.evidence.builders import SECOND, group
from tests.evidence.kernel.events import OURS, WHOLE, attempt, connect, listener

TARGET = Target("localhost:62893", 62893, "localhost")


def test_who_tried_and_who_listened() -> None:
    groups = [group(attempt(Outcome.REFUSED, frame=7), attempt(Outcome.REFUSED, frame=9, at=SECOND))]
    found = sum_up(TARGET, groups, [connect(), listener(SECOND, Kind.LISTEN)], WHOLE)
    assert found.processes == {7: OURS}
    assert found.listeners == (
        "server (300) began to listen on 127.0.0.1:62893, 1 s after the first attempt and 0 s before the last",
    )
    assert found.notes == ()


def test_what_was_not_seen() -> None:
    assert notes(TraceHealth(error="no tracefs")) == ("no kernel trace: no tracefs",)
    holes = replace(
        WHOLE, lost=2, switched_off="switched off above 9 events/s", missing={"skb/kfree_skb": "no reasons"}
    )
    assert notes(holes) == (
        "the trace lost 2 events; the trace was switched off above 9 events/s",
        "skb/kfree_skb is not traced: no reasons",
    )
