"""Connects without a SYN: proven ones only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.record import KernelView
from synscope.evidence.kernel.unsent import connect_without_syn, own_connect, stopped
from synscope.model import Answer, AttemptGroup, Endpoint, Outcome, Target
from synscope.probes.kernel.events import Event, TraceHealth
from tests.evidence.builders import MS, START, group
from tests.evidence.kernel.events import OTHER, US, WHOLE, attempt, connect, drop, record, settled

TARGET = Target("localhost:62893", 62893, "localhost")
SENT = (group(attempt(Outcome.REFUSED)),)
MANY = (group(attempt(Outcome.REFUSED), attempt(Outcome.REFUSED, at=5 * 1000 * MS), count=900),)
DROPPED = drop(0, "NETFILTER_DROP", interrupt=False)
NO_PORT = settled(0, client=Endpoint("127.0.0.1", 0))


@pytest.mark.parametrize(
    ("events", "groups", "health", "answer"),
    [
        ((), (), WHOLE, Answer.UNKNOWN),
        ((), (), replace(WHOLE, lost=1), Answer.UNKNOWN),
        ((), (), replace(WHOLE, missing={"sock/inet_sock_set_state": "gone"}), Answer.UNKNOWN),
        ((connect(),), SENT, WHOLE, Answer.NO),
        ((connect(),), (), WHOLE, Answer.UNKNOWN),
        ((connect(), DROPPED), (), WHOLE, Answer.YES),
        ((connect(), DROPPED), (), replace(WHOLE, lost=1), Answer.UNKNOWN),
        ((connect(), NO_PORT), (), replace(WHOLE, lost=1), Answer.YES),
        ((connect(), NO_PORT), (), WHOLE, Answer.YES),
        # In an interrupt it was on the wire already; another thread's drop is another frame's.
        ((connect(), drop(0, "NETFILTER_DROP")), (), WHOLE, Answer.UNKNOWN),
        ((connect(), DROPPED._replace(task=OTHER)), (), WHOLE, Answer.UNKNOWN),
        ((connect(), NO_PORT._replace(task=OTHER)), (), WHOLE, Answer.UNKNOWN),
        ((connect(), connect(-10 * US), DROPPED), SENT, WHOLE, Answer.YES),
        ((connect(), DROPPED), SENT, WHOLE, Answer.NO),
        # One of many that were only counted may be its attempt.
        (
            (connect(2000 * MS), drop(2000 * MS + US, "NETFILTER_DROP", interrupt=False)),
            MANY,
            WHOLE,
            Answer.NO,
        ),
        ((connect(9000 * MS),), MANY, WHOLE, Answer.UNKNOWN),
        # Not the target.
        ((connect(server=Endpoint("10.0.0.1", 62893)), DROPPED), (), WHOLE, Answer.UNKNOWN),
    ],
)
def test_answers(
    events: tuple[Event, ...], groups: tuple[AttemptGroup, ...], health: TraceHealth, answer: Answer
) -> None:
    assert connect_without_syn(KernelView(TARGET, groups, record(*events, health=health))).answer is answer


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ((), Answer.NO),
        ((connect(), DROPPED), Answer.YES),
        ((connect(), drop(0, "NETFILTER_DROP")), Answer.NO),
        ((connect(), drop(0, "QDISC_DROP", interrupt=False)), Answer.NO),
        (
            (
                connect(),
                drop(0, "X", interrupt=False),
                connect(9 * MS),
                DROPPED._replace(ts_ns=START + 9 * MS),
            ),
            Answer.YES,
        ),
        ((connect(server=Endpoint("10.0.0.1", 62893)), DROPPED), Answer.NO),
    ],
)
def test_stopped_on_its_way_out(events: tuple[Event, ...], answer: Answer) -> None:
    assert stopped(KernelView(TARGET, (), record(*events)), "NETFILTER_DROP".__eq__).answer is answer


def test_text() -> None:
    seen = record(connect(), DROPPED, connect(9 * MS), drop(9 * MS, "X", interrupt=False))
    found = connect_without_syn(KernelView(TARGET, (), seen))
    assert found.text == (
        "client (100) tried to connect to 127.0.0.1:62893, and its SYN was dropped on the way out after 20 µs: "
        "NETFILTER_DROP (2 connects in all)"
    )


def test_stopped_where_a_rule_has_sent_it() -> None:
    own, dropped = connect()._replace(of_command=True), drop(0, "NETFILTER_DROP")
    found = stopped(KernelView(TARGET, (), record(own, dropped)), "NETFILTER_DROP".__eq__)
    assert found.text.startswith(
        "the kernel dropped the SYN of client (100) where it came to with the reason NET"
    )
    another = record(own, dropped, drop(US, "NO_SOCKET"))
    assert stopped(KernelView(TARGET, (), another), "NETFILTER_DROP".__eq__).answer is Answer.NO


def test_the_command_set_out_for_the_target() -> None:
    watched, own = replace(WHOLE, denials=True), connect()._replace(of_command=True)
    found = own_connect(KernelView(TARGET, (), record(own, health=watched)))
    assert (
        found.text == "client (100) began to connect to 127.0.0.1:62893, and no SYN to it is in the capture"
    )
    assert own_connect(KernelView(TARGET, SENT, record(own, health=watched))).answer is Answer.NO
    assert own_connect(KernelView(TARGET, (), record(connect(), health=watched))).answer is Answer.NO
    assert own_connect(KernelView(TARGET, (), record(own))).answer is Answer.UNKNOWN
    holes = replace(watched, lost=1)
    assert own_connect(KernelView(TARGET, (), record(health=holes))).answer is Answer.UNKNOWN


def test_to_port_0_nobody_gets_further() -> None:
    zero = connect(server=Endpoint("127.0.0.1", 0))._replace(of_command=True)
    known = record(zero, health=replace(WHOLE, denials=True))
    found = own_connect(KernelView(Target("127.0.0.1:0", 0, "127.0.0.1"), (), known))
    assert found.answer is Answer.UNKNOWN
