"""When attempts began, drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.engine.moments import BINS
from synscope.model import Diagnosis, Label, Outcome
from synscope.report.html.timeline import Figure, figure, moment
from tests.report.crowd import crowded, moments_of
from tests.report.samples import MS, SAMPLES, SECOND, START, diagnosis, refused, target, unanswered


def drawn(one: Diagnosis) -> Figure:
    found = figure(one, None)
    assert found is not None
    return found


def percent(text: str) -> float:
    return float(text.removesuffix("%"))


def test_a_mark_an_attempt_while_there_are_few() -> None:
    found = drawn(diagnosis(target(*(refused(n, at=n * SECOND) for n in range(3)))))
    (lane,) = found.lanes
    assert (lane.name, lane.number, lane.paint) == ("SYN-RST", 3, "rst")
    assert [percent(mark.x) for mark in lane.marks] == pytest.approx([0, 50, 100], abs=0.1)
    assert [row.cells[:2] for row in found.rows] == [("#0", "+0 s"), ("#1", "+1 s"), ("#2", "+2 s")]
    assert [tick.text for tick in found.ticks] == ["0", "+1 s", "+2 s"]
    assert not found.notes


def test_a_line_reaches_to_the_last_key_frame() -> None:
    found = drawn(diagnosis(target(unanswered(1), unanswered(2))))
    assert {mark.end for lane in found.lanes for mark in lane.marks} == {"100%"}


def test_one_attempt_needs_no_timeline() -> None:
    assert figure(diagnosis(target(refused())), None) is None
    assert figure(SAMPLES["unreadable"], None) is None


def test_marks_at_one_time_lie_below_each_other() -> None:
    found = drawn(diagnosis(target(*(refused(n) for n in range(3)))))
    assert len({mark.y for mark in found.lanes[0].marks}) == 3


def test_a_diagnosis_alone_shows_what_it_knows_and_says_so() -> None:
    found = drawn(SAMPLES["refused-often"])
    assert sum(lane.number for lane in found.lanes) == 1500
    assert [len(lane.bands) for lane in found.lanes] == [1, 1, 1]
    assert "Marks stand for 5 of 1,500 attempts" in found.notes[0]


def test_bars_when_there_are_many() -> None:
    one, moments = crowded(20_000)
    found = figure(one, moments)
    assert found is not None
    assert {lane.label: lane.number for lane in found.lanes} == {
        Label.SYN_NO_REPLY: 2,
        Label.SYN_RST: 20,
        Label.COMPLETED: 19_978,
    }
    assert all(len(lane.bars) <= BINS and not lane.marks for lane in found.lanes)
    completed = found.lanes[-1]
    assert min(bar.height for bar in found.lanes[0].bars) >= 3
    assert max(bar.height for bar in completed.bars) == 30
    assert len(found.rows) <= 49
    assert sum(int(row.cells[3].replace(",", "") or 0) for row in found.rows) == 19_978


def test_a_few_to_other_addresses_are_told() -> None:
    one, _ = crowded(1000)
    moments = moments_of([(START + n * MS, Outcome.CLOSED) for n in range(1010)])
    found = figure(one, moments)
    assert found is not None
    assert found.notes == ("10 attempts to the same ports at other addresses are among them.",)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, (1 << 63) - 1), st.integers(START, START + SECOND)),
            st.sampled_from([Outcome.CLOSED, Outcome.REFUSED]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_attempt_is_drawn_inside(times: list[tuple[int, Outcome]]) -> None:
    moments = moments_of([*times] * 130)
    one, _ = crowded(10)
    total = sum(group.count for group in one.targets[0].summary.groups)
    if moments.total < total:
        return
    found = figure(one, moments)
    assert found is not None
    assert sum(lane.number for lane in found.lanes) in {moments.total, total}
    for lane in found.lanes:
        for bar in lane.bars:
            assert 0 <= percent(bar.x) <= 100
            assert percent(bar.x) + percent(bar.width) <= 100.2
    assert len(found.ticks) <= 6
    assert len(found.rows) <= 140


def test_times_outside_any_calendar() -> None:
    assert moment(START) == "2023-11-14 22:13:20.000000 UTC"
    assert moment(1 << 80) == "at a time outside any calendar"
