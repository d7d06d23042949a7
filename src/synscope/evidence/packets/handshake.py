"""Questions about how the target's attempts ended, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from synscope.evidence.by_hand import in_capture, in_conversations, on_any
from synscope.evidence.packets.view import NO_ATTEMPT, PacketsView, attempts, frames_of, matching, total
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, AttemptGroup, Frames, Label, NearMiss, Outcome, Source, Stage
from synscope.units import count, duration

_LONG_ENOUGH_NS: Final = 1_000_000_000
"""An answer that is not there so long after the SYN is missing although the capture's end is."""


@question(
    "no-syn-to-target",
    Source.PACKETS,
    "no client sent a SYN to the target",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    if_no=Says.PASSED,
    by_hand=in_capture("tcp.flags.syn == 1 && tcp.flags.ack == 0", "no frame is listed: yes; one is: no"),
)
def no_syn_to_target(view: PacketsView) -> Reply:
    if view.summary.label is not Label.CLIENT_NEVER_SENT:
        seen = attempts(view.decided)
        return no(
            f"{count(total(view.decided), 'attempt')} to the target", frames_of(seen, lambda f: f.first)
        )
    if view.missing:
        return unknown(f"no SYN to the target was seen, but {view.missing}")
    strength = {None: "", "file": ", as far as the file shows", "live": " while the capture ran"}
    claim = view.summary.claim
    return yes(f"no SYN to the target was seen{strength.get(claim, ', and the capture was awake')}")


@question(
    "capture-incomplete",
    Source.PACKETS,
    "the capture lacks a part of what was sent: its end is cut, or frames could not be read",
    by_hand=on_any("capinfos FILE", "an error, or 'cut short in the middle of a packet': yes"),
)
def capture_incomplete(view: PacketsView) -> Reply:
    return yes(view.missing) if view.missing else no("nothing is known to be missing")


@question(
    "refused-by-rst",
    Source.PACKETS,
    "at least one SYN was answered by an RST and not recovered at another address",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_capture("tcp.flags.reset == 1 && tcp.seq == 1", "an RST, ACK that follows a SYN at once: yes"),
    own_connect=OwnConnect.SHOWS,
)
def refused_by_rst(view: PacketsView) -> Reply:
    return _failed_with(view, Label.SYN_RST, "was answered by an RST", lambda f: f.rst)


@question(
    "half-open",
    Source.PACKETS,
    "the server's SYN-ACK was never acknowledged by the client",
    stage=Stage.BACK,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.flags.syn == 1 && tcp.flags.ack == 1", "no ACK of the client follows in its stream: yes"
    ),
)
def half_open(view: PacketsView) -> Reply:
    reply = _failed_with(
        view, Label.HALF_OPEN, "got a SYN-ACK that the client never acknowledged", lambda f: f.syn_ack
    )
    by_client = total(group for group in view.failing if group.outcome is Outcome.CLIENT_RESET)
    if not by_client:
        return reply
    of_them = "" if by_client == total(view.labelled(Label.HALF_OPEN)) else f" in {by_client:,} of them"
    return yes(f"{reply.text}; the client answered the SYN-ACK with an RST{of_them}", reply.frames)


@question(
    "client-refused-syn-ack",
    Source.PACKETS,
    "every attempt that failed did so because the client answered the SYN-ACK with an RST",
    stage=Stage.BACK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "tcp.flags.reset == 1 && tcp.dstport == {port}",
        "an RST of the client that follows a SYN, ACK at once: yes",
    ),
)
def client_refused_syn_ack(view: PacketsView) -> Reply:
    """Say whether the answers arrived, and the client did not want them."""
    groups = [group for group in view.failing if group.outcome is Outcome.CLIENT_RESET]
    if not groups:
        return no("no client answered a SYN-ACK with an RST")
    text = f"{count(total(groups), 'client RST')} answered a SYN-ACK, so it had arrived"
    frames = frames_of(attempts(groups), lambda f: f.rst)
    if len(groups) < len(view.failing):
        return no(f"{text}; other attempts failed otherwise", frames)
    return yes(text, frames)


@question(
    "odd-reply",
    Source.PACKETS,
    "the SYN was answered by a segment that does not answer it",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.srcport == {port}",
        "the answer to a SYN is neither SYN, ACK nor RST, or does not acknowledge it: yes",
    ),
)
def odd_reply(view: PacketsView) -> Reply:
    return _failed_with(
        view, Label.ODD_REPLY, "was answered by a segment that does not answer it", lambda f: f.first
    )


def _failed_with(view: PacketsView, label: Label, what: str, frame: Callable[[Frames], int | None]) -> Reply:
    """Whether any attempt that was not recovered has ``label``."""
    groups = [group for group in view.failing if group.label is label]
    if not groups:
        spared = [group for group in view.recovered if group.label is label]
        if spared:
            return no(f"no SYN {what}, except where the client then reached the port at another address")
        return no(f"no SYN {what}" if view.decided else NO_ATTEMPT)
    found = attempts(groups)
    when = _delay(found) if label is Label.SYN_RST else ""
    text = f"the SYN of {count(total(groups), 'attempt')} {what}{when}"
    return yes(text, frames_of(found, lambda f: f.syn or f.first, frame))


def _delay(found: tuple[Attempt, ...]) -> str:
    """Return how soon the answer came, in words, or nothing when the times do not tell."""
    delays = [delay for attempt in found if (delay := _answer_delay(attempt)) is not None]
    if not delays:
        return ""
    return f", {duration(min(delays))} after it{' at the soonest' if len(delays) > 1 else ''}"


def _answer_delay(attempt: Attempt) -> int | None:
    """Return ns from the first SYN to its answer, when the clock went forward."""
    answer = attempt.times.answer
    return answer - attempt.times.first if answer is not None and answer > attempt.times.first else None


@question(
    "always-refused",
    Source.PACKETS,
    "every attempt was refused by RST",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_conversations("every conversation has two frames, a SYN and its RST: yes"),
    own_connect=OwnConnect.SHOWS,
)
def always_refused(view: PacketsView) -> Reply:
    return _every_attempt(view, Label.SYN_RST, "refused by RST")


@question(
    "always-completed",
    Source.PACKETS,
    "every attempt to the target completed",
    stage=Stage.BACK,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_capture("tcp.flags.syn == 1", "every SYN has its SYN, ACK: yes"),
    own_connect=OwnConnect.SHOWS,
)
def always_completed(view: PacketsView) -> Reply:
    return _every_attempt(view, Label.COMPLETED, "completed")


def _every_attempt(view: PacketsView, label: Label, what: str) -> Reply:
    """Whether all attempts with a known end have ``label``; a one-sided one may hide any end."""
    number = total(view.decided)
    if not number:
        return no(NO_ATTEMPT)
    same = total(group for group in view.decided if group.label is label)
    hidden = total(view.labelled(Label.ONE_SIDED))
    some = f"{what}: {same:,} of {count(number, 'attempt')}"
    if not same or same + hidden < number:
        return no(some)
    if hidden:
        return unknown(f"{some}; of the others one direction is missing")
    return yes(f"{what}: all of {count(number, 'attempt')}" if number > 1 else f"{what}: the only attempt")


@question(
    "some-completed",
    Source.PACKETS,
    "at least one handshake to the target completed",
    stage=Stage.BACK,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_capture(
        "tcp.flags.syn == 1 && tcp.flags.ack == 1", "an ACK of the client follows in its stream: yes"
    ),
    own_connect=OwnConnect.SHOWS,
)
def some_completed(view: PacketsView) -> Reply:
    if not view.completed:
        return no("no handshake completed" if view.decided else NO_ATTEMPT)
    frames = frames_of(attempts(view.completed), lambda f: f.ack or f.first)
    return yes(f"{count(total(view.completed), 'handshake')} completed", frames)


def unanswered(view: PacketsView) -> list[AttemptGroup]:
    """Return the groups whose SYN got no answer at all and that were not recovered."""
    return [g for g in view.failing if g.label is Label.SYN_NO_REPLY and g.outcome is not Outcome.ICMP_ERROR]


@question(
    "syn-unanswered",
    Source.PACKETS,
    "at least one SYN got no answer at all",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.flags.syn == 1",
        "a SYN and no SYN, ACK of its stream: yes, if no RST or ICMP error follows either",
    ),
    own_connect=OwnConnect.SHOWS,
)
def syn_unanswered(view: PacketsView) -> Reply:
    groups = unanswered(view)
    if not groups:
        if any(g.outcome in {Outcome.UNANSWERED, Outcome.CLIENT_WITHDREW} for g in view.recovered):
            return no(
                "no SYN stayed unanswered, except where the client then reached the port at another address"
            )
        return no("no SYN stayed without any answer" if view.decided else NO_ATTEMPT)
    found = attempts(groups)
    watched = max((wait for a in found if (wait := _watched(view, a)) is not None), default=None)
    if view.missing and (watched is None or watched < _LONG_ENOUGH_NS):
        return unknown(f"the SYN of {count(total(groups), 'attempt')} has no answer here, but {view.missing}")
    after = f"; the capture ends {duration(watched)} after the SYN" if watched is not None else ""
    text = f"the SYN of {count(total(groups), 'attempt')} got no answer at all{after}"
    return yes(text, frames_of(found, lambda f: f.syn or f.first))


def _watched(view: PacketsView, attempt: Attempt) -> int | None:
    """Return ns from the first SYN to the end of the capture."""
    return None if view.end_ts_ns is None else max(0, view.end_ts_ns - attempt.times.first)


@question(
    "syn-repeated",
    Source.PACKETS,
    "the client repeated an unanswered SYN",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=in_capture("tcp.analysis.retransmission && tcp.flags.syn == 1"),
)
def syn_repeated(view: PacketsView) -> Reply:
    found = matching(unanswered(view), lambda a: a.syn_count > 1)
    if not found:
        return no(
            "no unanswered SYN was repeated" if unanswered(view) else "no SYN stayed without any answer"
        )
    most = max(found.attempts, key=lambda a: a.syn_count)
    span = (most.times.last_syn or most.times.first) - most.times.first
    over = f" over {duration(span)}" if span > 0 else ""
    return yes(
        f"{most.syn_count} SYNs{over} in one attempt, none answered",
        frames_of(found.attempts, lambda f: f.syn),
    )


@question(
    "rst-without-syn",
    Source.PACKETS,
    "an RST or ICMP error about the target appears without any SYN",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    by_hand=in_capture("tcp.flags.reset == 1", "an RST whose stream has no SYN: yes"),
)
def rst_without_syn(view: PacketsView) -> Reply:
    strays: list[NearMiss] = [
        m for m in view.summary.near_misses if m.kind in {"icmp-without-syn", "rst-without-syn"}
    ]
    if not strays:
        return no("no RST or ICMP error about the target without its SYN")
    frames = sorted({frame for miss in strays for frame in miss.frames})[:12]
    return yes("; ".join(miss.text for miss in strays[:3]), frames)


@question(
    "connected-to-itself",
    Source.PACKETS,
    "client and server are the same address and port: the client connected to itself",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture("tcp.srcport == tcp.dstport", "source and destination address are equal too: yes"),
    own_connect=OwnConnect.SHOWS,
)
def connected_to_itself(view: PacketsView) -> Reply:
    """Say whether a SYN met its own socket, which answers it as a crossing one (RFC 9293 §3.5)."""
    found = matching(view.decided, lambda a: a.client == a.server)
    if found:
        place = found.attempts[0].server
        text = f"both ends of {found.phrase('connection')} are {place}: the client's SYN met its own socket"
        return yes(text, frames_of(found.attempts, lambda f: f.syn or f.first, lambda f: f.syn_ack))
    return no("the ends of every attempt differ" if view.decided else NO_ATTEMPT)


@question(
    "syn-ack-repeated-after-ack",
    Source.PACKETS,
    "the client acknowledged the SYN-ACK and sent nothing, and the server's system repeated its SYN-ACK",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "tcp.flags.syn == 1 && tcp.flags.ack == 1",
        "a SYN-ACK comes again after the client's ACK, and no segment has data: yes",
    ),
)
def syn_ack_repeated_after_ack(view: PacketsView) -> Reply:
    """Recognise a handshake that is over for the client and not for the server."""
    repeated = matching(view.completed, _is_mute_and_repeated)
    if not repeated:
        return no("no SYN-ACK was repeated to a client that had acknowledged it and waited")
    frames = frames_of(repeated.attempts, lambda f: f.syn_ack, lambda f: f.ack)
    first = next((a for a in repeated.attempts if _acknowledged_at_once(a)), None)
    if first is None:
        return unknown("whether the client's ACK came before the SYN-ACK was repeated cannot be told", frames)
    again = count(first.syn_ack_count - 1, "time")
    return yes(f"the SYN-ACK came again {again} after the client's ACK, and no byte was sent", frames)


def _is_mute_and_repeated(attempt: Attempt) -> bool:
    spoke = attempt.events & {"client-data", "server-data", "syn-carries-data"}
    return attempt.syn_ack_count > 1 and "client-acks" in attempt.events and not spoke


def _acknowledged_at_once(attempt: Attempt) -> bool:
    """Whether the ACK is the frame after the first SYN-ACK: its repetition comes a second later."""
    syn_ack, ack = attempt.frames.syn_ack, attempt.frames.ack
    return syn_ack is not None and ack == syn_ack + 1 and attempt.client != attempt.server
