"""Numbers for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.units import count, duration, listed


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (840, "840 ns"),
        (1_000, "1 µs"),
        (49_312, "49 µs"),
        (999_999, "1 ms"),
        (12_345_678, "12.3 ms"),
        (340_000_000, "340 ms"),
        (999_999_999, "1 s"),
        (1_020_000_000, "1.02 s"),
        (12_340_000_000, "12.3 s"),
        (59_999_000_000, "1 min"),
        (60_000_000, "60 ms"),
        (60_000, "60 µs"),
        (61_000_000_000, "1 min 1 s"),
        (125_000_000_000, "2 min 5 s"),
        (7_500_000_000_000, "2 h 5 min"),
        (93_600_000_000_000, "1 d 2 h"),
        (-49_000, "-49 µs"),
    ],
)
def test_duration(ns: int, text: str) -> None:
    assert duration(ns) == text


@given(st.integers(-(2**70), 2**70))
def test_duration_is_short_for_any_number(ns: int) -> None:
    assert 0 < len(duration(ns)) < 30


@pytest.mark.parametrize(
    ("n", "noun", "text"),
    [
        (0, "attempt", "0 attempts"),
        (1, "attempt", "1 attempt"),
        (1204, "attempt", "1,204 attempts"),
        (2, "address", "2 addresses"),
        (2, "try", "2 tries"),
        (2, "key", "2 keys"),
    ],
)
def test_count(n: int, noun: str, text: str) -> None:
    assert count(n, noun) == text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdef"), "a, b, c, d and 2 more"),
    ],
)
def test_listed(words: list[str], text: str) -> None:
    assert listed(words) == text


@given(st.integers(1, 60 * 10**9))
def test_duration_is_right_within_rounding(ns: int) -> None:
    number, unit = duration(ns).split()
    size = {"ns": 1, "µs": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9}[unit]
    assert abs(float(number) * size - ns) <= max(0.05 * ns, 500)
