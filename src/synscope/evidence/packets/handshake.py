"""Questions about how the target's attempts ended, and in which order."""

from __future__ import annotations

from collections.abc import Callable

from synscope.evidence.packets.view import (
    NO_ATTEMPT,
    Verdict,
    View,
    attempts,
    frames_of,
    matching,
    no,
    total,
    unknown,
    yes,
)
from synscope.model import Attempt, AttemptGroup, Frames, Label, NearMiss, Outcome
from synscope.units import count, duration


def no_syn_to_target(view: View) -> Verdict:
    """``no-syn-to-target``."""
    if view.summary.label is not Label.CLIENT_NEVER_SENT:
        seen = attempts(view.decided)
        return no(
            f"{count(total(view.decided), 'attempt')} to the target", frames_of(seen, lambda f: f.first)
        )
    strength = {None: "", "file": ", as far as the file shows", "live": " while the capture ran"}
    claim = view.summary.claim
    return yes(f"no SYN to the target was seen{strength.get(claim, ', and the capture was awake')}")


def refused_by_rst(view: View) -> Verdict:
    """``refused-by-rst``."""
    return _failed_with(view, Label.SYN_RST, "was answered by an RST", lambda f: f.rst)


def half_open(view: View) -> Verdict:
    """``half-open``."""
    verdict = _failed_with(
        view, Label.HALF_OPEN, "got a SYN-ACK that the client never acknowledged", lambda f: f.syn_ack
    )
    by_client = total(group for group in view.failing if group.outcome is Outcome.CLIENT_RESET)
    if not by_client:
        return verdict
    of_them = "" if by_client == total(view.labelled(Label.HALF_OPEN)) else f" in {by_client:,} of them"
    return yes(f"{verdict.text}; the client answered the SYN-ACK with an RST{of_them}", verdict.frames)


def client_refused_syn_ack(view: View) -> Verdict:
    """``client-refused-syn-ack``: the answers arrived, and the client did not want them."""
    groups = [group for group in view.failing if group.outcome is Outcome.CLIENT_RESET]
    if not groups:
        return no("no client answered a SYN-ACK with an RST")
    text = f"{count(total(groups), 'client RST')} answered a SYN-ACK, so it had arrived"
    frames = frames_of(attempts(groups), lambda f: f.rst)
    if len(groups) < len(view.failing):
        return no(f"{text}; other attempts failed otherwise", frames)
    return yes(text, frames)


def odd_reply(view: View) -> Verdict:
    """``odd-reply``."""
    return _failed_with(
        view, Label.ODD_REPLY, "was answered by a segment that does not answer it", lambda f: f.first
    )


def _failed_with(view: View, label: Label, what: str, frame: Callable[[Frames], int | None]) -> Verdict:
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


def always_refused(view: View) -> Verdict:
    """``always-refused``."""
    return _every_attempt(view, Label.SYN_RST, "refused by RST")


def always_completed(view: View) -> Verdict:
    """``always-completed``."""
    return _every_attempt(view, Label.COMPLETED, "completed")


def _every_attempt(view: View, label: Label, what: str) -> Verdict:
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


def some_completed(view: View) -> Verdict:
    """``some-completed``."""
    if not view.completed:
        return no("no handshake completed" if view.decided else NO_ATTEMPT)
    frames = frames_of(attempts(view.completed), lambda f: f.ack or f.first)
    return yes(f"{count(total(view.completed), 'handshake')} completed", frames)


def unanswered(view: View) -> list[AttemptGroup]:
    """Return the groups whose SYN got no answer at all and that were not recovered."""
    return [g for g in view.failing if g.label is Label.SYN_NO_REPLY and g.outcome is not Outcome.ICMP_ERROR]


def syn_unanswered(view: View) -> Verdict:
    """``syn-unanswered``, as the label says; the text tells how long the capture went on."""
    groups = unanswered(view)
    if not groups:
        if any(g.outcome in {Outcome.UNANSWERED, Outcome.CLIENT_WITHDREW} for g in view.recovered):
            return no(
                "no SYN stayed unanswered, except where the client then reached the port at another address"
            )
        return no("no SYN stayed without any answer" if view.decided else NO_ATTEMPT)
    found = attempts(groups)
    watched = max((wait for a in found if (wait := _watched(view, a)) is not None), default=None)
    after = f"; the capture ends {duration(watched)} after the SYN" if watched is not None else ""
    text = f"the SYN of {count(total(groups), 'attempt')} got no answer at all{after}"
    return yes(text, frames_of(found, lambda f: f.syn or f.first))


def _watched(view: View, attempt: Attempt) -> int | None:
    """Return ns from the first SYN to the end of the capture."""
    return None if view.end_ts_ns is None else max(0, view.end_ts_ns - attempt.times.first)


def syn_repeated(view: View) -> Verdict:
    """``syn-repeated``."""
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


def rst_without_syn(view: View) -> Verdict:
    """``rst-without-syn``."""
    strays: list[NearMiss] = [
        m for m in view.summary.near_misses if m.kind in {"icmp-without-syn", "rst-without-syn"}
    ]
    if not strays:
        return no("no RST or ICMP error about the target without its SYN")
    frames = sorted({frame for miss in strays for frame in miss.frames})[:12]
    return yes("; ".join(miss.text for miss in strays[:3]), frames)
