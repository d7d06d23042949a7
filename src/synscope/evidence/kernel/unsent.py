"""Connects that the kernel saw begin and that never put a SYN on the wire. Pure.

Two proofs count: the connect ended before it had a local port (no ephemeral port was left), or its SYN was dropped
on the way out, in the thread's own context. A connect that is merely not in the capture may have been made in
another network namespace: that cannot be told. A connect that fails before the socket's state changes (no route,
no address, denied) makes no event at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls
from synscope.evidence.kernel.aim import aims_at
from synscope.evidence.kernel.record import KernelView, Record
from synscope.evidence.kernel.ties import (
    CONNECT_BEFORE_NS,
    DROP_AFTER_NS,
    SLACK_NS,
    STALL_NS,
    dropped_text,
    drops_of,
)
from synscope.evidence.packets.view import attempts
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, AttemptGroup, Endpoint, Source, Stage
from synscope.reference.drop_reasons import UNSPECIFIED, in_words, kind_of
from synscope.units import count, duration

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_BLIND: Final = "sock/inet_sock_set_state"


@question(
    "kernel-saw-connect-without-syn",
    Source.KERNEL,
    "a process began to connect to the port and its SYN never reached the wire",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("connect", "connect() to {port} while a capture on the interface has no SYN to it: yes"),
)
def connect_without_syn(view: KernelView) -> Reply:
    target, groups, record = view
    connects = [event for event in record.connects(target.port) if aims_at(target, event.server)]
    unmatched = _unmatched(connects, groups)
    proofs = [(event, why) for event in unmatched if (why := _proof(event, record))]
    if proofs:
        return yes(_said(proofs))
    if unmatched:
        return unknown(
            f"{unmatched[0].task} began to connect and its SYN is not in the capture; it may have been in another "
            "network namespace"
        )
    if not record.whole or _BLIND in record.health.missing:
        return unknown(record.health.gaps or "the trace of connects is not complete")
    if not connects:
        return unknown(
            "no connect there got as far as sending a SYN; one that fails before, for want of a route, an address, a "
            "descriptor or a permission, leaves no event"
        )
    return no("every connect that began is in the capture")


@question(
    "kernel-saw-own-connect",
    Source.KERNEL,
    "a process of the command began to connect to the port, and the capture has no SYN of it",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("connect", "connect() to {port}, and a capture without a SYN to it: yes"),
)
def own_connect(view: KernelView) -> Reply:
    """Look for the command's own connects only: the number, the name and the client's way are well then."""
    target, groups, record = view
    if groups:
        return no("the capture has attempts to the target")
    if not record.health.denials:
        return unknown(record.calls_missing or "")
    if not target.port:
        return unknown("a client that takes port 0 for a port gets no further with it")
    for event in record.connects(target.port):
        if event.of_command and aims_at(target, event.server):
            return yes(f"{event.task} began to connect to {event.server}, and no SYN to it is in the capture")
    if not record.whole or record.calls_missing or _BLIND in record.health.missing:
        return unknown(record.health.gaps or record.calls_missing or "the trace of connects is not complete")
    return no("no process of the command got as far as sending a SYN there")


def stopped(view: KernelView, is_meant: Callable[[str], bool]) -> Reply:
    """Say whether a SYN to the target that nobody saw was dropped on its way out, for a reason that is meant."""
    target, _, record = view
    connects = [event for event in record.connects(target.port) if aims_at(target, event.server)]
    drops = [(event, drop) for event in connects if (drop := _dropped(event, record)) is not None]
    for event, drop in drops:
        if is_meant(drop.reason):
            return yes(dropped_text(f"SYN of {event.task} on its way out", drop.reason))
    # One that a rule sends elsewhere is not in the capture under the target's name, and is received all the same.
    own = [event for event in connects if event.of_command]
    received = [(event, drop) for event in own if (drop := _dropped_later(event, record)) is not None]
    for event, drop in received:
        if is_meant(drop.reason):
            return yes(dropped_text(f"SYN of {event.task} where it came to", drop.reason))
    drops += received
    if drops:
        text = f"the kernel dropped the SYN for another reason: {in_words(drops[0][1].reason)}"
        return no(text) if kind_of(drops[0][1].reason) else unknown(text)
    return no("no SYN was seen to be dropped on its way out")


def _unmatched(connects: list[Event], groups: Sequence[AttemptGroup]) -> list[Event]:
    """Return the connects that are none of the attempts; one attempt answers for one connect.

    Of a group that is counted rather than kept, any connect of its time may be one.
    """
    folded = [group for group in groups if group.count > len(group.examples)]
    free = sorted(attempts(groups), key=lambda attempt: attempt.first_ts_ns)
    left = connects
    for window_ns in (CONNECT_BEFORE_NS, STALL_NS):
        left = [event for event in left if not _claimed(event, free, window_ns)]
    return [
        event
        for event in left
        if not any(
            event.server == group.server and _near(event.ts_ns, group.first_ts_ns, group.last_ts_ns, STALL_NS)
            for group in folded
        )
    ]


def _claimed(event: Event, free: list[Attempt], window_ns: int) -> bool:
    """Whether one of the ``free`` attempts is this connect's; it is free no longer."""
    for attempt in free:
        began_ns = attempt.first_ts_ns
        if event.server == attempt.server and _near(event.ts_ns, began_ns, began_ns, window_ns):
            free.remove(attempt)
            return True
    return False


def _near(ts_ns: int, first_ns: int, last_ns: int, window_ns: int) -> bool:
    return first_ns - window_ns <= ts_ns <= last_ns + SLACK_NS


def _proof(connect: Event, record: Record) -> str | None:
    """What shows that this connect's SYN never left; ``None`` when nothing does."""
    if connect.client is None or connect.server is None:
        return None
    # A SYN that is dropped on its way out is dropped 16-40 µs after its connect began, unless the machine stalls.
    end = connect.ts_ns + STALL_NS
    unported = Endpoint(connect.client.address, 0)
    for event in record.settled(unported, connect.server, connect.ts_ns, end):
        if event.task.tid == connect.task.tid:
            return f"it ended after {duration(event.ts_ns - connect.ts_ns)}, before it had a local port"
    drop = _dropped(connect, record)
    if drop is None:
        return None
    return f"its SYN was dropped on the way out after {duration(drop.ts_ns - connect.ts_ns)}: {drop.reason}"


def _dropped(connect: Event, record: Record) -> Event | None:
    """The drop of this connect's SYN in the thread's own context."""
    drop = next(
        (
            drop
            for drop in drops_of(record, connect, connect.ts_ns + STALL_NS)
            if not drop.interrupt and drop.reason != UNSPECIFIED
        ),
        None,
    )
    return drop if drop is not None and record.complete(connect.ts_ns, drop.ts_ns) else None


def _dropped_later(connect: Event, record: Record) -> Event | None:
    """The drop of this connect's SYN where it is received: at once, in an interrupt of the thread, for one reason."""
    end = connect.ts_ns + DROP_AFTER_NS
    drops = [drop for drop in drops_of(record, connect, end) if drop.reason != UNSPECIFIED]
    one_reason = len({drop.reason for drop in drops}) == 1
    return drops[0] if one_reason and record.complete(connect.ts_ns, end) else None


def _said(proofs: list[tuple[Event, str]]) -> str:
    event, why = proofs[0]
    more = f" ({count(len(proofs), 'connect')} in all)" if len(proofs) > 1 else ""
    return f"{event.task} tried to connect to {event.server}, and {why}{more}"
