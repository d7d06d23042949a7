"""Questions about completed connections: who answered, who fell silent, who gave up first."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from synscope.evidence.packets.view import (
    Matches,
    Verdict,
    View,
    frames_of,
    is_local,
    matching,
    no,
    unknown,
    yes,
)
from synscope.model import Attempt, Endpoint, Frames, Outcome
from synscope.units import duration

PATIENCE_NS: Final = 3_000_000_000
"""A request still open that long before the capture ends counts as unanswered; a younger one does not."""

ACKNOWLEDGED_BY_NS: Final = 500_000_000
"""A TCP delays the acknowledgement of data by less than this (RFC 9293 §3.8.6.3)."""

_SEVERAL: Final = 4
"""Connections that are open at once from which on a limit is thought of."""

HALF_CLOSE_NS: Final = 100_000_000
"""A client that closes sooner after its request than this may only have finished sending."""

_NOT_COMPLETED: Final = "no handshake completed"


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


def wait_of(view: View, attempt: Attempt) -> Wait:
    """Return what became of the attempt's request."""
    if not _asked(attempt):
        return Wait.NOT_ASKED
    if _spoke(attempt) or _server_ended_first(attempt):
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


def _spoke(attempt: Attempt) -> bool:
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


def _waiting(view: View, *kinds: Wait) -> Matches:
    return matching(view.completed, lambda attempt: wait_of(view, attempt) in kinds)


def _judged(view: View, found: Matches, text: Callable[[Matches], str], otherwise: str) -> Verdict:
    """YES for ``found``; could-not-tell while a silence is undecided; else NO."""
    if found:
        return yes(
            text(found),
            frames_of(found.attempts, lambda f: f.client_data or f.first, lambda f: f.fin or f.rst),
        )
    return _undecided(view) or no(otherwise if view.completed else _NOT_COMPLETED)


def _undecided(view: View) -> Verdict | None:
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


def server_silent(view: View) -> Verdict:
    """``server-silent``."""
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


def _silence(view: View, attempt: Attempt) -> int:
    """Return ns that the server kept silent: until the client ended, or the capture did."""
    waited = _waited(attempt)
    if waited is not None:
        return waited
    return max(0, view.end_ts_ns - _asked_at(attempt)) if view.end_ts_ns is not None else 0


def request_acknowledged(view: View) -> Verdict:
    """``request-acknowledged``."""
    found = matching(
        view.completed, lambda a: wait_of(view, a) is Wait.SILENT and "client-data-acked" in a.events
    )
    return _judged(
        view,
        found,
        lambda m: f"the server's TCP acknowledged the unanswered request of {m.phrase()}",
        "no unanswered request was acknowledged",
    )


def request_not_acknowledged(view: View) -> Verdict:
    """``request-not-acknowledged``."""
    found = matching(view.completed, lambda a: _not_acknowledged(view, a))
    return _judged(
        view,
        found,
        lambda m: f"the data of {m.phrase()} was never acknowledged",
        "all data of clients was acknowledged, or the server ended the connection",
    )


def _not_acknowledged(view: View, attempt: Attempt) -> bool:
    """Whether data stayed unacknowledged for longer than any TCP delays its answer."""
    if "client-data-lost" in attempt.events and _stays_lost(attempt):
        return True
    silent = wait_of(view, attempt) in {Wait.SILENT, Wait.TOO_SHORT}
    late = _silence(view, attempt) >= ACKNOWLEDGED_BY_NS
    return silent and late and "client-data-acked" not in attempt.events


def _stays_lost(attempt: Attempt) -> bool:
    """Whether what was repeated in vain up to the end had no chance any more: a network may lose a few frames."""
    return _client_ended(attempt) or is_local(attempt)


def answer_not_acknowledged(view: View) -> Verdict:
    """``answer-not-acknowledged``."""
    found = matching(view.completed, lambda a: _answer_lost(view, a))
    if found:
        text = f"the client never acknowledged what the server sent in {found.phrase('connection')}"
        return yes(text, frames_of(found.attempts, lambda f: f.server_data, lambda f: f.fin or f.rst))
    return no("what servers sent was acknowledged" if view.completed else _NOT_COMPLETED)


def _answer_lost(view: View, attempt: Attempt) -> bool:
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


def client_gave_up(view: View) -> Verdict:
    """``client-gave-up``."""
    found = matching(view.completed, lambda a: _gave_up(view, a))
    longest = max((waited for a in found.attempts if (waited := _waited(a)) is not None), default=None)
    after = f", after {duration(longest)}" if longest is not None else ""
    return _judged(
        view,
        found,
        lambda m: f"the client ended {m.phrase('connection')} while it waited for an answer{after}",
        "no client ended a connection while it waited for an answer",
    )


def _gave_up(view: View, attempt: Attempt) -> bool:
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


def server_closed_in_turn(view: View) -> Verdict:
    """``server-closed-in-turn``: a program that is stuck or stopped does not close."""
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


def late_answer(view: View) -> Verdict:
    """``late-answer``."""
    found = matching(view.completed, lambda a: _late(a) is True)
    if found:
        delays = [(a.times.server_data or 0) - (a.times.client_fin or 0) for a in found.attempts]
        text = f"the first byte for {found.phrase()} came {duration(min(delays))} after the client had closed"
        return yes(text, frames_of(found.attempts, lambda f: f.fin, lambda f: f.server_data))
    doubtful = matching(view.completed, lambda a: _late(a) is None)
    if doubtful:
        why = "the client closed its sending side right after its request and may still have read the answer"
        return unknown(why, frames_of(doubtful.attempts, lambda f: f.fin, lambda f: f.server_data))
    return no("no answer came after the client's close" if view.completed else _NOT_COMPLETED)


def _ended(
    view: View, test: Callable[[Attempt], bool], what: str, *pick: Callable[[Frames], int | None]
) -> Verdict:
    found = matching(view.completed, test)
    if found:
        return yes(f"the server {what} in {found.phrase()}", frames_of(found.attempts, *pick))
    return no(f"no server {what}" if view.completed else _NOT_COMPLETED)


def reset_before_answer(view: View) -> Verdict:
    """``reset-before-answer``. A reset after the client's own close answers that, and is not counted."""
    return _ended(
        view,
        lambda a: a.outcome is Outcome.RESET_BY_SERVER_EARLY and not client_ended_first(a),
        "reset the connection before it sent a byte",
        lambda f: f.client_data,
        lambda f: f.rst,
    )


def reset_after_answer(view: View) -> Verdict:
    """``reset-after-answer``."""
    return _ended(
        view,
        lambda a: a.outcome is Outcome.RESET_BY_SERVER and not client_ended_first(a),
        "reset the connection after it had sent bytes",
        lambda f: f.server_data,
        lambda f: f.rst,
    )


def closed_before_answer(view: View) -> Verdict:
    """``closed-before-answer``."""
    return _ended(
        view, _closed_early, "closed with FIN before it sent a byte", lambda f: f.client_data, lambda f: f.fin
    )


def _closed_early(attempt: Attempt) -> bool:
    early = "server-fin-before-data" in attempt.events and not _spoke(attempt)
    return early and not client_ended_first(attempt)


def closed_while_others_stayed(view: View) -> Verdict:
    """``closed-while-others-stayed``: how a server looks that has room for so many clients and no more."""
    beside: dict[Endpoint, list[Attempt]] = defaultdict(list)
    for group in view.completed:
        beside[group.server] += (attempt for attempt in group.examples if not _turned_away(attempt))
    found = matching(
        view.completed,
        lambda a: _turned_away(a) and sum(_open_beside(a, other) for other in beside[a.server]) >= _SEVERAL,
    )
    if found:
        return yes(
            f"the server ended {found.phrase('connection')} before a byte while others to it were open",
            frames_of(found.attempts, lambda f: f.first, lambda f: f.rst or f.fin),
        )
    return no("no connection was ended early while several others were open")


def _turned_away(attempt: Attempt) -> bool:
    reset = attempt.outcome is Outcome.RESET_BY_SERVER_EARLY and not client_ended_first(attempt)
    return reset or _closed_early(attempt)


def _open_beside(attempt: Attempt, other: Attempt) -> bool:
    """Whether ``other`` had been accepted when ``attempt`` was made, and outlived it."""
    mine, its = attempt.times.end or attempt.first_ts_ns, other.times.end
    return other.first_ts_ns < attempt.first_ts_ns and (its is None or its > mine)


def reset_by_client(view: View) -> Verdict:
    """``reset-by-client``: after the handshake, or in answer to a SYN-ACK."""
    found = matching(view.groups, lambda a: a.outcome in {Outcome.RESET_BY_CLIENT, Outcome.CLIENT_RESET})
    if found:
        return yes(
            f"the client reset {found.phrase('connection')}", frames_of(found.attempts, lambda f: f.rst)
        )
    return no("no client reset a connection")


def first_data_frames(found: Iterable[Attempt]) -> tuple[int, ...]:
    """Return the frames of the first data each way."""
    return frames_of(found, lambda f: f.client_data, lambda f: f.server_data)
