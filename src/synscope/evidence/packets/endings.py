"""Questions about how completed connections ended: who closed or reset them, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from synscope.evidence.by_hand import in_capture, in_conversations
from synscope.evidence.packets.exchange import NOT_COMPLETED, client_ended_first, server_spoke
from synscope.evidence.packets.view import PacketsView, frames_of, matching
from synscope.evidence.question import OwnConnect, Reply, Says, no, question, yes
from synscope.model import Attempt, Endpoint, Frames, Outcome, Source, Stage

_SEVERAL: Final = 4
"""Connections that are open at once from which on a limit is thought of."""


def _ended(
    view: PacketsView, test: Callable[[Attempt], bool], what: str, *pick: Callable[[Frames], int | None]
) -> Reply:
    found = matching(view.completed, test)
    if found:
        return yes(f"the server {what} in {found.phrase()}", frames_of(found.attempts, *pick))
    return no(f"no server {what}" if view.completed else NOT_COMPLETED)


@question(
    "reset-before-answer",
    Source.PACKETS,
    "the server reset the connection before it sent a byte",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.flags.reset == 1 && tcp.srcport == {port} && tcp.seq == 1",
        "an RST of the server in a stream with a handshake: yes",
    ),
)
def reset_before_answer(view: PacketsView) -> Reply:
    """Count resets, but none after the client's own close: it only answers that."""
    return _ended(
        view,
        lambda a: a.outcome is Outcome.RESET_BY_SERVER_EARLY and not client_ended_first(a),
        "reset the connection before it sent a byte",
        lambda f: f.client_data,
        lambda f: f.rst,
    )


@question(
    "reset-after-answer",
    Source.PACKETS,
    "the server reset the connection after it had sent bytes",
    stage=Stage.ACCEPT,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_capture("tcp.flags.reset == 1 && tcp.srcport == {port} && tcp.seq > 1"),
)
def reset_after_answer(view: PacketsView) -> Reply:
    return _ended(
        view,
        lambda a: a.outcome is Outcome.RESET_BY_SERVER and not client_ended_first(a),
        "reset the connection after it had sent bytes",
        lambda f: f.server_data,
        lambda f: f.rst,
    )


@question(
    "closed-before-answer",
    Source.PACKETS,
    "the server closed with FIN before it sent a byte",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=in_capture(
        "tcp.flags.fin == 1 && tcp.srcport == {port} && tcp.seq == 1",
        "a FIN of the server before the client's own: yes",
    ),
)
def closed_before_answer(view: PacketsView) -> Reply:
    return _ended(
        view, _closed_early, "closed with FIN before it sent a byte", lambda f: f.client_data, lambda f: f.fin
    )


def _closed_early(attempt: Attempt) -> bool:
    early = "server-fin-before-data" in attempt.events and not server_spoke(attempt)
    return early and not client_ended_first(attempt)


@question(
    "closed-while-others-stayed",
    Source.PACKETS,
    "the server ended a connection before a byte while several other connections to it were open",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=in_conversations(
        "a conversation without a byte of the server ends while four or more go on: yes"
    ),
)
def closed_while_others_stayed(view: PacketsView) -> Reply:
    """Recognise a server that has room for so many clients and no more."""
    beside: dict[Endpoint, list[Attempt]] = defaultdict(list)
    for group in view.completed:
        beside[group.server] += (attempt for attempt in group.examples if not turned_away(attempt))
    found = matching(
        view.completed,
        lambda a: turned_away(a) and sum(_open_beside(a, other) for other in beside[a.server]) >= _SEVERAL,
    )
    if found:
        return yes(
            f"the server ended {found.phrase('connection')} before a byte while others to it were open",
            frames_of(found.attempts, lambda f: f.first, lambda f: f.rst or f.fin),
        )
    return no("no connection was ended early while several others were open")


def turned_away(attempt: Attempt) -> bool:
    """Whether the server ended the connection before it had sent a byte."""
    reset = attempt.outcome is Outcome.RESET_BY_SERVER_EARLY and not client_ended_first(attempt)
    return reset or _closed_early(attempt)


def _open_beside(attempt: Attempt, other: Attempt) -> bool:
    """Whether ``other`` had been accepted when ``attempt`` was made, and outlived it."""
    mine, its = attempt.times.end or attempt.first_ts_ns, other.times.end
    return other.first_ts_ns < attempt.first_ts_ns and (its is None or its > mine)


@question(
    "reset-by-client",
    Source.PACKETS,
    "the client reset the connection",
    by_hand=in_capture("tcp.flags.reset == 1 && tcp.dstport == {port}"),
    own_connect=OwnConnect.FAKES,
)
def reset_by_client(view: PacketsView) -> Reply:
    """Count resets after the handshake, and those that answer a SYN-ACK."""
    found = matching(view.groups, lambda a: a.outcome in {Outcome.RESET_BY_CLIENT, Outcome.CLIENT_RESET})
    if found:
        return yes(
            f"the client reset {found.phrase('connection')}", frames_of(found.attempts, lambda f: f.rst)
        )
    return no("no client reset a connection")
