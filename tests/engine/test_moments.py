"""Counts of attempts in bins of time."""

from __future__ import annotations

from array import array
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from synscope.engine import layout
from synscope.engine.layout import RECOVERED
from synscope.engine.moments import BINS, KEPT, Moments
from synscope.engine.outcome import OUTCOME_RULES

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND

times = st.lists(
    st.tuples(
        st.one_of(st.integers(0, (1 << 63) - 1), st.integers(START, START + 100 * SECOND)),
        st.integers(0, len(OUTCOME_RULES) - 1),
        st.booleans(),
        st.sampled_from([80, 62893]),
    ),
    max_size=40,
)
Row = tuple[int, int, bool, int]


def added(found: list[Row], *ports: int, pieces: int = 1) -> Moments:
    """All rows counted, in so many turns."""
    moments = Moments(ports)
    words = array("I", bytes(4 * layout.WORDS * len(found)))
    longs = array("Q", bytes(8 * layout.LONGS * len(found)))
    for at, (ts_ns, outcome, recovered, port) in enumerate(found):
        words[at * layout.WORDS + layout.PORTS] = port  # the server is the higher end
        words[at * layout.WORDS + layout.OUTCOME] = outcome | (RECOVERED if recovered else 0)
        longs[at * layout.LONGS + layout.TS_FIRST] = ts_ns
    for piece in range(pieces):
        moments.add(words, longs, array("I", range(piece, len(found), pieces)))
    return moments


def counted(moments: Moments) -> dict[tuple[int, str, bool], int]:
    return {(one.first_ts_ns, one.outcome, one.recovered): one.number for one in moments.bins()}


@given(times, st.integers(1, 3))
def test_each_attempt_counts_once_in_the_bin_of_its_time(found: list[Row], pieces: int) -> None:
    moments = added(found, pieces=pieces)
    width = moments.width_ns
    expected = Counter(
        (ts_ns // width * width, OUTCOME_RULES[outcome].outcome, recovered)
        for ts_ns, outcome, recovered, _ in found
    )
    by_outcome: Counter[tuple[int, str, bool]] = Counter()
    for one in moments.bins():
        by_outcome[one.first_ts_ns, one.outcome, one.recovered] += one.number
    assert by_outcome == expected
    assert moments.total == len(found)
    if found:
        assert moments.first_ts_ns == min(ts_ns for ts_ns, *_ in found)
        assert moments.last_ts_ns == max(ts_ns for ts_ns, *_ in found)


@given(times, st.randoms())
def test_order_does_not_matter(found: list[Row], random: object) -> None:
    shuffled = sorted(found, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert counted(added(found)) == counted(added(shuffled))


@given(times)
def test_only_the_ports_asked_for(found: list[Row]) -> None:
    assert added(found, 80).total == sum(port == 80 for *_, port in found)


def test_at_least_half_of_the_bins_are_used() -> None:
    for seconds in (1, 3, 100, 12345):
        moments = added([(START, 0, False, 80), (START + seconds * SECOND, 0, False, 80)])
        used = (moments.last_ts_ns - moments.first_ts_ns) / moments.width_ns
        assert BINS / 2 - 2 <= used <= BINS


def test_times_that_jump_to_and_fro_move_the_bins_rarely() -> None:
    found = [(START + (n if n % 2 else -n) * SECOND, 0, False, 80) for n in range(20_000)]
    moments = Moments()
    moves = 0
    make_room = moments._make_room

    def counting(ts_ns: int) -> None:
        nonlocal moves
        moves += 1
        make_room(ts_ns)

    moments._make_room = counting  # type: ignore[method-assign]
    words = array("I", bytes(4 * layout.WORDS))
    longs = array("Q", bytes(8 * layout.LONGS))
    for ts_ns, *_ in found:
        longs[layout.TS_FIRST] = ts_ns
        moments.add(words, longs, array("I", [0]))
    assert moves < 400


def test_so_many_rows_are_wanted_as_objects() -> None:
    moments = Moments()
    words = array("I", bytes(4 * layout.WORDS))
    longs = array("Q", bytes(8 * layout.LONGS))
    assert moments.add(words, longs, array("I", [0] * 1000)) == [0] * KEPT
