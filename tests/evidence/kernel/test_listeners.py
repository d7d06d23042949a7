"""Listeners that came and went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.events import Kind
from synscope.evidence.kernel.listeners import closed, opened, sentences
from synscope.model import Answer, Outcome, Target
from tests.evidence.builders import MS, group
from tests.evidence.kernel.events import WHOLE, attempt, listener, record

TARGET = Target("localhost:62893", 62893, "localhost")
GROUPS = (group(attempt(Outcome.ANSWERED)), group(attempt(Outcome.REFUSED, at=10 * MS)))


@pytest.mark.parametrize(
    ("at", "when"),
    [
        (-2 * MS, "2 ms before the first attempt"),
        (4 * MS, "4 ms after the first attempt and 6 ms before the last"),
        (12 * MS, "2 ms after the last attempt"),
    ],
)
def test_when_it_went(at: int, when: str) -> None:
    found = closed(TARGET, GROUPS, record(listener(at, Kind.UNLISTEN)))
    assert found.answer is Answer.YES
    assert found.text == f"server (300) stopped listening on 127.0.0.1:62893, {when}"


def test_none_came() -> None:
    assert opened(TARGET, GROUPS, record(listener(0, Kind.UNLISTEN))).answer is Answer.NO
    lossy = record(health=replace(WHOLE, lost=1))
    assert opened(TARGET, GROUPS, lossy).answer is Answer.UNKNOWN
    blind = record(health=replace(WHOLE, missing={"sock/inet_sock_set_state": "gone"}))
    assert opened(TARGET, GROUPS, blind).answer is Answer.UNKNOWN


def test_all_of_them_in_order() -> None:
    both = record(
        listener(5 * MS, Kind.UNLISTEN), listener(-MS, Kind.LISTEN), listener(0, Kind.LISTEN, "10.0.0.1")
    )
    assert sentences(TARGET, (), both) == [
        "server (300) began to listen on 127.0.0.1:62893",
        "server (300) stopped listening on 127.0.0.1:62893",
    ]
    assert closed(TARGET, (), record(*[listener(i, Kind.UNLISTEN) for i in range(3)])).text.endswith(
        ", and 2 others"
    )
