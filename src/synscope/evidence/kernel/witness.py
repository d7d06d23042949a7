"""What the kernel witnessed about one target, summed up for reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from synscope.evidence.kernel.listeners import sentences
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.ties import connect_of
from synscope.evidence.packets.view import attempts
from synscope.model import AttemptGroup, Target

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event, Task, TraceHealth


class Witness(NamedTuple):
    """Names are what the threads call themselves: attacker-chosen, unescaped."""

    processes: dict[int, Task]
    """Attempt id → the thread that made it, for the attempts at hand of which it is known."""
    listeners: tuple[str, ...]
    """Who began and who ceased to listen on the port, and when."""
    notes: tuple[str, ...]
    """What the trace could not see, and why."""


def sum_up(
    target: Target, groups: Sequence[AttemptGroup], events: Iterable[Event], health: TraceHealth
) -> Witness:
    """Sum up what the trace says about ``target``."""
    record = Record(events, health)
    tied = {attempt.id: connect_of(record, attempt).connect for attempt in attempts(groups)}
    return Witness(
        processes={number: connect.task for number, connect in tied.items() if connect is not None},
        listeners=tuple(sentences(target, groups, record)),
        notes=notes(health),
    )


def notes(health: TraceHealth) -> tuple[str, ...]:
    """Return what a person should know about the trace's completeness."""
    if health.error:
        return (f"no kernel trace: {health.error}",)
    missing = [f"{event} is not traced: {why}" for event, why in sorted(health.missing.items())]
    return (*([health.gaps] if health.gaps else []), *missing)
