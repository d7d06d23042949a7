"""A stretch of time out of a capture: numbers stay, what is left out is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.model import Attempt, Diagnosis
from synscope.selection import Selection, host, moment
from tests import wire
from tests.story import frames

SECOND = 1_000_000_000
CLIENTS = 700
STORY = [
    frame
    for turn in range(CLIENTS)
    for frame in frames(
        "C S | S RA", client=(f"10.0.{turn >> 8}.{turn & 255}", 41000), start=wire.START + turn * SECOND
    )
]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("window") / "story.pcap"
    path.write_bytes(wire.pcap(STORY))
    return path


def _analyse(path: Path | str, selection: Selection) -> tuple[list[Attempt], Diagnosis]:
    attempts: list[Attempt] = []
    return attempts, analyze(str(path), selection=selection, on_attempt=attempts.append)


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, 0, 699),
        ("+10s", None, 10, 699),
        (None, "+10.5s", 0, 10),
        ("+600s", "+650s", 600, 650),
        ("+512s", "+512.5s", 512, 512),
        (f"{wire.START // SECOND + 3}", f"{wire.START // SECOND + 9}", 3, 9),
        ("-2.5s", None, 697, 699),
        ("-1h", "-695.5s", 0, 3),
    ],
)
def test_what_lies_in_the_time(
    since: str | None, until: str | None, first: int, last: int, capture: Path
) -> None:
    """Frames keep the numbers that they have in the file."""
    selection = Selection(since and moment(since), until and moment(until))  # type: ignore[arg-type]
    attempts, diagnosis = _analyse(capture, selection)
    # A bound may fall between a SYN and its answer.
    whole = [one for one in attempts if one.frames.syn is not None]
    assert [one.frames.syn for one in whole] == [2 * turn + 1 for turn in range(first, last + 1)]
    health = diagnosis.health
    assert health.frames == len(STORY)
    left_out = health.skipped.get("outside the selected time", 0)
    assert left_out + health.tcp_segments == len(STORY)
    assert (left_out == 0) == (since is until is None)


def test_nothing_in_the_time(capture: Path) -> None:
    attempts, diagnosis = _analyse(capture, Selection(until=moment("1")))
    assert attempts == []
    assert diagnosis.health.skipped == {"outside the selected time": len(STORY)}
    assert diagnosis.health.first_ts_ns is None


def test_times_that_go_backwards(tmp_path: Path) -> None:
    """Each frame counts by its own time."""
    path = tmp_path / "backwards.pcap"
    path.write_bytes(wire.pcap(STORY[:40:2][::-1]))
    attempts, diagnosis = _analyse(path, Selection(until=moment(str(wire.START // SECOND + 4))))
    assert [one.frames.syn for one in attempts] == [16, 17, 18, 19, 20]
    assert diagnosis.health.skipped == {"outside the selected time": 15}


def test_the_end_of_a_pipe_is_not_known() -> None:
    error = _analyse("-", Selection(since=moment("-3s")))[1].health.error
    assert error is not None
    assert "no end that is known" in error


def test_hosts(capture: Path) -> None:
    """Either end may be the wanted one; the rest is counted."""
    wanted = frozenset(map(host, ("10.0.0.3", "10.0.2.1")))
    attempts, diagnosis = _analyse(capture, Selection(hosts=wanted))
    assert [one.client.address for one in attempts] == ["10.0.0.3", "10.0.2.1"]
    assert [one.frames.syn for one in attempts] == [7, 1027]
    assert diagnosis.health.skipped == {"other addresses": len(STORY) - 4}
    assert diagnosis.health.tcp_segments == 4


def test_hosts_and_errors_about_them(tmp_path: Path) -> None:
    """An ICMP error belongs to the ends of the datagram that it quotes."""
    path = tmp_path / "icmp.pcap"
    syn = wire.ipv4("10.0.0.1", "10.0.0.2", wire.tcp(4000, 80, 1, 0, "S"))
    error = wire.ipv4("10.9.9.9", "10.0.0.1", wire.icmp_error(3, 1, syn), protocol=1)
    path.write_bytes(wire.pcap([(1, wire.ethernet(syn)), (2, wire.ethernet(error))]))
    for address, found in (("10.0.0.2", 1), ("10.9.9.9", 0)):
        attempts, _ = _analyse(path, Selection(hosts=frozenset({host(address)})))
        assert sum(one.icmp is not None for one in attempts) == found
