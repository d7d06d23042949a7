"""Who began or ceased to listen on the target's port while the trace ran, and when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synscope.evidence.kernel.aim import serves
from synscope.evidence.kernel.events import Event, Kind
from synscope.evidence.kernel.record import Record
from synscope.evidence.units import count, duration
from synscope.evidence.view import Verdict, no, unknown, yes
from synscope.model import Answer, AttemptGroup, Target

AT_ONCE_NS: Final = 500_000_000
"""A server that dies of a request ends its listener this soon after the connection's last frame."""


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
