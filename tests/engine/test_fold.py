"""Groups of alike attempts, and which failed attempts belong to a try that got through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import AttemptGroup, Label, Outcome
from tests import wire
from tests.follow import follow
from tests.story import frames

REFUSED = "C S | S RA"
DROPPED = "C S"
ANSWERED = "C S | S SA | C A | C PA len=5 | S PA len=7"
SECOND = 1_000_000_000
PORT = 62893


def _try(*parts: tuple[str, str, int], client_port: int = 40000, port: int = PORT) -> list[bool]:
    """``recovered`` of each attempt: (story, server address, ns after the first one's start)."""
    capture: list[tuple[int, bytes]] = []
    for place, (story, server, later) in enumerate(parts):
        client = {"::1": "::1", "2001:db8::2": "2001:db8::1"}.get(server, "127.0.0.1")
        capture += frames(
            story,
            client=(client, client_port + place),
            server=(server, port),
            start=wire.START + later,
        )
    return [attempt.recovered for attempt in follow(wire.pcap(capture)).attempts]


@pytest.mark.parametrize("failure", [REFUSED, DROPPED, "C S | I 3/3", "C S | S SA ack=c+9000", "C S | S SA"])
def test_recovered_over_another_family(failure: str) -> None:
    """Refused on ::1 and answered on 127.0.0.1 is one try that works."""
    if "I 3/3" in failure:
        failure = "C S | I 1/4"
    assert _try((failure, "::1", 0), (ANSWERED, "127.0.0.1", SECOND // 2)) == [True, False]


@pytest.mark.parametrize(
    ("name", "parts", "expected"),
    [
        ("the other way round", [(REFUSED, "127.0.0.1", 0), (ANSWERED, "::1", SECOND // 2)], [True, False]),
        ("within loopback", [(REFUSED, "127.0.0.2", 0), (ANSWERED, "127.0.0.1", 100_000)], [True, False]),
        ("exactly a second later", [(REFUSED, "::1", 0), (ANSWERED, "127.0.0.1", SECOND)], [True, False]),
        ("later than a second", [(REFUSED, "::1", 0), (ANSWERED, "127.0.0.1", SECOND + 1)], [False, False]),
        ("success came first", [(ANSWERED, "127.0.0.1", 0), (REFUSED, "::1", 100_000_000)], [False, False]),
        ("the same address", [(REFUSED, "::1", 0), (ANSWERED, "::1", 100_000)], [False, False]),
        ("other hosts of one family", [(REFUSED, "192.0.2.7", 0), (ANSWERED, "192.0.2.8", 100_000)],
         [False, False]),
        ("nothing succeeds", [(REFUSED, "::1", 0), (REFUSED, "127.0.0.1", 100_000)], [False, False]),
        ("each success makes one good",
         [(REFUSED, "::1", 0), (REFUSED, "::1", 1000), (ANSWERED, "127.0.0.1", 100_000_000),
          (ANSWERED, "127.0.0.1", 200_000_000)],
         [True, True, False, False]),
        ("one success does not make two of an address good",
         [(REFUSED, "::1", 0), (REFUSED, "::1", 1000), (ANSWERED, "127.0.0.1", 100_000_000)],
         [False, True, False]),
        ("one success makes several addresses good",
         [(REFUSED, "::1", 0), (REFUSED, "127.0.0.2", 1000), (ANSWERED, "127.0.0.1", 100_000_000)],
         [True, True, False]),
    ],
)  # fmt: skip
def test_pairing(name: str, parts: list[tuple[str, str, int]], expected: list[bool]) -> None:
    """Who belongs to a try that got through, and who does not."""
    assert _try(*parts) == expected, name


def test_another_port_is_another_try() -> None:
    """A success at another port makes nothing good."""
    capture = frames(REFUSED, client=("::1", 1), server=("::1", PORT))
    capture += frames(ANSWERED, client=("127.0.0.1", 2), server=("127.0.0.1", PORT + 1))
    assert not any(attempt.recovered for attempt in follow(wire.pcap(capture)).attempts)


def test_which_end_sorts_higher_does_not_matter_for_pairing() -> None:
    """The server's port may be lower or higher than the client's."""
    for port, client_port in ((80, 40000), (62893, 1024)):
        parts = ((REFUSED, "::1", 0), (ANSWERED, "127.0.0.1", 1000))
        assert _try(*parts, client_port=client_port, port=port) == [True, False]


# -- groups ----------------------------------------------------------------------------------------------


def _groups(*stories: tuple[str, int], clients: int = 1) -> tuple[AttemptGroup, ...]:
    capture: list[tuple[int, bytes]] = []
    for place, (story, port) in enumerate(stories * clients):
        capture += frames(
            story,
            client=("192.0.2.1", 1024 + place),
            server=("192.0.2.2", port),
            start=wire.START + place * SECOND,
        )
    return follow(wire.pcap(capture)).groups


def test_alike_attempts_are_one_group() -> None:
    """Counts, first and last time, and a bounded number of examples."""
    groups = _groups((REFUSED, 62893), (DROPPED, 62893), (REFUSED, 62894), clients=150)
    facts = [(group.server.port, group.label, group.outcome, group.count) for group in groups]
    assert facts == [
        (62893, Label.SYN_RST, Outcome.REFUSED, 150),
        (62893, Label.SYN_NO_REPLY, Outcome.UNANSWERED, 150),
        (62894, Label.SYN_RST, Outcome.REFUSED, 150),
    ]
    first = groups[0]
    assert (first.first_ts_ns, first.last_ts_ns) == (wire.START, wire.START + 447 * SECOND)
    assert len(first.examples) < first.count
    assert first.examples[0].id == 1
    assert first.examples[-1].id == 448


def test_recovered_attempts_are_a_group_of_their_own() -> None:
    """Failures that were made good are told apart from those that were not."""
    capture = frames(REFUSED, client=("::1", 1), server=("::1", PORT))
    capture += frames(ANSWERED, client=("127.0.0.1", 2), server=("127.0.0.1", PORT), start=wire.START + 1000)
    capture += frames(REFUSED, client=("::1", 3), server=("::1", PORT), start=wire.START + 10 * SECOND)
    groups = follow(wire.pcap(capture)).groups
    assert [(group.recovered, group.count) for group in groups] == [(True, 1), (False, 1), (False, 1)]


@given(
    st.lists(
        st.tuples(st.sampled_from([REFUSED, DROPPED, ANSWERED, "C S | S SA"]), st.integers(1, 5)), max_size=40
    )
)
def test_groups_count_every_attempt_once(stories: list[tuple[str, int]]) -> None:
    """Groups are the attempts, folded."""
    capture: list[tuple[int, bytes]] = []
    for place, (story, port) in enumerate(stories):
        start = wire.START + place * SECOND
        capture += frames(story, client=("192.0.2.1", 1024 + place), server=("192.0.2.2", port), start=start)
    run = follow(wire.pcap(capture))
    counted: dict[tuple[object, ...], int] = {}
    for attempt in run.attempts:
        key = (attempt.server, attempt.outcome)
        counted[key] = counted.get(key, 0) + 1
    assert {(group.server, group.outcome): group.count for group in run.groups} == counted
    for group in run.groups:
        kept = [example.id for example in group.examples]
        assert kept == sorted(set(kept))
        assert all(example.outcome is group.outcome for example in group.examples)


def test_thousands_of_groups() -> None:
    """A scan of many ports: the table of groups grows, and loses none."""
    groups = _groups(*((REFUSED, port) for port in range(1, 3001)))
    assert sorted(group.server.port for group in groups) == list(range(1, 3001))
    assert all(group.count == 1 for group in groups)


def test_a_refused_syn_that_is_repeated_belongs_to_the_try_until_a_second_after_the_last() -> None:
    """Windows sends a refused SYN again every half second before it goes on with the next address."""
    again = " | ".join([REFUSED, *["C S dt=500 | S RA dt=0"] * 3])
    last = 1_510_000_000
    assert _try((again, "::1", 0), (ANSWERED, "127.0.0.1", last + SECOND // 2)) == [True, False]
    assert _try((again, "::1", 0), (ANSWERED, "127.0.0.1", last + 2 * SECOND)) == [False, False]
    unanswered = " | ".join(["C S", *["C S dt=1000"] * 3])
    assert _try((unanswered, "::1", 0), (ANSWERED, "127.0.0.1", 3 * SECOND + 1)) == [False, False]
