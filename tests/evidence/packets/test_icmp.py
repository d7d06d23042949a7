"""ICMP errors and the errno they give the client."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt
from tests.evidence.builders import LOCAL, Situation, check, icmp, observe

SITUATIONS = [
    Situation(
        "port unreachable", (icmp(4, 3, 3),), LOCAL | {"refused-by-icmp", "refused-address-is-ipv4-only"}
    ),
    Situation(
        "prohibited", (icmp(4, 3, 13),), LOCAL | {"unreachable-by-icmp", "refused-address-is-ipv4-only"}
    ),
    Situation("port, IPv6", (icmp(6, 1, 4),), LOCAL | {"refused-by-icmp", "refused-address-is-ipv6-only"}),
    Situation(
        "policy, IPv6", (icmp(6, 1, 5),), LOCAL | {"unreachable-by-icmp", "refused-address-is-ipv6-only"}
    ),
    Situation("fragmentation needed", (icmp(4, 3, 4),), LOCAL | {"refused-address-is-ipv4-only"}),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("word", "one", "why"),
    [
        ("refused-by-icmp", icmp(4, 3, 99), "ICMP 3/99"),
    ],
)
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text
