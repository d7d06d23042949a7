"""Questions about completed connections: who answered, who fell silent, who gave up first."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import Matches, PacketsView, attempts, frames_of, is_local, matching
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, unknown, yes
from synscope.model import Attempt, Outcome, Source, Stage
from synscope.units import duration

PATIENCE_NS: Final = 3_000_000_000
"""A request still open that long before the capture ends counts as unanswered; a younger one does not."""


ACKNOWLEDGED_BY_NS: Final = 500_000_000
"""A TCP delays the acknowledgement of data by less than this (RFC 9293 §3.8.6.3)."""


HALF_CLOSE_NS: Final = 100_000_000
"""A client that closes sooner after its request than this may only have finished sending."""


GREETING_NS: Final = 1_000_000_000
"""A client that stays for so long without a word waits for one; who only looks for a listener does not."""


_GOODBYES: Final = frozenset({b"QUIT\r\n", b"QUIT\n"})
"""How clients of protocols take their leave in which the server speaks first (RFC 5321, RFC 959, RFC 1939)."""
NOT_COMPLETED: Final = "no handshake completed"


class Wait(enum.Enum):
    """What became of a client's request."""

    NOT_ASKED = enum.auto()
    ANSWERED = enum.auto()
    """By bytes, by a close or by a reset of the server."""
    SILENT = enum.auto()
    TOO_SHORT = enum.auto()
    """The capture ends too soon after the request."""
    ONE_WAY = enum.auto()
    """The client closed at once and the server closed too: perhaps nobody wanted an answer."""


def wait_of(view: PacketsView, attempt: Attempt) -> Wait:
    """Return what became of the attempt's request."""
    if not _asked(attempt):
        return Wait.NOT_ASKED
    if server_spoke(attempt) or _server_ended_first(attempt):
        return Wait.ANSWERED
    if _client_ended(attempt):
        waited = _waited(attempt)
        at_once = waited is not None and waited < HALF_CLOSE_NS and "client-rst" not in attempt.events
        return Wait.ONE_WAY if at_once and "server-fin" in attempt.events else Wait.SILENT
    if view.end_ts_ns is None or view.end_ts_ns - _asked_at(attempt) < PATIENCE_NS:
        return Wait.TOO_SHORT
    return Wait.SILENT


def _client_ended(attempt: Attempt) -> bool:
    return bool(attempt.events & {"client-fin", "client-rst"})


def _asked(attempt: Attempt) -> bool:
    return (
        "client-data" in attempt.events
        or attempt.client_bytes > 0
        or attempt.outcome is Outcome.SERVER_SILENT
    )


def server_spoke(attempt: Attempt) -> bool:
    """Whether the server sent a byte."""
    return (
        "server-data" in attempt.events or attempt.server_bytes > 0 or attempt.times.server_data is not None
    )


def _asked_at(attempt: Attempt) -> int:
    return attempt.times.first if attempt.times.client_data is None else attempt.times.client_data


def _waited(attempt: Attempt) -> int | None:
    """Return ns from the request to the client's close, ``None`` when the close has no time."""
    ended = attempt.times.client_fin
    if ended is None and "client-rst" in attempt.events:
        ended = attempt.times.end
    return None if ended is None else max(0, ended - _asked_at(attempt))


def client_ended_first(attempt: Attempt) -> bool:
    """Whether the client's FIN is the first FIN or RST after the handshake."""
    fin, end = attempt.times.client_fin, attempt.times.end
    return fin is not None and (end is None or fin <= end)


def _server_ended_first(attempt: Attempt) -> bool:
    ended = bool(
        attempt.events & {"server-fin", "server-fin-before-data", "server-rst", "server-rst-before-data"}
    )
    by_reset = attempt.outcome in {Outcome.RESET_BY_SERVER, Outcome.RESET_BY_SERVER_EARLY}
    first = "client-rst" not in attempt.events or attempt.outcome is not Outcome.RESET_BY_CLIENT
    return (ended or by_reset) and first and not client_ended_first(attempt)


def _waiting(view: PacketsView, *kinds: Wait) -> Matches:
    return matching(view.completed, lambda attempt: wait_of(view, attempt) in kinds)


def _judged(view: PacketsView, found: Matches, text: Callable[[Matches], str], otherwise: str) -> Reply:
    """YES for ``found``; could-not-tell while a silence is undecided; else NO."""
    if found:
        return yes(
            text(found),
            frames_of(found.attempts, lambda f: f.client_data or f.first, lambda f: f.fin or f.rst),
        )
    return _undecided(view) or no(otherwise if view.completed else NOT_COMPLETED)


def _undecided(view: PacketsView) -> Reply | None:
    """Return why silence cannot be judged, or ``None``."""
    short = _waiting(view, Wait.TOO_SHORT)
    if short:
        frames = frames_of(short.attempts, lambda f: f.client_data)
        if view.end_ts_ns is None:
            return unknown("a request is unanswered, and when the capture ends is not known", frames)
        left = max(0, view.end_ts_ns - min(map(_asked_at, short.attempts)))
        return unknown(f"the capture ends {duration(left)} after the request", frames)
    one_way = _waiting(view, Wait.ONE_WAY)
    if one_way:
        why = "the client closed at once after its data and the server closed too: perhaps no answer was due"
        return unknown(why, frames_of(one_way.attempts, lambda f: f.client_data, lambda f: f.fin))
    return None


@question(
    "server-silent",
    Source.PACKETS,
    "the client's request was never answered by a byte",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_capture("tcp.len > 0", "all of them go to the server: yes; one comes from it: no"),
    own_connect=OwnConnect.FAKES,
)
def server_silent(view: PacketsView) -> Reply:
    silent = _waiting(view, Wait.SILENT)
    longest = max((_silence(view, attempt) for attempt in silent.attempts), default=0)
    asked = matching(view.completed, _asked)
    otherwise = (
        "every request was answered, or the server ended the connection"
        if asked
        else "no client sent a request"
    )
    return _judged(
        view, silent, lambda m: f"the request of {m.phrase()} got no byte in {duration(longest)}", otherwise
    )


def _silence(view: PacketsView, attempt: Attempt) -> int:
    """Return ns that the server kept silent: until the client ended, or the capture did."""
    waited = _waited(attempt)
    if waited is not None:
        return waited
    return max(0, view.end_ts_ns - _asked_at(attempt)) if view.end_ts_ns is not None else 0


@question(
    "nobody-spoke",
    Source.PACKETS,
    "no side of any connection sent a byte, and the clients waited and left",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.len > 0", "no segment at all, although the client stayed for a second or longer: yes"
    ),
    own_connect=OwnConnect.FAKES,
    belied_by="command-succeeded",
)
def nobody_spoke(view: PacketsView) -> Reply:
    """Recognise a client that waits for a greeting.

    One connection that was used says that they are meant so; one that failed, that this is not what went wrong.
    """
    found = matching(view.completed, _left_without_a_word)
    if (
        found
        and not view.failing
        and all(_left_without_a_word(attempt) for attempt in attempts(view.completed))
    ):
        longest = max(_open_for(attempt) for attempt in found.attempts)
        text = f"{found.phrase('client')} waited {duration(longest)} for the server to speak, and said nothing itself"
        return yes(text, frames_of(found.attempts, lambda f: f.ack, lambda f: f.fin or f.rst))
    return no("somebody spoke, or nobody waited for it" if view.completed else NOT_COMPLETED)


def _left_without_a_word(attempt: Attempt) -> bool:
    if _only_took_its_leave(attempt):
        return True
    quiet = not _asked(attempt) and not server_spoke(attempt) and not _server_ended_first(attempt)
    return quiet and _client_ended(attempt) and _open_for(attempt) >= GREETING_NS


def _only_took_its_leave(attempt: Attempt) -> bool:
    """Whether the client's first and last word, after it had waited in vain for a greeting, was a goodbye."""
    said, spoke = attempt.client_payload or b"", attempt.times.client_data
    late = spoke is not None and spoke - attempt.times.first >= GREETING_NS
    return late and said.upper() in _GOODBYES and not server_spoke(attempt)


def _open_for(attempt: Attempt) -> int:
    """Return ns from the SYN to the client's close."""
    ended = attempt.times.client_fin if attempt.times.client_fin is not None else attempt.times.end
    return 0 if ended is None else max(0, ended - attempt.times.first)


@question(
    "request-acknowledged",
    Source.PACKETS,
    "the server's kernel acknowledged the unanswered request",
    stage=Stage.CARRY,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_capture(
        "tcp.srcport == {port} && tcp.ack > 1", "one is listed, and none of its stream has a byte: yes"
    ),
    own_connect=OwnConnect.FAKES,
)
def request_acknowledged(view: PacketsView) -> Reply:
    found = matching(
        view.completed, lambda a: wait_of(view, a) is Wait.SILENT and "client-data-acked" in a.events
    )
    return _judged(
        view,
        found,
        lambda m: f"the server's TCP acknowledged the unanswered request of {m.phrase()}",
        "no unanswered request was acknowledged",
    )


@question(
    "request-not-acknowledged",
    Source.PACKETS,
    "the client's data was never acknowledged",
    stage=Stage.CARRY,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "tcp.analysis.retransmission && tcp.dstport == {port} && tcp.len > 0", "repeated until the end: yes"
    ),
    own_connect=OwnConnect.FAKES,
)
def request_not_acknowledged(view: PacketsView) -> Reply:
    found = matching(view.completed, lambda a: _not_acknowledged(view, a))
    return _judged(
        view,
        found,
        lambda m: f"the data of {m.phrase()} was never acknowledged",
        "all data of clients was acknowledged, or the server ended the connection",
    )


def _not_acknowledged(view: PacketsView, attempt: Attempt) -> bool:
    """Whether data stayed unacknowledged for longer than any TCP delays its answer."""
    if "client-data-lost" in attempt.events and _stays_lost(attempt):
        return True
    silent = wait_of(view, attempt) in {Wait.SILENT, Wait.TOO_SHORT}
    late = _silence(view, attempt) >= ACKNOWLEDGED_BY_NS
    return silent and late and "client-data-acked" not in attempt.events


def _stays_lost(attempt: Attempt) -> bool:
    """Whether what was repeated in vain up to the end had no chance any more: a network may lose a few frames."""
    return _client_ended(attempt) or is_local(attempt)


@question(
    "answer-not-acknowledged",
    Source.PACKETS,
    "the server's data was never acknowledged",
    stage=Stage.CARRY,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "tcp.analysis.retransmission && tcp.srcport == {port} && tcp.len > 0", "repeated until the end: yes"
    ),
    own_connect=OwnConnect.FAKES,
)
def answer_not_acknowledged(view: PacketsView) -> Reply:
    found = matching(view.completed, lambda a: _answer_lost(view, a))
    if found:
        text = f"the client never acknowledged what the server sent in {found.phrase('connection')}"
        return yes(text, frames_of(found.attempts, lambda f: f.server_data, lambda f: f.fin or f.rst))
    return no("what servers sent was acknowledged" if view.completed else NOT_COMPLETED)


def _answer_lost(view: PacketsView, attempt: Attempt) -> bool:
    """Whether the server's bytes stayed unacknowledged for longer than any TCP delays its answer.

    One that had closed before them answers with an RST, and that is no loss.
    """
    if "server-data-lost" in attempt.events and _stays_lost(attempt):
        return True
    sent = attempt.times.server_data
    if sent is None or "server-data-acked" in attempt.events or "client-rst" in attempt.events:
        return False
    closed = attempt.times.client_fin
    if closed is not None:
        return closed - sent >= ACKNOWLEDGED_BY_NS
    return view.end_ts_ns is not None and view.end_ts_ns - sent >= PATIENCE_NS


@question(
    "client-gave-up",
    Source.PACKETS,
    "the client closed while it waited for the answer",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "(tcp.flags.fin == 1 || tcp.flags.reset == 1) && tcp.dstport == {port}",
        "a FIN or RST of the client after its request, and no byte of the server before it: yes",
    ),
    own_connect=OwnConnect.FAKES,
)
def client_gave_up(view: PacketsView) -> Reply:
    found = matching(view.completed, lambda a: _gave_up(view, a))
    longest = max((waited for a in found.attempts if (waited := _waited(a)) is not None), default=None)
    after = f", after {duration(longest)}" if longest is not None else ""
    return _judged(
        view,
        found,
        lambda m: f"the client ended {m.phrase('connection')} while it waited for an answer{after}",
        "no client ended a connection while it waited for an answer",
    )


def _gave_up(view: PacketsView, attempt: Attempt) -> bool:
    silent = wait_of(view, attempt) is Wait.SILENT
    return (silent and _client_ended(attempt)) or _late(attempt) is True


def _late(attempt: Attempt) -> bool | None:
    """Whether the server's first byte came after the client's close; ``None`` when that may be a half-close.

    A client may shut down only its sending side and still read. One that has closed answers late data
    with an RST; one that waited a while before its FIN had a timeout.
    """
    fin, data = attempt.times.client_fin, attempt.times.server_data
    if fin is None or data is None or data <= fin:
        return False
    if not _asked(attempt) and fin - _asked_at(attempt) < HALF_CLOSE_NS:
        # It only looked whether somebody answers the SYN, as ``nc -z`` does.
        return False
    if "client-rst" in attempt.events or fin - _asked_at(attempt) >= HALF_CLOSE_NS:
        return True
    return None


@question(
    "server-closed-in-turn",
    Source.PACKETS,
    "the server closed right after the client that got no answer: its program is at work",
    stage=Stage.ACCEPT,
    if_yes=Says.PASSED,
    by_hand=in_capture(
        "tcp.flags.fin == 1", "a FIN of the client and then one of the server, and no byte of the server: yes"
    ),
)
def server_closed_in_turn(view: PacketsView) -> Reply:
    """Say whether the server's program is at work: one that is stuck or stopped does not close."""
    found = matching(
        view.completed,
        lambda a: wait_of(view, a) is Wait.SILENT and client_ended_first(a) and "server-fin" in a.events,
    )
    return _judged(
        view,
        found,
        lambda m: f"the server closed {m.phrase('connection')} after the client had, without an answer",
        "no server closed after a client that got no answer",
    )


@question(
    "late-answer",
    Source.PACKETS,
    "the server's first byte came after the client had closed",
    stage=Stage.SERVE,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=in_capture(
        "tcp.srcport == {port} && tcp.len > 0", "the first one comes after the client's FIN: yes"
    ),
    own_connect=OwnConnect.FAKES,
)
def late_answer(view: PacketsView) -> Reply:
    found = matching(view.completed, lambda a: _late(a) is True)
    if found:
        delays = [(a.times.server_data or 0) - (a.times.client_fin or 0) for a in found.attempts]
        text = f"the first byte for {found.phrase()} came {duration(min(delays))} after the client had closed"
        return yes(text, frames_of(found.attempts, lambda f: f.fin, lambda f: f.server_data))
    doubtful = matching(view.completed, lambda a: _late(a) is None)
    if doubtful:
        why = "the client closed its sending side right after its request and may still have read the answer"
        return unknown(why, frames_of(doubtful.attempts, lambda f: f.fin, lambda f: f.server_data))
    return no("no answer came after the client's close" if view.completed else NOT_COMPLETED)
