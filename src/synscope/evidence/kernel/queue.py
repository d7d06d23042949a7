"""Was the accept queue full? A SYN that meets a full queue is consumed without an event; a counter rises.

Input: the target's unanswered attempts and the record. Pure. The counter names no port, so it must account for
every unanswered SYN of the target, and nothing else may have dropped them.
"""

from __future__ import annotations

from collections.abc import Sequence

from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.words import OVERFLOW, Case
from synscope.evidence.packets.view import Verdict, attempts, frames_of, no, total, unknown, yes
from synscope.model import AttemptGroup
from synscope.units import count


def queue_full(groups: Sequence[AttemptGroup], record: Record) -> Verdict:
    """Did the kernel count overflows of a listen queue for the unanswered attempts in ``groups``?"""
    if not groups:
        return no("no attempt went unanswered")
    cases = [Case(record, attempt) for attempt in attempts(groups)]
    drops = [(case.attempt, case.fate.drop) for case in cases if case.fate.drop is not None]
    if full := [attempt for attempt, drop in drops if drop.reason == OVERFLOW]:
        frames = frames_of(full, lambda frames: frames.syn)
        return yes("the kernel dropped the SYN because the listen queue was full", frames)
    if drops and len(drops) == len(cases):
        return no(f"the kernel dropped the SYN for another reason: {drops[0][1].reason}")
    return _counted(total(groups) - len(drops), record.health.overflows)


def _counted(silent: int, overflows: int | None) -> Verdict:
    if overflows is None:
        return unknown("the counters of listen queue overflows were not read")
    if not overflows:
        return no("the network namespace counted no listen queue overflow")
    counted = f"the network namespace counted {count(overflows, 'listen queue overflow')}"
    if overflows < silent:
        return unknown(f"{counted}, fewer than the {count(silent, 'unanswered attempt')}")
    return yes(f"{counted} while {count(silent, 'attempt')} went unanswered; the counter names no port")
