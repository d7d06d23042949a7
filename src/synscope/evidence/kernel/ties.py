"""Ties between attempts of the capture and events of the trace. Pure; each tie or its absence has a reason.

What is compared, and the windows (measured: ``docs/kernel-witness.md``): a connect event carries addresses and
the server's port, and precedes its SYN by some 20 µs; the RST carries both endpoints; a drop carries only the
thread, and comes some 20-300 µs after the connect. Two threads that fit are one too many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.kernel.record import Record
from synscope.model import Attempt
from synscope.reference.drop_reasons import UNSPECIFIED, in_words, kind_of
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

CONNECT_BEFORE_NS: Final = 20_000_000
"""A SYN leaves this long after its connect began, or sooner: the thread may have had to wait for a CPU."""
SLACK_NS: Final = 1_000_000
"""What the two clocks may differ by."""
DROP_AFTER_NS: Final = 2_000_000
"""A first SYN is dropped this long after the capture saw it, or sooner."""
STALL_NS: Final = 200_000_000
"""What happens at once may still be torn apart this far where a hypervisor takes the CPU away (36 ms were measured
on an idle machine). Looked at only when the usual window is empty; less than a SYN's first retransmission."""
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
    near = next(
        filter(None, (_near(record, attempt, window) for window in (CONNECT_BEFORE_NS, STALL_NS))), None
    )
    if near is None:
        return Tie(None, f"no process began to connect there within {duration(STALL_NS)} before its SYN")
    threads = _threads(record, attempt, near)
    if len(threads) > 1:
        return Tie(None, f"{len(threads)} threads began to connect there at the same time", len(threads))
    own = [event for event in near if event.task.tid in threads]
    before = [event for event in own if event.ts_ns <= syn_ns]
    return Tie(before[-1] if before else own[0], "")


def _near(record: Record, attempt: Attempt, window_ns: int) -> list[Event]:
    syn_ns = attempt.first_ts_ns
    connects = record.connects(attempt.server.port, syn_ns - window_ns, syn_ns + SLACK_NS)
    return [event for event in connects if _fits(event, attempt)]


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
    start = tie.connect.ts_ns
    if not record.complete(start, attempt.first_ts_ns + DROP_AFTER_NS):
        gaps = record.health.gaps or "it was not on all the time"
        return Fate(
            None, f"drops are tied by thread and time alone, and of the trace something is missing: {gaps}"
        )
    ends = (attempt.first_ts_ns + window for window in (DROP_AFTER_NS, STALL_NS))
    drops = next(filter(None, (drops_of(record, tie.connect, end) for end in ends)), [])
    if drops and all(drop.reason == UNSPECIFIED for drop in drops):
        return Fate(None, f"the kernel dropped a frame of {tie.connect.task} and gives no reason")
    drops = [drop for drop in drops if drop.reason != UNSPECIFIED]
    reasons = sorted({drop.reason for drop in drops})
    if len(reasons) > 1:
        return Fate(None, f"the thread saw drops for several reasons: {', '.join(reasons)}")
    if not drops:
        return Fate(None, f"no drop in {tie.connect.task}'s context within {duration(STALL_NS)} of its SYN")
    return Fate(drops[0], "")


def drops_of(record: Record, connect: Event, end_ns: int) -> list[Event]:
    """Return the drops that may be of ``connect``'s frames: until the thread's next connect, or until ``end_ns``."""
    tid, start = connect.task.tid, connect.ts_ns
    later = record.connects_of(tid, start + 1, end_ns)
    ipv6 = connect.server is not None and ":" in connect.server.address
    return [
        drop
        for drop in record.drops(tid, start, later[0].ts_ns - 1 if later else end_ns)
        if drop.ipv6 == ipv6
    ]


def dropped_text(what: str, reason: str) -> str:
    """Say that the kernel dropped something, in the kernel's name for the reason and in plain words."""
    if kind_of(reason) is None:
        return f"the kernel dropped the {what}; dropped, says the kernel: {reason}"
    return f"the kernel dropped the {what} with the reason {in_words(reason)}"


def resets_of(record: Record, attempt: Attempt) -> list[Event]:
    """Return the RSTs of this machine's stack that answer ``attempt``'s SYN."""
    return record.resets(attempt.client, attempt.server, attempt.first_ts_ns - SLACK_NS, answered_by(attempt))


def answered_by(attempt: Attempt) -> int:
    """Return the time until which an answer to ``attempt``'s SYN is looked for."""
    last = attempt.times.answer or attempt.times.last_syn or attempt.first_ts_ns
    return last + (SLACK_NS if attempt.times.answer else ANSWER_WITHIN_NS)
