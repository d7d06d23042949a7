"""What ``--since``, ``--until`` and ``--host`` mean."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from synscope.selection import Anchor, Moment, Selection, SelectionError, host, moment

SECOND = 1_000_000_000
NOON = 1_767_268_800 * SECOND
"""2026-01-01T12:00:00Z."""


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("needs a system whose zone can be set")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T12:00:00Z", Moment(NOON)),
        ("2026-01-01T13:00:00", Moment(NOON)),
        ("2026-01-01 13:00", Moment(NOON)),
        ("2026-01-01T14:00:00.25+02:00", Moment(NOON + SECOND // 4)),
        ("2026-07-01T14:00", Moment(NOON + 181 * 86_400 * SECOND)),
        ("1767268800", Moment(NOON)),
        ("1767268800.000000001", Moment(NOON + 1)),
        ("12:30", Moment(45_000 * SECOND, Anchor.FIRST_DAY)),
        ("9:00:01.5", Moment(32_401 * SECOND + SECOND // 2, Anchor.FIRST_DAY)),
        ("+2.5s", Moment(5 * SECOND // 2, Anchor.FIRST_FRAME)),
        ("+7", Moment(7 * SECOND, Anchor.FIRST_FRAME)),
        ("+250ms", Moment(SECOND // 4, Anchor.FIRST_FRAME)),
        ("-30s", Moment(-30 * SECOND, Anchor.LAST_FRAME)),
        ("-2 min", Moment(-120 * SECOND, Anchor.LAST_FRAME)),
    ],
)
def test_moments(text: str, expected: Moment) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:60", "+5 parsecs", "2026-13-01", "-", "9" * 40, "٣"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(SelectionError, match=r"is no time; give .*\+2\.5s"):
        moment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1767268800", NOON),
        ("12:30", NOON - SECOND * 1800),
        ("+1m", NOON + 7 + 60 * SECOND),
        ("-1m", NOON + 40 * SECOND),
    ],
)
def test_moments_that_hang_on_the_capture(text: str, expected: int) -> None:
    assert moment(text).resolve(NOON + 7, NOON + 100 * SECOND) == expected


def test_the_zone_of_the_hour_counts() -> None:
    """The clock goes forward on 2026-03-29 at 02:00: the day begins in winter and is in summer at noon."""
    midnight = moment("2026-03-29T00:00").ns
    assert moment("12:00").resolve(midnight, None) == midnight + 11 * 3600 * SECOND


def test_every_time_of_a_frame_has_a_day() -> None:
    """64 bits of nanoseconds end in 2554."""
    assert moment("12:00").resolve((1 << 64) - 1, None) > NOON
    assert moment("12:00").resolve(0, None) == 39_600 * SECOND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", (0xFFFFFFFFFFFFFFFF, 0x7F000001)),
        ("::1", (0, 1)),
        ("[fe80::1%eth0]", (0xFE80 << 48, 1)),
    ],
)
def test_hosts(text: str, expected: tuple[int, int]) -> None:
    assert host(text) == expected


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/8", "1.2.3"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SelectionError, match="no IP address"):
        host(text)


def test_what_a_selection_needs() -> None:
    assert not Selection().timed
    assert Selection(until=moment("+1")).timed
    assert not Selection(until=moment("+1")).needs_end
    assert Selection(since=moment("-1")).needs_end
