"""Answer every question that the kernel's trace can answer about one target.

Input: the target, its groups of attempts, the trace's events and health. Output: one ``Observation`` for each of
``QUESTIONS``. Pure: no I/O, no clock. What the trace cannot tell is *could not tell*, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.kernel import (
    calls,
    denied,
    drops,
    listeners,
    networks,
    rules,
    server_legs,
    unsent,
)
from synscope.evidence.kernel.record import KernelView, Record
from synscope.evidence.question import Asked, Reply, collected, unknown
from synscope.model import AttemptGroup, Observation, Target

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event, OwnConnects, TraceHealth
    from synscope.probes.kernel.firewall_walks import FirewallTrace

QUESTIONS: Final[tuple[Asked, ...]] = collected(
    drops, unsent, calls, denied, networks, listeners, rules, server_legs
)
"""What the kernel's trace and counters answer."""


def observe_kernel(  # noqa: PLR0913 - each is something else that was traced
    target: Target,
    groups: Sequence[AttemptGroup],
    events: Iterable[Event],
    health: TraceHealth,
    firewall: FirewallTrace | None = None,
    *,
    own: OwnConnects | None = None,
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order. ``firewall`` is its trace, if it was on.

    ``own`` are the connects that the processes behind the watched ports made themselves.
    """
    view = KernelView(target, groups, Record(events, health, firewall, own))
    return [asked.question.observed(_reply(asked, view)) for asked in QUESTIONS]


def _reply(asked: Asked, view: KernelView) -> Reply:
    """Ask, where the trace was on; counters can be asked without it."""
    health = view.record.health
    if not asked.question.always and (health.error or health.start_ts_ns is None):
        return unknown(health.error or "the kernel's trace was not on")
    return asked.answer(view)


def preload() -> None:
    """Import what the questions load when they are first asked: afterwards the installation may not be readable."""
    from synscope.probes.kernel import events, filters, firewall_walks  # noqa: F401
