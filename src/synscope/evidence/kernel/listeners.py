"""Questions about who bound or listened while the trace ran, and when: on the target's port, or in its place. Pure.

Of a bind that failed the kernel says the error and the thread, not the port: it may have been for another one.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls, in_states
from synscope.evidence.kernel.aim import leads_to, serves
from synscope.evidence.kernel.record import KernelView, Record
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.evidence.typo import how_it_differs
from synscope.model import Answer, AttemptGroup, Endpoint, Source, Stage, Target
from synscope.units import count, duration

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

AT_ONCE_NS: Final = 500_000_000
"""A server that dies of a request ends its listener this soon after the connection's last frame."""

_NOT_SYSTEM: Final = 1024
_WEB_SERVICES: Final = frozenset({80, 443})
_SHOWN: Final = 3
_BEGAN: Final = "began to listen"
_STOPPED: Final = "stopped listening"


@question(
    "kernel-saw-listener-open",
    Source.KERNEL,
    "a process began to listen on the port during the observation",
    stage=Stage.LISTENER,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=in_states("sport {port}, newstate LISTEN: yes"),
)
def opened(view: KernelView) -> Reply:
    return _happened(view, _openings(view.target, view.record), _BEGAN)


@question(
    "kernel-saw-listener-close",
    Source.KERNEL,
    "a process stopped listening on the port during the observation",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_states("sport {port}, oldstate LISTEN: yes"),
)
def closed(view: KernelView) -> Reply:
    """Look at those before the attempts were over: afterwards it is of no matter to them."""
    closings = _closings(view.target, view.record)
    found = _happened(view, closings, _STOPPED)
    if found.answer is not Answer.YES or not view.groups:
        return found
    last_ns = max(group.last_ts_ns for group in view.groups) + AT_ONCE_NS
    if all(event.ts_ns > last_ns for event in closings):
        return no(f"only later: {found.text}")
    return found


@question(
    "kernel-saw-listener-on-similar-port",
    Source.KERNEL,
    "a process began to listen on a port that looks like a typo of the target, before an attempt failed",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=in_states("newstate LISTEN with a sport that differs from {port} by one digit: yes"),
)
def nearby(view: KernelView) -> Reply:
    found = [event for event in _beside(view) if _difference(view.target, event)]
    return _told_of(view, found, f"a port that looks like {view.target.port}")


@question(
    "kernel-saw-listener-on-another-port",
    Source.KERNEL,
    "a process began to listen at the target's address under another number, before an attempt failed",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=in_states("newstate LISTEN with another sport: yes"),
)
def elsewhere(view: KernelView) -> Reply:
    found = _beside(view)
    usual = [event for event in found if not _is_ephemeral(event)]
    return _told_of(view, usual or found, "another port")


def sentences(target: Target, groups: Sequence[AttemptGroup], record: Record) -> list[str]:
    """Return what happened to listeners on the port, in the order of time."""
    happened = ((_openings(target, record), _BEGAN), (_closings(target, record), _STOPPED))
    found = [(event.ts_ns, _sentence(event, verb, groups)) for events, verb in happened for event in events]
    return [text for _, text in sorted(found)]


def _happened(view: KernelView, found: list[Event], verb: str) -> Reply:
    _, groups, record = view
    if found:
        more = f", and {count(len(found) - 1, 'other')}" if len(found) > 1 else ""
        return yes(_sentence(found[0], verb, groups) + more)
    if record.whole and _told(record):
        return no(f"no process {verb} on the port")
    return unknown(record.health.gaps or "the trace of listeners is not complete")


def _openings(target: Target, record: Record) -> list[Event]:
    return [event for event in record.openings(target.port) if serves(target, event.server)]


def _closings(target: Target, record: Record) -> list[Event]:
    return [event for event in record.closings(target.port) if serves(target, event.server)]


def _told_of(view: KernelView, found: list[Event], where: str) -> Reply:
    target, groups, record = view
    if record.health.beside:
        return unknown(record.health.beside)
    if found:
        said = [
            _sentence(event, _BEGAN, groups) + _difference(target, event) + _place(event) for event in found
        ]
        more = f"; and {count(len(said) - _SHOWN, 'other')}" if len(said) > _SHOWN else ""
        return yes("; ".join(said[:_SHOWN]) + more)
    if record.health.crowded:
        return unknown(f"{record.health.crowded:,} events about listeners on other ports were not kept")
    if record.whole and _told(record):
        return no(f"no process was seen to begin to listen on {where} and to be there when an attempt failed")
    return unknown(record.health.gaps or "the trace of listeners is not complete")


def _beside(view: KernelView) -> list[Event]:
    """Return where, at other ports, somebody had begun to listen and still did when an attempt failed."""
    target, groups, record = view
    failed = [group for group in groups if group.failed]
    times = sorted({ts_ns for group in failed for ts_ns in _times(group)})
    by_place: dict[Endpoint, list[Event]] = defaultdict(list)
    for event in record.all_listening():
        if event.server is not None and _competes(event.server, target, failed):
            by_place[event.server].append(event)
    found = (_open_at(events, times) for events in by_place.values())
    return sorted((event for event in found if event is not None), key=lambda event: event.ts_ns)


def _times(group: AttemptGroup) -> list[int]:
    return [group.first_ts_ns, group.last_ts_ns, *(attempt.first_ts_ns for attempt in group.examples)]


def _competes(place: Endpoint, target: Target, failed: Sequence[AttemptGroup]) -> bool:
    """Whether a client of the target may be meant for ``place``: not for what the system itself serves."""
    if place.port == target.port or (place.port < _NOT_SYSTEM and place.port not in _WEB_SERVICES):
        return False
    return any(leads_to(group.server.address, place) for group in failed)


def _open_at(events: list[Event], times: list[int]) -> Event | None:
    """Return the first beginning in one place's events after which it was open at one of the ``times``."""
    for event, following in itertools.pairwise([*events, None]):
        if event is not None and _counts(event):
            end = None if following is None else following.ts_ns
            if any(event.ts_ns <= ts_ns and (end is None or ts_ns < end) for ts_ns in times):
                return event
    return None


def _counts(event: Event) -> bool:
    """Whether it is a beginning; on ephemeral ports too many come and go elsewhere to count one without its place."""
    from synscope.probes.kernel.events import Kind

    return event.kind is Kind.LISTEN and not (event.unplaced and _is_ephemeral(event))


def _is_ephemeral(event: Event) -> bool:
    from synscope.probes.kernel.events import EPHEMERAL

    return event.server is not None and event.server.port in EPHEMERAL


def _difference(target: Target, event: Event) -> str:
    """How the port differs from the target's, in brackets, where it looks like it; else empty."""
    how = how_it_differs(target.port, event.server.port) if event.server is not None else ""
    return f" ({how})" if how else ""


def _place(event: Event) -> str:
    return ", in a network namespace that could not be asked for any more" if event.unplaced else ""


def _told(record: Record) -> bool:
    return "sock/inet_sock_set_state" not in record.health.missing


def _sentence(event: Event, verb: str, groups: Sequence[AttemptGroup]) -> str:
    return f"{event.task} {verb} on {event.server}{_when(event.ts_ns, groups)}"


def _when(ts_ns: int, groups: Sequence[AttemptGroup]) -> str:
    if not groups:
        return ""
    first = min(group.first_ts_ns for group in groups)
    last = max(group.last_ts_ns for group in groups)
    if ts_ns < first:
        return f", {duration(first - ts_ns)} before the first attempt"
    if ts_ns > last:
        return f", {duration(ts_ns - last)} after the last attempt"
    return f", {duration(ts_ns - first)} after the first attempt and {duration(last - ts_ns)} before the last"


def _bind_failed(error: str) -> Callable[[KernelView], Reply]:
    """Ask whether a bind failed with an error, by its name such as ``EACCES``."""

    def ask(view: KernelView) -> Reply:
        from synscope.probes.kernel.filters import BIND

        record, health = view.record, view.record.health
        if health.beside:
            return unknown(health.beside)
        if not health.binds:
            why = health.missing.get(BIND)
            return unknown(f"binds are not traced{f': {why}' if why else ''}")
        found = [event for event in record.unbound() if event.reason == error]
        if found:
            more = f", and {count(len(found) - 1, 'other')}" if len(found) > 1 else ""
            return yes(
                f"a bind of {found[0].task} failed with {error}{more}; the kernel does not say for which port"
            )
        if record.whole:
            return no(f"no bind was seen to fail with {error}")
        return unknown(health.gaps or "the trace of binds is not complete")

    return ask


bind_denied = question(
    "kernel-saw-bind-denied",
    Source.KERNEL,
    "a bind, for whatever port, failed: permission denied",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_calls("bind", "EACCES: yes"),
)(_bind_failed("EACCES"))

bind_not_permitted = question(
    "kernel-saw-bind-not-permitted",
    Source.KERNEL,
    "a bind, for whatever port, failed: operation not permitted",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_calls("bind", "EPERM: yes"),
)(_bind_failed("EPERM"))

bind_in_use = question(
    "kernel-saw-bind-in-use",
    Source.KERNEL,
    "a bind, for whatever port, failed: address already in use",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_calls("bind", "EADDRINUSE: yes"),
)(_bind_failed("EADDRINUSE"))
