"""Who stopped the SYN of an attempt, by the trace and the counters, and when they must not say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.drops import FailedAttempt, is_of, is_other, is_unclear, queue_full
from synscope.evidence.kernel.record import KernelView
from synscope.model import Answer, Endpoint, Outcome, Target
from synscope.probes.kernel.events import Event, TraceHealth
from synscope.reference.drop_reasons import Kind
from tests.evidence.builders import MS, START, group, times
from tests.evidence.kernel.events import (
    CLIENT,
    OTHER,
    SERVER,
    US,
    WHOLE,
    attempt,
    connect,
    drop,
    record,
    reset,
    settled,
)

NO_SOCKET = (connect(), reset(5 * US), drop(6 * US, "NO_SOCKET"), settled(9 * US))
FIREWALL = (connect(), drop(6 * US, "NETFILTER_DROP"), settled(9 * US))
TARGET = Target("localhost:62893", 62893, "localhost")
YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
OLD = replace(WHOLE, names_resets=False)


def answers(*events: Event, health: TraceHealth = WHOLE) -> tuple[Answer, ...]:
    """No socket, netfilter, the stack's RST, the firewall's RST."""
    refused = attempt(Outcome.REFUSED, times=times(answer=20 * US))
    failed = FailedAttempt(record(*events, health=health), refused)
    firewall = failed.dropped(is_of(Kind.FIREWALL))
    replies = (failed.no_socket(), firewall, failed.stack_reset(), failed.firewall_reset())
    return tuple(reply.answer for reply in replies)


@pytest.mark.parametrize(
    ("events", "health", "expected"),
    [
        (NO_SOCKET, WHOLE, (YES, NO, YES, NO)),
        (FIREWALL, WHOLE, (NO, YES, NO, YES)),
        # The connect was not seen: an RST between the same endpoints still says who sent it.
        (NO_SOCKET[1:], WHOLE, (YES, NO, YES, NO)),
        (FIREWALL[1:], WHOLE, (UNKNOWN,) * 4),
        ((), WHOLE, (UNKNOWN,) * 4),
        # Drops are tied by thread and time: not when events were lost.
        (NO_SOCKET, replace(WHOLE, lost=3), (YES, NO, YES, NO)),
        (FIREWALL, replace(WHOLE, lost=3), (UNKNOWN,) * 4),
        # Switched off later, it still was whole when this happened.
        (FIREWALL, replace(WHOLE, switched_off="switched off"), (NO, YES, NO, YES)),
        (FIREWALL, replace(WHOLE, end_ts_ns=START), (UNKNOWN,) * 4),
        # The absence of the stack's RST counts only where it would be traced.
        (FIREWALL, OLD, (NO, YES, UNKNOWN, UNKNOWN)),
        (FIREWALL, replace(WHOLE, start_ts_ns=WHOLE.end_ts_ns), (UNKNOWN,) * 4),
        ((connect(), drop(6 * US, "NO_SOCKET")), OLD, (YES, NO, UNKNOWN, UNKNOWN)),
        ((connect(), drop(6 * US, "NO_SOCKET")), WHOLE, (UNKNOWN, NO, UNKNOWN, UNKNOWN)),
        # Two threads at the same time, and nothing that tells them apart.
        ((*NO_SOCKET[:3], connect(-40 * US, OTHER)), WHOLE, (UNKNOWN,) * 4),
        ((*NO_SOCKET, connect(-40 * US, OTHER), settled(8 * US, OTHER)), WHOLE, (UNKNOWN,) * 4),
        ((*FIREWALL[:2], connect(-40 * US, OTHER)), WHOLE, (UNKNOWN,) * 4),
        # The thread that ended this connect began it.
        ((*NO_SOCKET, connect(-40 * US, OTHER)), WHOLE, (YES, NO, YES, NO)),
        ((*FIREWALL, connect(-40 * US, OTHER)), WHOLE, (NO, YES, NO, YES)),
        # An end in an interrupt tells only whom it interrupted.
        ((*FIREWALL[:2], connect(-40 * US, OTHER), settled(9 * US, interrupt=True)), WHOLE, (UNKNOWN,) * 4),
        # A connect elsewhere, or too early, is another's.
        ((*FIREWALL, connect(-40 * US, OTHER, Endpoint("127.0.0.2", 62893))), WHOLE, (NO, YES, NO, YES)),
        ((*FIREWALL, connect(-30 * MS, OTHER)), WHOLE, (NO, YES, NO, YES)),
        # Not this frame's drop: another thread's, another family's, too late, after the thread's next connect.
        ((connect(), drop(6 * US, "NETFILTER_DROP", OTHER)), WHOLE, (UNKNOWN,) * 4),
        ((connect(), drop(6 * US, "NETFILTER_DROP", ipv6=True)), WHOLE, (UNKNOWN,) * 4),
        ((connect(), drop(300 * MS, "NETFILTER_DROP")), WHOLE, (UNKNOWN,) * 4),
        ((connect(), connect(50 * US), drop(70 * US, "NETFILTER_DROP")), WHOLE, (UNKNOWN,) * 4),
        # The machine stalled in between; what lies in the usual window goes first.
        ((connect(), drop(30 * MS, "NETFILTER_DROP")), WHOLE, (NO, YES, NO, YES)),
        ((connect(-30 * MS), drop(6 * US, "NETFILTER_DROP")), WHOLE, (NO, YES, NO, YES)),
        ((*FIREWALL, drop(30 * MS, "QDISC_DROP")), WHOLE, (NO, YES, NO, YES)),
        # Several reasons: one of them was another frame's.
        ((*FIREWALL, drop(8 * US, "QDISC_DROP")), WHOLE, (UNKNOWN,) * 4),
        ((connect(), drop(6 * US, "QDISC_DROP")), WHOLE, (NO, NO, UNKNOWN, UNKNOWN)),
        # The stack had another reason to send the RST.
        ((connect(), reset(5 * US, "TCP_STATE")), WHOLE, (NO, NO, YES, NO)),
        ((connect(), reset(5 * US, "")), WHOLE, (UNKNOWN, NO, YES, NO)),
        ((connect(), reset(5 * US, ""), drop(6 * US, "NO_SOCKET")), WHOLE, (YES, NO, YES, NO)),
        ((connect(), reset(5 * US, ""), drop(6 * US, "NO_SOCKET", skb="bb")), WHOLE, (UNKNOWN, NO, YES, NO)),
        # A buffer's address is soon another frame's.
        ((*NO_SOCKET, drop(-5 * US, "NETFILTER_DROP", OTHER)), WHOLE, (YES, NO, YES, NO)),
        ((connect(), reset(5 * US, ""), drop(6 * US, "NO_SOCKET", OTHER)), WHOLE, (UNKNOWN, NO, YES, NO)),
    ],
)
def test_answers(events: tuple[Event, ...], health: TraceHealth, expected: tuple[Answer, ...]) -> None:
    assert answers(*events, health=health) == expected


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ((connect(), drop(6 * US, "TCP_MD5NOTFOUND")), YES),
        ((connect(), drop(6 * US, "TCP_AOFAILURE")), YES),
        (FIREWALL, NO),
        (NO_SOCKET, NO),
        ((), UNKNOWN),
        ((connect(), connect(-40 * US, OTHER), drop(6 * US, "TCP_MD5NOTFOUND")), UNKNOWN),
    ],
)
def test_a_signature_that_is_missing(events: tuple[Event, ...], answer: Answer) -> None:
    failed = FailedAttempt(record(*events), attempt(Outcome.UNANSWERED))
    assert failed.dropped(is_of(Kind.SIGNATURE)).answer is answer


@pytest.mark.parametrize(
    ("events", "answer"),
    [
        ((connect(), drop(6 * US, "QDISC_DROP")), YES),
        ((connect(), drop(6 * US, "TCP_MINTTL")), YES),
        ((connect(), drop(6 * US, "IP_RPFILTER")), YES),
        ((connect(), drop(6 * US, "TCP_MD5NOTFOUND")), NO),
        ((connect(), drop(6 * US, "TCP_FLAGS")), NO),
        # A reason of a kernel that is newer may mean anything.
        ((connect(), drop(6 * US, "A_NEW_ONE")), UNKNOWN),
        # Where the kernel gives no reason, another one that it gives counts.
        ((connect(), drop(6 * US, "NOT_SPECIFIED")), UNKNOWN),
        ((connect(), drop(6 * US, "NOT_SPECIFIED"), drop(7 * US, "QDISC_DROP")), YES),
        (FIREWALL, NO),
        (NO_SOCKET, NO),
        ((), UNKNOWN),
        ((connect(), connect(-40 * US, OTHER), drop(6 * US, "QDISC_DROP")), UNKNOWN),
    ],
)
def test_a_drop_that_nothing_else_names(events: tuple[Event, ...], answer: Answer) -> None:
    failed = FailedAttempt(record(*events), attempt(Outcome.UNANSWERED))
    assert failed.dropped(is_other).answer is answer


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("NETFILTER_DROP", " with the reason NETFILTER_DROP: a firewall's rule discarded it"),
        ("A_NEW_ONE", "; dropped, says the kernel: A_NEW_ONE"),
    ],
)
def test_the_reason_is_told(reason: str, said: str) -> None:
    failed = FailedAttempt(record(connect(), drop(6 * US, reason)), attempt(Outcome.UNANSWERED))
    assert failed.dropped(is_unclear).text == f"the kernel dropped the SYN of client (100){said}"
    assert failed.dropped(is_unclear).answer is (YES if reason == "A_NEW_ONE" else NO)
    failed = FailedAttempt(record(), attempt(Outcome.UNANSWERED))
    assert failed.dropped(is_other).text == "no process began to connect there within 200 ms before its SYN"
    assert (CLIENT.port, SERVER.port) == (50_000, 62893)


@pytest.mark.parametrize(
    ("events", "number", "overflows", "answer"),
    [
        ((), 2, 5, Answer.YES),
        ((), 2, 2, Answer.YES),
        ((), 2, 1, Answer.UNKNOWN),
        ((), 2, 0, Answer.NO),
        ((), 2, None, Answer.UNKNOWN),
        ((connect(), drop(US, "NETFILTER_DROP")), 1, 5, Answer.NO),
        ((connect(), drop(US, "TCP_LISTEN_OVERFLOW")), 1, 0, Answer.YES),
    ],
)
def test_a_full_queue_accounts_for_every_unanswered_syn(
    events: tuple[Event, ...], number: int, overflows: int | None, answer: Answer
) -> None:
    silent = group(attempt(Outcome.UNANSWERED), count=number)
    seen = record(*events, health=replace(WHOLE, overflows=overflows))
    assert queue_full(KernelView(TARGET, [silent], seen)).answer is answer


def test_nothing_unanswered() -> None:
    assert queue_full(KernelView(TARGET, [], record())).answer is Answer.NO


def test_of_a_half_open_attempt_the_answer_is_dropped() -> None:
    half_open = attempt(Outcome.CLIENT_VANISHED)
    found = FailedAttempt(record(*FIREWALL), half_open).dropped(is_of(Kind.FIREWALL))
    assert found.answer is YES
    assert found.text.startswith(
        "the kernel dropped the answer to the SYN of client (100) with the reason NETFILTER_"
    )
