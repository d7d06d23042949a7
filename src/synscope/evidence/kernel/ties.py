"""Ties between attempts of the capture and events of the trace. Pure; each tie or its absence has a reason.

What is compared, and the windows (measured: ``docs/kernel-witness.md``): a connect event carries addresses and
the server's port, and precedes its SYN by some 20 µs; the RST carries both endpoints; a drop carries only the
thread, and comes some 20-300 µs after the connect. Two threads that fit are one too many.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from synscope.evidence.kernel.events import Event
from synscope.evidence.kernel.record import Record
from synscope.evidence.units import duration
from synscope.model import Attempt

CONNECT_BEFORE_NS: Final = 20_000_000
"""A SYN leaves at most this long after its connect began: the thread may have had to wait for a CPU in between."""
SLACK_NS: Final = 1_000_000
"""What the two clocks may differ by."""
DROP_AFTER_NS: Final = 2_000_000
"""A first SYN is dropped at most this long after the capture saw it."""
ANSWER_WITHIN_NS: Final = 1_000_000_000
"""How long after the SYN its RST is looked for when the capture has no answer."""
_UNKNOWN_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, never bound


class Tie(NamedTuple):
    """The connect that made an attempt, or why it is not known."""

    connect: Event | None
    why: str
    rivals: int = 0
    """How many threads fit, when more than one does."""


class Fate(NamedTuple):
    """Why an attempt's first SYN was dropped, or why that is not known."""

    drop: Event | None
    why: str


def connect_of(record: Record, attempt: Attempt) -> Tie:
    """Return the connect event of ``attempt``."""
    if attempt.frames.syn is None:
        return Tie(None, "its SYN is not in the capture")
    syn_ns = attempt.first_ts_ns
    near = [
        event
        for event in record.connects(attempt.server.port, syn_ns - CONNECT_BEFORE_NS, syn_ns + SLACK_NS)
        if _fits(event, attempt)
    ]
    if not near:
        return Tie(
            None, f"no process began to connect there within {duration(CONNECT_BEFORE_NS)} before its SYN"
        )
    threads = _threads(record, attempt, near)
    if len(threads) > 1:
        return Tie(None, f"{len(threads)} threads began to connect there at the same time", len(threads))
    own = [event for event in near if event.task.tid in threads]
    before = [event for event in own if event.ts_ns <= syn_ns]
    return Tie(before[-1] if before else own[0], "")


def _fits(connect: Event, attempt: Attempt) -> bool:
    client, server = connect.client, connect.server
    if client is None or server is None or server.address != attempt.server.address:
        return False
    return client.address == attempt.client.address or client.address in _UNKNOWN_ADDRESS


def _threads(record: Record, attempt: Attempt, near: list[Event]) -> frozenset[int]:
    """The threads that may have made ``attempt``: of several, the one that also ended it under its own port."""
    all_of_them = frozenset(event.task.tid for event in near)
    if len(all_of_them) == 1:
        return all_of_them
    ends = record.settled(attempt.client, attempt.server, near[0].ts_ns, None)
    enders = frozenset(event.task.tid for event in ends if not event.interrupt)
    return all_of_them & enders or all_of_them


def fate_of(record: Record, attempt: Attempt, tie: Tie) -> Fate:
    """Return the drop of the attempt's first SYN."""
    if tie.connect is None:
        return Fate(None, tie.why)
    tid, start = tie.connect.task.tid, tie.connect.ts_ns
    end = attempt.first_ts_ns + DROP_AFTER_NS
    if not record.complete(start, end):
        gaps = record.health.gaps or "it was not on all the time"
        return Fate(
            None, f"drops are tied by thread and time alone, and of the trace something is missing: {gaps}"
        )
    later = record.connects_of(tid, start + 1, end)
    found = record.drops(tid, start, later[0].ts_ns - 1 if later else end)
    ipv6 = ":" in attempt.server.address
    drops = [drop for drop in found if drop.ipv6 == ipv6]
    reasons = sorted({drop.reason for drop in drops})
    if len(reasons) > 1:
        return Fate(None, f"the thread saw drops for several reasons: {', '.join(reasons)}")
    if not drops:
        return Fate(
            None, f"no drop in {tie.connect.task}'s context within {duration(DROP_AFTER_NS)} of its SYN"
        )
    return Fate(drops[0], "")


def resets_of(record: Record, attempt: Attempt) -> list[Event]:
    """Return the RSTs of this machine's stack that answer ``attempt``'s SYN."""
    return record.resets(attempt.client, attempt.server, attempt.first_ts_ns - SLACK_NS, answered_by(attempt))


def answered_by(attempt: Attempt) -> int:
    """Return the time until which an answer to ``attempt``'s SYN is looked for."""
    last = attempt.times.answer or attempt.times.last_syn or attempt.first_ts_ns
    return last + (SLACK_NS if attempt.times.answer else ANSWER_WITHIN_NS)
