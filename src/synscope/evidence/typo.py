"""Whether one port number looks like a slip of the finger for another."""

from __future__ import annotations

from typing import Final

from synscope.reference.ports import WEB_PORTS

_TELLING: Final = 100
"""Numbers of one or two digits all look alike: 21, 22, 23 and 25 are four services, not four typos."""


def are_kindred(a: int, b: int) -> bool:
    """Whether two numbers are both usual ports of web servers: one framework's default is taken for another's."""
    return a != b and {a, b} <= WEB_PORTS


def looks_like_typo(a: int, b: int) -> bool:
    """Whether two numbers differ by one, in one digit, by one digit more or less, or by two neighbours swapped."""
    if a == b or max(a, b) < _TELLING:
        return False
    one, other = str(a), str(b)
    if abs(a - b) == 1:
        return True
    if len(one) == len(other):
        return _differs_by_one(one, other) or _is_swap(one, other)
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    if len(longer) - len(shorter) != 1:
        return False
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def how_it_differs(a: int, b: int) -> str:
    """Say in words how two look-alike numbers differ; empty when they are none."""
    if not looks_like_typo(a, b):
        return ""
    one, other = str(a), str(b)
    if len(one) != len(other):
        return "one digit more" if len(other) > len(one) else "one digit less"
    if abs(a - b) == 1:
        return "the next number" if b > a else "the number before"
    return "two digits swapped" if _is_swap(one, other) else "one digit different"


def _differs_by_one(one: str, other: str) -> bool:
    return sum(x != y for x, y in zip(one, other, strict=True)) == 1


def _is_swap(one: str, other: str) -> bool:
    at = [index for index, (x, y) in enumerate(zip(one, other, strict=True)) if x != y]
    if not at or at != [at[0], at[0] + 1]:
        return False
    return one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]
