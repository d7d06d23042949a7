"""Bounded memory: floods are counted to the last attempt, and what is settled early stays settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from synscope.engine.batch import SIZE
from synscope.engine.layout import V4_HIGH
from synscope.engine.tracker import BUDGET, SWEEP, address_text
from synscope.model import Attempt, AttemptGroup, Label, Outcome
from tests import wire
from tests.follow import Bytes, Run, follow
from tests.story import SERVER, SERVER_ISN, frames, names

SMALL = 4096
FLOOD = 3 * SMALL
CLOSED = "C S | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA | C A"


def _client(number: int) -> tuple[str, int]:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 1024 + number % 60000


def _syns(count: int, first: int = 0) -> list[tuple[int, bytes]]:
    return [
        (wire.START + n * 1000, frames("C S", client=_client(n))[0][1]) for n in range(first, first + count)
    ]


def _counts(groups: Iterable[AttemptGroup]) -> Counter[tuple[object, ...]]:
    counts: Counter[tuple[object, ...]] = Counter()
    for group in groups:
        counts[group.server, group.label, group.outcome] += group.count
    return counts


@pytest.fixture(scope="module")
def flood() -> Run:
    """A SYN flood of three times the budget, whose first victims then hear late answers."""
    capture = _syns(FLOOD)
    for number in range(64):
        late = frames("C S | S SA | C A | C PA len=4", client=_client(number))[1:]
        capture += [(wire.START + 10**9 + number, frame) for _, frame in late]
    return follow(wire.pcap(capture), budget=SMALL)


def test_every_attempt_of_a_flood_is_counted(flood: Run) -> None:
    """The group's count is the number of SYNs; nothing is lost and nothing doubled."""
    (group,) = flood.groups
    assert (group.label, group.outcome) == (Label.SYN_NO_REPLY, Outcome.UNANSWERED)
    assert group.count == FLOOD == flood.follower.tracker.attempts
    assert (group.first_ts_ns, group.last_ts_ns) == (wire.START, wire.START + (FLOOD - 1) * 1000)


def test_every_attempt_of_a_flood_is_reported_once(flood: Run) -> None:
    """``on_attempt`` sees each exactly once, also those settled early."""
    assert sorted(attempt.id for attempt in flood.attempts) == list(range(1, FLOOD + 1))
    assert len({attempt.client for attempt in flood.attempts}) == FLOOD
    assert flood.follower.tracker.aggregated > 0


def test_late_segments_of_settled_attempts_begin_nothing(flood: Run) -> None:
    """No mid-stream attempt, no second one: they are strays."""
    assert {attempt.label for attempt in flood.attempts} == {Label.SYN_NO_REPLY}
    assert flood.follower.tracker.strays == 3 * 64


def test_memory_of_a_flood_is_bounded(flood: Run) -> None:
    """The tables keep to their budget however many attempts there are."""
    (group,) = flood.groups
    assert len(group.examples) < 200


def test_a_new_syn_of_a_settled_4_tuple_is_a_new_attempt() -> None:
    """Settled is not banned."""
    capture = _syns(FLOOD)
    again = frames("C S seq=c+90000 | S RA seq=0 ack=c+90001", client=_client(0), start=wire.START + 10**10)
    run = follow(wire.pcap(capture + again), budget=SMALL)
    assert _counts(run.groups)[run.groups[0].server, Label.SYN_RST, Outcome.REFUSED] == 1
    assert sum(group.count for group in run.groups) == FLOOD + 1


def test_a_repeated_syn_of_a_settled_attempt_is_no_new_attempt() -> None:
    """Unanswered, the same ISN again is a retransmission, also when its attempt is settled."""
    capture = _syns(FLOOD)
    again = [(wire.START + 10**9 + n, frame) for n, (_, frame) in enumerate(capture[:500])]
    run = follow(wire.pcap(capture + again), budget=SMALL)
    assert run.follower.tracker.attempts == FLOOD
    assert run.follower.tracker.strays == 500


def test_the_same_isn_after_a_settled_connection_is_a_new_attempt() -> None:
    """What was over is over: whoever replays a capture connects again."""
    talk = frames(CLOSED)
    again = [(ts + 10**11, frame) for ts, frame in talk]
    run = follow(wire.pcap(talk + _syns(FLOOD) + again), budget=SMALL)
    ours = [attempt for attempt in run.attempts if attempt.server.address == SERVER[0]]
    assert (
        names([attempt for attempt in ours if attempt.client == ours[0].client]) == ["completed closed"] * 2
    )


def test_marks_of_settled_attempts_take_bounded_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it new marks take the place of old ones: the newest late segments still begin nothing."""
    monkeypatch.setattr("synscope.engine.tracker._MARKS", 4096)
    capture = _syns(FLOOD)
    settled = follow(wire.pcap(capture), budget=SMALL).follower.tracker.aggregated
    late = [
        (wire.START + 10**9, frames("C S | S SA", client=_client(settled - 1 - n))[1][1]) for n in range(100)
    ]
    run = follow(wire.pcap(capture + late), budget=SMALL)
    assert run.follower.tracker.strays >= 90
    assert run.follower.tracker.attempts == FLOOD + 100 - run.follower.tracker.strays


def test_what_is_open_outlives_a_flood_that_fits() -> None:
    """A connection that is not over is followed through a flood smaller than the budget."""
    talk = frames(CLOSED)
    capture = talk[:4] + _syns(SMALL - 2000) + talk[4:]
    run = follow(wire.pcap(capture), budget=SMALL)
    assert names([attempt for attempt in run.attempts if attempt.server.address == SERVER[0]][:1]) == [
        "completed closed"
    ]


MIX = ("C S | S RA", "C S", CLOSED, "C S | S SA", "C S | S SA | C A | C PA len=5 | S RA")


def _load(turns: int) -> list[tuple[int, bytes]]:
    """Connections one after the other, 10 ms each, on ever new client ports and three server ports."""
    capture: list[tuple[int, bytes]] = []
    for turn in range(turns):
        capture += frames(
            MIX[turn % len(MIX)],
            client=_client(turn),
            server=(SERVER[0], 8000 + turn % 3),
            start=wire.START + turn * 200_000_000,
        )
    return capture


def test_a_small_and_a_large_budget_agree() -> None:
    """Counts by server, label and outcome do not depend on how much memory there is."""
    capture = wire.pcap(_load(2 * SMALL))
    small, large = follow(capture, budget=SMALL), follow(capture, budget=BUDGET)
    assert _counts(small.groups) == _counts(large.groups)
    assert small.follower.tracker.aggregated > large.follower.tracker.aggregated
    assert _by_id(small.attempts) == _by_id(large.attempts)


def _by_id(attempts: list[Attempt]) -> list[str]:
    return names(sorted(attempts, key=lambda attempt: attempt.id))


STRADDLERS = {
    "Windows' retries after a refusal": (
        "C S | S RA dt=1 | C S dt=500 | S RA dt=1 | C S dt=500 | S RA dt=1",
        2,
        "SYN-RST refused-repeatedly",
    ),
    "Windows' retries over a slow line": (
        "C S | S RA dt=150 | C S dt=500 | S RA dt=150 | C S dt=500 | S RA dt=150",
        4,
        "SYN-RST refused-repeatedly",
    ),
    "a forged rst before the real answer": ("C S | S RA seq=0 | S SA | C A", 2, "completed silent"),
    "challenge ack, rst, the same syn": (
        "C S | S A seq=s+900 ack=c-5000 | C R seq=c-5000 | C S dt=1000 | S SA | C A",
        3,
        "completed silent",
    ),
    "an rst of the client behind both fins": (
        "C S | S SA | C A | C PA len=5 | S PA len=7 | S FA | C FA | C R",
        7,
        "completed closed",
    ),
    "a long silence": (
        "C S | S SA | C A | C PA len=5 | S PA len=7 dt=9000 | C FA | S FA",
        4,
        "completed closed",
    ),
}


@pytest.mark.parametrize("name", STRADDLERS)
def test_a_story_told_across_a_sweep(name: str) -> None:
    """That attempts of others are over, and settled, in the middle of a story does not change its end."""
    story, pause, expected = STRADDLERS[name]
    talk = frames(story)
    start = talk[pause - 1][0]
    others = [
        (start + turn * 25_000, frames("C R", client=_client(turn))[0][1]) for turn in range(SWEEP + 2 * SIZE)
    ]
    run = follow(wire.pcap(talk[:pause] + others + talk[pause:]))
    assert run.follower.tracker.aggregated > SWEEP // 2
    ours = [attempt for attempt in run.attempts if attempt.client.address == "192.0.2.1"]
    assert names(ours) == [expected]


def test_chunks_do_not_matter_across_sweeps() -> None:
    """Short reads make other batches; the results stay the same."""
    slow = frames(f"{CLOSED} | C R dt=1000", isns=(7, SERVER_ISN))
    capture = wire.pcap(_load(SMALL) + slow[:8] + _load(700) + slow[8:])
    whole = follow(capture, budget=SMALL)
    pieces = follow(Bytes(capture, (997,) * (len(capture) // 997 + 1)), budget=SMALL)
    assert _by_id(pieces.attempts) == _by_id(whole.attempts)
    assert _counts(pieces.groups) == _counts(whole.groups)


@pytest.mark.parametrize(
    ("high", "low", "text"),
    [
        (V4_HIGH, 0x7F000001, "127.0.0.1"),
        (V4_HIGH, 0xFFFFFFFF, "255.255.255.255"),
        (0, 1, "::1"),
        (0, 0, "::"),
        (0x20010DB8 << 32, 0x1234, "2001:db8::1234"),
        (0xFE80 << 48, 1, "fe80::1"),
    ],
)
def test_address_text(high: int, low: int, text: str) -> None:
    """Addresses as people write them."""
    assert address_text(high, low) == text
