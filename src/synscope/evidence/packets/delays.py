"""Questions about what worked and took long: a repeated SYN, a late SYN-ACK, a detour over another address."""

from __future__ import annotations

from typing import Final

from synscope.evidence.by_hand import in_capture, in_conversations
from synscope.evidence.packets.view import NO_ATTEMPT, PacketsView, attempts, frames_of, matching, total
from synscope.evidence.question import Reply, Says, no, question, yes
from synscope.model import Attempt, Source, Stage
from synscope.units import count, duration

LATE_NS: Final = 500_000_000
"""From here on an answer is late: a stack repeats a SYN after half a second or one."""
_LISTENER_WAITS_NS: Final = 900_000_000
"""A listener that wants to hear the client first repeats its SYN-ACK after a second of silence."""


def handshake_took(attempt: Attempt) -> tuple[Stage, int | None] | None:
    """Return the stage at which a completed handshake took long, and ns where known; ``None`` where it was prompt."""
    times = attempt.times
    first, answer = times.first, times.answer
    last = first if times.last_syn is None else times.last_syn
    if attempt.syn_count > 1 and last > first:
        # Where it was answered and the client asked again, the answer was lost.
        return (Stage.IN if answer is None or answer >= last else Stage.BACK), last - first
    if answer is not None and answer - first >= LATE_NS:
        return Stage.IN, answer - first
    if attempt.syn_ack_count > 1 and answer is not None and times.client_data is not None:
        return (Stage.BACK, None) if times.client_data - answer < _LISTENER_WAITS_NS else None
    return None


def handshake_words(attempt: Attempt) -> str:
    """Return in words what took long, of a handshake of which ``handshake_took`` says so."""
    stage, took = handshake_took(attempt) or (Stage.IN, 0)
    if took is None:
        return f"the connection worked after the server had sent its SYN-ACK {attempt.syn_ack_count:,} times"
    worked = f"the connection worked after {duration(took)}"
    if stage is Stage.BACK:
        return f"{worked}: the first SYN-ACK was lost on its way to the client"
    lost = attempt.syn_count - 1
    if not lost:
        return f"{worked}: the SYN-ACK came so long after the SYN"
    which = "first SYN was" if lost == 1 else f"first {lost:,} SYNs were"
    return f"{worked}: the {which} thrown away between {Stage.OUT} and {Stage.LISTENER}"


def tried_for(attempt: Attempt) -> int:
    """Return ns from the first SYN of an attempt to its last one."""
    last = attempt.times.last_syn
    return 0 if last is None else max(0, last - attempt.times.first)


@question(
    "handshake-took-long",
    Source.PACKETS,
    "a SYN was answered only after it had been repeated, or half a second later",
    stage=Stage.IN,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=in_capture(
        "(tcp.analysis.retransmission || tcp.time_delta > 0.5) && tcp.flags.syn == 1",
        "a frame is listed, and its stream goes on after the handshake: yes",
    ),
)
def handshake_took_long(view: PacketsView) -> Reply:
    """Say whether a client had to wait for an answer to its SYN that then came."""
    return _late_at(view, Stage.IN, "no SYN was answered late")


@question(
    "answer-took-long",
    Source.PACKETS,
    "a handshake completed only after the SYN-ACK had been sent again",
    stage=Stage.BACK,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=in_capture(
        "tcp.analysis.retransmission && tcp.flags.syn == 1 && tcp.flags.ack == 1",
        "a frame is listed, and its stream goes on after the handshake: yes",
    ),
)
def answer_took_long(view: PacketsView) -> Reply:
    """Say whether a client had to wait because the first answer did not reach it."""
    return _late_at(view, Stage.BACK, "no SYN-ACK of a handshake that completed was lost")


def _late_at(view: PacketsView, stage: Stage, none: str) -> Reply:
    late = matching(view.completed, lambda attempt: (handshake_took(attempt) or (None, 0))[0] is stage)
    if not late:
        return no(none if view.completed else NO_ATTEMPT)
    worst = max(late.attempts, key=lambda attempt: (handshake_took(attempt) or (stage, 0))[1] or 0)
    done = total(view.completed)
    some = f"{late.phrase('handshake')} of {done:,} took long; " if done > 1 else ""
    return yes(some + handshake_words(worst), frames_of(late.attempts, lambda f: f.syn, lambda f: f.syn_ack))


@question(
    "detour-took-long",
    Source.PACKETS,
    "a client repeated a refused SYN for half a second or more before it reached the port at another address",
    by_hand=in_conversations(
        "a conversation of SYNs and RSTs lasts, and one with another address follows: yes"
    ),
)
def detour_took_long(view: PacketsView) -> Reply:
    """Say whether a first address cost the client a wait: Windows repeats a refused SYN for two seconds."""
    waits = [
        (waited, each) for each in attempts(view.recovered) if (waited := _waited(view, each)) >= LATE_NS
    ]
    if not waits:
        return no("no client waited before it went on with another address")
    waited, longest = max(waits, key=lambda item: item[0])
    text = (
        f"the connection worked after {duration(waited)}: before, the client sent {count(longest.syn_count, 'SYN')} "
        f"to {longest.server.address} in vain"
    )
    return yes(text, frames_of([longest], lambda f: f.syn, lambda f: f.rst))


def _waited(view: PacketsView, failed: Attempt) -> int:
    """Return ns from the beginning of a failed attempt to that of the one which made good for it."""
    later = [
        attempt.first_ts_ns - failed.first_ts_ns
        for attempt in attempts(view.completed)
        if attempt.server.address != failed.server.address and attempt.first_ts_ns >= failed.first_ts_ns
    ]
    return max(min(later, default=0), 0) if later else tried_for(failed)
