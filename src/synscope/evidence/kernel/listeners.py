"""Who began or ceased to listen while the trace ran, and when: on the target's port, or in its place. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from synscope.evidence.kernel.aim import leads_to, serves
from synscope.evidence.kernel.record import Record
from synscope.evidence.packets.view import Verdict, no, unknown, yes
from synscope.evidence.typo import how_it_differs
from synscope.model import Answer, AttemptGroup, Endpoint, Target
from synscope.probes.kernel.events import EPHEMERAL, Event, Kind
from synscope.units import count, duration

AT_ONCE_NS: Final = 500_000_000
"""A server that dies of a request ends its listener this soon after the connection's last frame."""

_NOT_SYSTEM: Final = 1024
_WEB_SERVICES: Final = frozenset({80, 443})
_SHOWN: Final = 3


def opened(target: Target, groups: Sequence[AttemptGroup], record: Record) -> Verdict:
    """Did a process begin to listen on the port?"""
    return _happened(Kind.LISTEN, "began to listen", target, groups, record)


def closed(target: Target, groups: Sequence[AttemptGroup], record: Record) -> Verdict:
    """Did a process stop listening on the port, before the attempts were over?"""
    found = _happened(Kind.UNLISTEN, "stopped listening", target, groups, record)
    if found.answer is not Answer.YES or not groups:
        return found
    last_ns = max(group.last_ts_ns for group in groups) + AT_ONCE_NS
    if all(event.ts_ns > last_ns for event in _of(Kind.UNLISTEN, target, record)):
        return no(f"only later: {found.text}")
    return found


def elsewhere(target: Target, groups: Sequence[AttemptGroup], record: Record) -> Verdict:
    """Did a process begin to listen at the target's address on another port, and do so while attempts failed?"""
    found = _beside(target, groups, record)
    usual = [event for event in found if not _is_ephemeral(event)]
    return _told_of(target, groups, record, usual or found, "another port")


def nearby(target: Target, groups: Sequence[AttemptGroup], record: Record) -> Verdict:
    """Did one begin to listen on a port that looks like a typo of the target's, and do so while attempts failed?"""
    found = [event for event in _beside(target, groups, record) if _difference(target, event)]
    return _told_of(target, groups, record, found, f"a port that looks like {target.port}")


def sentences(target: Target, groups: Sequence[AttemptGroup], record: Record) -> list[str]:
    """Return what happened to listeners on the port, in the order of time."""
    found = [
        (event.ts_ns, _sentence(event, verb, groups))
        for kind, verb in ((Kind.LISTEN, "began to listen"), (Kind.UNLISTEN, "stopped listening"))
        for event in _of(kind, target, record)
    ]
    return [text for _, text in sorted(found)]


def _happened(
    kind: Kind, verb: str, target: Target, groups: Sequence[AttemptGroup], record: Record
) -> Verdict:
    found = _of(kind, target, record)
    if found:
        more = f", and {count(len(found) - 1, 'other')}" if len(found) > 1 else ""
        return yes(_sentence(found[0], verb, groups) + more)
    if record.whole and _told(record):
        return no(f"no process {verb} on the port")
    return unknown(record.health.gaps or "the trace of listeners is not complete")


def _of(kind: Kind, target: Target, record: Record) -> list[Event]:
    return [event for event in record.listening(target.port, kind) if serves(target, event.server)]


def _told_of(
    target: Target, groups: Sequence[AttemptGroup], record: Record, found: list[Event], where: str
) -> Verdict:
    if record.health.beside:
        return unknown(record.health.beside)
    if found:
        said = [
            _sentence(event, "began to listen", groups) + _difference(target, event) + _place(event)
            for event in found
        ]
        more = f"; and {count(len(said) - _SHOWN, 'other')}" if len(said) > _SHOWN else ""
        return yes("; ".join(said[:_SHOWN]) + more)
    if record.health.crowded:
        return unknown(f"{record.health.crowded:,} events about listeners on other ports were not kept")
    if record.whole and _told(record):
        return no(f"no process was seen to begin to listen on {where} and to be there when an attempt failed")
    return unknown(record.health.gaps or "the trace of listeners is not complete")


def _beside(target: Target, groups: Sequence[AttemptGroup], record: Record) -> list[Event]:
    """Where, at other ports, somebody had begun to listen and still did when an attempt failed."""
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
    return event.kind is Kind.LISTEN and not (event.unplaced and _is_ephemeral(event))


def _is_ephemeral(event: Event) -> bool:
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
