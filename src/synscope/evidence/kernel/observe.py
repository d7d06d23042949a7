"""Answer the vocabulary's kernel words for one target.

Input: the target, its groups of attempts, the trace's events and health. Output: one ``Observation`` for each
of ``QUESTIONS``. Pure: no I/O, no clock. What the trace cannot tell is *could not tell*, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from synscope.evidence.kernel import binds, listeners, unsent
from synscope.evidence.kernel.queue import queue_full
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.words import NETFILTER, POLICIES, Case
from synscope.evidence.packets.view import Verdict, attempts, frames_of, no, total, unknown
from synscope.evidence.vocabulary import WORDS
from synscope.model import Answer, Attempt, AttemptGroup, Label, Observation, Target
from synscope.probes.kernel.events import Event, TraceHealth
from synscope.units import count


class Situation(NamedTuple):
    """What each question looks at."""

    target: Target
    groups: Sequence[AttemptGroup]
    record: Record


def _dropped(ask: Callable[[Case], Verdict]) -> Callable[[Situation], Verdict]:
    return lambda situation: _over(situation, (Label.SYN_RST, Label.SYN_NO_REPLY), "failed", ask)


def _refused(ask: Callable[[Case], Verdict]) -> Callable[[Situation], Verdict]:
    return lambda situation: _over(situation, (Label.SYN_RST,), "was refused by an RST", ask)


def _stopped(ask: Callable[[Case], Verdict], reasons: frozenset[str]) -> Callable[[Situation], Verdict]:
    """Of attempts, or of connects whose SYN never got as far as being one."""
    asked = _dropped(ask)
    return lambda it: asked(it) if it.groups else unsent.stopped(it.target, it.record, reasons)


QUESTIONS: Final[dict[str, Callable[[Situation], Verdict]]] = {
    "kernel-says-no-socket": _dropped(Case.no_socket),
    "kernel-says-netfilter-drop": _stopped(Case.netfilter_drop, frozenset({NETFILTER})),
    "kernel-says-policy-drop": _stopped(Case.policy_drop, POLICIES),
    "kernel-says-queue-full": lambda it: queue_full(_failing(it.groups, (Label.SYN_NO_REPLY,)), it.record),
    "kernel-says-stack-reset": _refused(Case.stack_reset),
    "kernel-says-firewall-reset": _refused(Case.firewall_reset),
    "kernel-saw-connect-without-syn": lambda it: unsent.connect_without_syn(it.target, it.groups, it.record),
    "kernel-saw-listener-open": lambda it: listeners.opened(it.target, it.groups, it.record),
    "kernel-saw-listener-close": lambda it: listeners.closed(it.target, it.groups, it.record),
    "kernel-saw-bind-denied": lambda it: binds.failed("EACCES", it.record),
    "kernel-saw-bind-not-permitted": lambda it: binds.failed("EPERM", it.record),
    "kernel-saw-bind-in-use": lambda it: binds.failed("EADDRINUSE", it.record),
    "kernel-saw-listener-on-similar-port": lambda it: listeners.nearby(it.target, it.groups, it.record),
    "kernel-saw-listener-on-another-port": lambda it: listeners.elsewhere(it.target, it.groups, it.record),
}
"""Every word of the vocabulary that the kernel answers → the question behind it."""

_WITHOUT_TRACE: Final = frozenset({"kernel-says-queue-full"})
"""Questions that counters can answer alone."""


def observe_kernel(
    target: Target, groups: Sequence[AttemptGroup], events: Iterable[Event], health: TraceHealth
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order."""
    situation = Situation(target, groups, Record(events, health))
    return [
        Observation(name, verdict.answer, WORDS[name].source, verdict.text, verdict.frames)
        for name, verdict in ((name, _answer(name, situation)) for name in QUESTIONS)
    ]


def _answer(name: str, situation: Situation) -> Verdict:
    health = situation.record.health
    if name not in _WITHOUT_TRACE and (health.error or health.start_ts_ns is None):
        return unknown(health.error or "the kernel's trace was not on")
    return QUESTIONS[name](situation)


def _failing(groups: Sequence[AttemptGroup], labels: tuple[Label, ...]) -> list[AttemptGroup]:
    return [group for group in groups if group.failed and group.label in labels]


def _over(
    situation: Situation, labels: tuple[Label, ...], happened: str, ask: Callable[[Case], Verdict]
) -> Verdict:
    """Ask of every attempt at hand: yes if one says so, no if all deny it, else the first doubt."""
    groups = _failing(situation.groups, labels)
    if not groups:
        return no(f"no attempt {happened}")
    asked = [(attempt, ask(Case(situation.record, attempt))) for attempt in attempts(groups)]
    by_answer = {
        answer: [(attempt, verdict) for attempt, verdict in asked if verdict.answer is answer]
        for answer in Answer
    }
    for answer in (Answer.YES, Answer.UNKNOWN, Answer.NO):
        if found := by_answer[answer]:
            return Verdict(answer, _said(found, total(groups)), _frames(attempt for attempt, _ in found))
    return unknown("no attempt is at hand to be tied to the trace")


def _said(found: list[tuple[Attempt, Verdict]], number: int) -> str:
    first = found[0][1].text
    return (
        first
        if number == 1
        else f"{first} ({len(found):,} of {count(number, 'attempt')} looked at and alike)"
    )


def _frames(found: Iterable[Attempt]) -> tuple[int, ...]:
    return frames_of(found, lambda frames: frames.syn, lambda frames: frames.rst)
