"""Answer every question that the kernel's trace can answer about one target.

Input: the target, its groups of attempts, the trace's events and health. Output: one ``Observation`` for each of
``QUESTIONS``. Pure: no I/O, no clock. What the trace cannot tell is *could not tell*, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.kernel import denied, drops, listeners, networks, server_legs, unsent
from synscope.evidence.kernel.record import KernelView, Record
from synscope.evidence.question import Asked, Reply, collected, unknown
from synscope.model import AttemptGroup, Observation, Target

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event, OwnConnects, TraceHealth

QUESTIONS: Final[tuple[Asked, ...]] = collected(drops, unsent, denied, networks, listeners, server_legs)
"""What the kernel's trace and counters answer."""


def observe_kernel(
    target: Target,
    groups: Sequence[AttemptGroup],
    events: Iterable[Event],
    health: TraceHealth,
    own: OwnConnects | None = None,
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order.

    ``own`` are the connects that the processes behind the watched ports made themselves.
    """
    view = KernelView(target, groups, Record(events, health, own))
    return [asked.question.observed(_reply(asked, view)) for asked in QUESTIONS]


def _reply(asked: Asked, view: KernelView) -> Reply:
    """Ask, where the trace was on; counters can be asked without it."""
    health = view.record.health
    if not asked.question.always and (health.error or health.start_ts_ns is None):
        return unknown(health.error or "the kernel's trace was not on")
    return asked.answer(view)


def preload() -> None:
    """Import what the questions load when they are first asked: afterwards the installation may not be readable."""
    from synscope.probes.kernel import events, filters  # noqa: F401
