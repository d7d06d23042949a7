"""Port numbers that look alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.evidence.typo import how_it_differs, looks_like_typo

PORTS = st.integers(0, 700_000)


@pytest.mark.parametrize(
    ("a", "b", "how"),
    [
        (62893, 62839, "two digits swapped"),
        (62893, 62894, "the next number"),
        (6380, 6379, "the number before"),
        (62893, 62898, "one digit different"),
        (8080, 808, "one digit less"),
        (619009, 61909, "one digit less"),
        (3000, 30000, "one digit more"),
    ],
)
def test_typos(a: int, b: int, how: str) -> None:
    assert looks_like_typo(a, b)
    assert how_it_differs(a, b) == how


@pytest.mark.parametrize(
    ("a", "b"), [(8080, 8080), (8080, 80), (8080, 9090), (1234, 4321), (1234, 3214), (22, 23)]
)
def test_other_numbers(a: int, b: int) -> None:
    assert not looks_like_typo(a, b)
    assert how_it_differs(a, b) == ""


@given(PORTS, PORTS)
def test_is_symmetric(a: int, b: int) -> None:
    assert looks_like_typo(a, b) == looks_like_typo(b, a)
