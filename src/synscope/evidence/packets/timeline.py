"""Questions about the order of failures and successes, and what was open before silence."""

from __future__ import annotations

from collections.abc import Iterable

from synscope.evidence.by_hand import in_conversations
from synscope.evidence.packets.handshake import unanswered
from synscope.evidence.packets.view import NO_ATTEMPT, PacketsView, attempts, frames_of, matching, total
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, AttemptGroup, Outcome, Source, Stage
from synscope.units import count, duration


def _order(view: PacketsView) -> tuple[str, str]:
    """Return how failures and successes follow each other, and that in words.

    The order is that of time stamps, and of frames where stamps are equal. Failures at one address and
    successes at another say nothing about time.
    """
    bad, good = view.failing, view.completed
    if not bad or not good:
        return "none", "no failure that counts" if good else "no handshake completed" if bad else NO_ATTEMPT
    both = {group.server for group in bad} & {group.server for group in good}
    if not both:
        return "apart", "failures and successes went to different addresses, so their order says little"
    first_bad, last_bad = _span(bad)
    first_good, last_good = _span(good)
    numbers = f"{count(total(bad), 'failure')} and {count(total(good), 'success')}"
    if last_bad < first_good:
        gap = f", the first {duration(max(0, first_good[0] - last_bad[0]))} after the last failure"
        return "failures first", f"{count(total(bad), 'failure')}, then {count(total(good), 'success')}{gap}"
    if last_good < first_bad:
        gap = f", the first {duration(max(0, first_bad[0] - last_good[0]))} after the last success"
        return "successes first", f"{count(total(good), 'success')}, then {count(total(bad), 'failure')}{gap}"
    return "mixed", f"{numbers}, neither all before the other"


def _span(groups: Iterable[AttemptGroup]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (time, frame) of the first and of the last attempt."""
    starts, ends = [], []
    for group in groups:
        numbers = [attempt.frames.first for attempt in group.examples] or [0]
        starts.append((group.first_ts_ns, min(numbers)))
        ends.append((group.last_ts_ns, max(numbers)))
    return min(starts), max(ends)


def _ordered(view: PacketsView, wanted: str) -> Reply:
    found, text = _order(view)
    if found == wanted:
        turn = attempts((*view.failing, *view.completed))
        return yes(text, frames_of(turn, lambda f: f.first))
    return unknown(text) if found == "apart" else no(text)


@question(
    "success-after-failures",
    Source.PACKETS,
    "attempts failed first and then only succeeded",
    stage=Stage.LISTENER,
    if_yes=Says.TOOK_LONG,
    by_hand=in_conversations(
        "the short conversations, of a SYN and its RST, all lie before the long ones: yes"
    ),
)
def success_after_failures(view: PacketsView) -> Reply:
    return _ordered(view, "failures first")


@question(
    "failures-after-success",
    Source.PACKETS,
    "attempts succeeded first and then only failed",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_conversations(
        "the short conversations, of a SYN and its RST, all lie after the long ones: yes"
    ),
)
def failures_after_success(view: PacketsView) -> Reply:
    return _ordered(view, "successes first")


@question(
    "mixed-results",
    Source.PACKETS,
    "failures and successes alternate",
    by_hand=in_conversations("short conversations, of a SYN and its RST, lie between long ones: yes"),
)
def mixed_results(view: PacketsView) -> Reply:
    return _ordered(view, "mixed")


@question(
    "recovered-at-other-address",
    Source.PACKETS,
    "a refused or unanswered try reached the port at another address",
    stage=Stage.BACK,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_conversations(
        "a short conversation with one address, and a long one with another within a second: yes"
    ),
    own_connect=OwnConnect.SHOWS,
)
def recovered_at_other_address(view: PacketsView) -> Reply:
    if not view.recovered:
        return no("no failed try reached the port at another address")
    tried = ", ".join(sorted({group.server.address for group in view.recovered})[:4])
    failed = f"{count(total(view.recovered), 'attempt')} failed at {tried}"
    text = f"{failed}; the client then reached the port at another address"
    return yes(text, frames_of(attempts(view.recovered), lambda f: f.first))


@question(
    "many-completed-before-silence",
    Source.PACKETS,
    "earlier handshakes to the listener completed and stayed open, then SYNs went unanswered",
    stage=Stage.QUEUE,
    if_yes=Says.STOPPED,
    by_hand=in_conversations("conversations of three frames that stay open, then some of SYNs alone: yes"),
)
def many_completed_before_silence(view: PacketsView) -> Reply:
    """Recognise a full accept queue from outside."""
    silent = unanswered(view)
    if not silent:
        return no("no SYN stayed without any answer")
    since = {
        server: min(g.first_ts_ns for g in silent if g.server == server)
        for server in {g.server for g in silent}
    }
    found = matching(
        view.completed, lambda a: a.server in since and a.first_ts_ns < since[a.server] and _stayed_open(a)
    )
    if not found:
        return no("no earlier connection to the same listener was left open without an answer")
    text = (
        f"{found.phrase('earlier handshake')} to the same listener completed and stayed open without a byte"
        f" from the server, then {count(total(silent), 'SYN')} got no answer"
    )
    return yes(
        text, frames_of(found.attempts, lambda f: f.first) + frames_of(attempts(silent), lambda f: f.syn)
    )


def _stayed_open(attempt: Attempt) -> bool:
    """Whether the server said nothing and nobody closed."""
    quiet = (
        attempt.outcome in {Outcome.SILENT, Outcome.SERVER_SILENT, Outcome.STILL_OPEN}
        and not attempt.server_bytes
    )
    ended = attempt.events & {"client-fin", "server-fin", "server-rst", "client-rst", "server-data"}
    return quiet and not ended
