"""Listeners that came and went, and binds that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.listeners import (
    bind_denied,
    closed,
    elsewhere,
    nearby,
    opened,
    sentences,
)
from synscope.evidence.kernel.record import KernelView
from synscope.model import Answer, Outcome, Target
from synscope.probes.kernel.events import Event, Kind, TraceHealth
from tests.evidence.builders import MS, START, group
from tests.evidence.kernel.events import OTHER, WHOLE, attempt, listener, record

TARGET = Target("localhost:62893", 62893, "localhost")
LISTEN, UNLISTEN = Kind.LISTEN, Kind.UNLISTEN
REFUSED = (group(attempt(Outcome.REFUSED), attempt(Outcome.REFUSED, at=10 * MS)),)
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
    found = closed(KernelView(TARGET, GROUPS, record(listener(at, Kind.UNLISTEN))))
    assert found.answer is Answer.YES
    assert found.text == f"server (300) stopped listening on 127.0.0.1:62893, {when}"


def test_none_came() -> None:
    assert opened(KernelView(TARGET, GROUPS, record(listener(0, Kind.UNLISTEN)))).answer is Answer.NO
    lossy = record(health=replace(WHOLE, lost=1))
    assert opened(KernelView(TARGET, GROUPS, lossy)).answer is Answer.UNKNOWN
    blind = record(health=replace(WHOLE, missing={"sock/inet_sock_set_state": "gone"}))
    assert opened(KernelView(TARGET, GROUPS, blind)).answer is Answer.UNKNOWN


def test_all_of_them_in_order() -> None:
    both = record(
        listener(5 * MS, Kind.UNLISTEN), listener(-MS, Kind.LISTEN), listener(0, Kind.LISTEN, "10.0.0.1")
    )
    assert sentences(TARGET, (), both) == [
        "server (300) began to listen on 127.0.0.1:62893",
        "server (300) stopped listening on 127.0.0.1:62893",
    ]
    assert closed(
        KernelView(TARGET, (), record(*[listener(i, Kind.UNLISTEN) for i in range(3)]))
    ).text.endswith(", and 2 others")


def test_one_comes_on_another_port() -> None:
    seen = record(listener(-MS, LISTEN, port=8080), listener(20 * MS, UNLISTEN, port=8080))
    found = elsewhere(KernelView(TARGET, REFUSED, seen))
    assert found.answer is Answer.YES
    assert found.text == "server (300) began to listen on 127.0.0.1:8080, 1 ms before the first attempt"
    assert nearby(KernelView(TARGET, REFUSED, seen)).answer is Answer.NO


def test_one_comes_on_a_port_that_looks_like_it() -> None:
    seen = record(listener(5 * MS, LISTEN, "0.0.0.0", 62898), listener(-MS, LISTEN, port=8080))
    assert nearby(KernelView(TARGET, REFUSED, seen)).text == (
        "server (300) began to listen on 0.0.0.0:62898, 5 ms after the first attempt and 5 ms before the last"
        " (one digit different)"
    )
    assert elsewhere(KernelView(TARGET, REFUSED, seen)).text.endswith("(one digit different)")


@pytest.mark.parametrize(
    "events",
    [
        [],
        [listener(-MS, LISTEN)],
        [listener(11 * MS, LISTEN, port=8080)],
        [listener(-2 * MS, LISTEN, port=8080), listener(-MS, UNLISTEN, port=8080)],
        [listener(MS, LISTEN, port=8080), listener(9 * MS, UNLISTEN, port=8080)],
        [listener(-MS, UNLISTEN, port=8080)],
        [listener(-MS, LISTEN, "127.0.0.2", 8080)],
        [listener(-MS, LISTEN, "::1", 8080)],
        [listener(-MS, LISTEN, port=22)],
    ],
    ids=["none", "on the port itself", "after the last attempt", "gone before the first", "only between attempts",
         "only went", "at another address", "of the other family", "the system's own"],
)  # fmt: skip
def test_others_that_no_client_was_meant_for(events: list[Event]) -> None:
    assert elsewhere(KernelView(TARGET, REFUSED, record(*events))).answer is Answer.NO


def test_without_a_failure_no_other_port_is_meant() -> None:
    answered = (group(attempt(Outcome.ANSWERED)),)
    seen = record(listener(-MS, LISTEN, port=8080))
    assert elsewhere(KernelView(TARGET, answered, seen)).answer is Answer.NO
    assert elsewhere(KernelView(TARGET, (), seen)).answer is Answer.NO


def test_ports_of_the_ephemeral_range_count_when_there_is_nothing_else() -> None:
    passing = listener(-2 * MS, LISTEN, port=40_001)
    assert "127.0.0.1:40001" in elsewhere(KernelView(TARGET, REFUSED, record(passing))).text
    both = elsewhere(KernelView(TARGET, REFUSED, record(passing, listener(-MS, LISTEN, port=8080))))
    assert "127.0.0.1:8080" in both.text
    assert "40001" not in both.text


def test_many_others_are_counted() -> None:
    many = [listener(-MS, LISTEN, port=port) for port in range(8080, 8085)]
    assert elsewhere(KernelView(TARGET, REFUSED, record(*many))).text.endswith(
        "before the first attempt; and 2 others"
    )


@pytest.mark.parametrize(
    ("health", "text"),
    [
        (replace(WHOLE, crowded=3), "3 events about listeners on other ports were not kept"),
        (replace(WHOLE, beside="no way to tell"), "no way to tell"),
        (replace(WHOLE, lost=1), "the trace lost 1 events"),
        (
            replace(WHOLE, missing={"sock/inet_sock_set_state": "gone"}),
            "the trace of listeners is not complete",
        ),
    ],
)
def test_when_it_cannot_be_told_who_else_listens(health: TraceHealth, text: str) -> None:
    for question in (elsewhere, nearby):
        found = question(KernelView(TARGET, REFUSED, record(health=health)))
        assert (found.answer, found.text) == (Answer.UNKNOWN, text)


def test_one_whose_namespace_could_not_be_asked_for() -> None:
    gone = [listener(-MS, LISTEN, port=port)._replace(unplaced=True) for port in (8080, 40_001)]
    found = elsewhere(KernelView(TARGET, REFUSED, record(*gone)))
    assert found.text.endswith(
        "before the first attempt, in a network namespace that could not be asked for any more"
    )
    assert elsewhere(KernelView(TARGET, REFUSED, record(gone[1]))).answer is Answer.NO, (
        "too many come and go there"
    )
    ended = listener(-MS // 2, UNLISTEN, port=40_001)._replace(unplaced=True)
    assert (
        elsewhere(KernelView(TARGET, REFUSED, record(listener(-MS, LISTEN, port=40_001), ended))).answer
        is Answer.NO
    )


WITH_BINDS = replace(WHOLE, binds=True)
DENIED = Event(START, Kind.UNBOUND, OTHER, 0, False, reason="EACCES")


@pytest.mark.parametrize(
    ("events", "health", "answer"),
    [
        ((DENIED,), WITH_BINDS, Answer.YES),
        ((DENIED._replace(reason="EADDRINUSE"),), WITH_BINDS, Answer.NO),
        ((), WITH_BINDS, Answer.NO),
        ((), replace(WITH_BINDS, lost=1), Answer.UNKNOWN),
        ((), replace(WITH_BINDS, binds=False), Answer.UNKNOWN),
        ((), replace(WITH_BINDS, binds=False, missing={"syscalls/sys_exit_bind": "gone"}), Answer.UNKNOWN),
        ((), replace(WITH_BINDS, beside="another namespace is captured"), Answer.UNKNOWN),
    ],
)
def test_a_bind_that_failed(events: tuple[Event, ...], health: TraceHealth, answer: Answer) -> None:
    assert bind_denied(KernelView(TARGET, (), record(*events, health=health))).answer is answer


def test_the_text_of_a_bind() -> None:
    assert bind_denied(KernelView(TARGET, (), record(DENIED, DENIED, health=WITH_BINDS))).text == (
        "a bind of other (200) failed with EACCES, and 1 other; the kernel does not say for which port"
    )
