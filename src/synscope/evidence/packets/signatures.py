"""Questions about signed TCP (RFC 2385, RFC 5925): a listener that wants a signature drops any other SYN silently."""

from __future__ import annotations

from typing import Final

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import PacketsView, attempts, frames_of, matching
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, Label, Source, Stage
from synscope.units import count

_SIGNED: Final = "syn-signed"
_TAKEN: Final = (Label.COMPLETED, Label.HALF_OPEN)
_OPTIONS: Final = "tcp.flags.syn == 1 && (tcp.option_kind == 19 || tcp.option_kind == 29)"


def _is_signed(attempt: Attempt) -> bool:
    return _SIGNED in attempt.events


@question(
    "others-sign-their-syn",
    Source.PACKETS,
    "the listener answered the SYNs of an address that carry a TCP signature, and not the one without",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(_OPTIONS, "the SYNs that are answered are listed, and the other one is not: yes"),
)
def others_sign_their_syn(view: PacketsView) -> Reply:
    """Compare the SYNs that a listener answered with those from the same address that got no answer.

    A key belongs to the address of a peer: who has one there is not heard without a signature.
    """
    silent = [group for group in view.failing if group.label is Label.SYN_NO_REPLY]
    bare = matching(silent, lambda attempt: not _is_signed(attempt))
    if not bare:
        return no("no SYN without a signature went unanswered")
    taken = [attempt for attempt in attempts(view.labelled(*_TAKEN)) if attempt.frames.syn is not None]
    signed = [attempt for attempt in taken if _is_signed(attempt)]
    if not signed:
        return no("no SYN that was answered carried a signature")
    ways = {(attempt.client.address, attempt.server) for attempt in bare.attempts}
    same = [attempt for attempt in taken if (attempt.client.address, attempt.server) in ways]
    if not all(_is_signed(attempt) for attempt in same):
        return no("SYNs without a signature were answered too")
    if not same:
        return unknown("SYNs with a signature were answered, but those of other addresses")
    frames = frames_of((same[0], bare.attempts[0]), lambda f: f.syn)
    return yes(
        f"{count(len(same), 'attempt')} with a TCP signature in the SYN got an answer, "
        f"and {bare.phrase()} without one, from the same address, got none",
        frames,
    )


@question(
    "syn-is-signed",
    Source.PACKETS,
    "the SYN that got no answer carries a TCP signature (TCP-MD5 or TCP-AO)",
    stage=Stage.IN,
    by_hand=in_capture(_OPTIONS),
)
def syn_is_signed(view: PacketsView) -> Reply:
    """Look at the options of the SYNs that got no answer."""
    silent = [group for group in view.failing if group.label is Label.SYN_NO_REPLY]
    signed = [attempt for attempt in attempts(silent) if _is_signed(attempt)]
    if signed:
        return yes(
            f"the SYN of {count(len(signed), 'unanswered attempt')} carries a TCP signature",
            frames_of(signed, lambda f: f.syn),
        )
    return no("no unanswered SYN carries a TCP signature")
