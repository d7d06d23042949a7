"""When clients of a target waited for its server, and what ended the wait. Pure.

Input: the target's groups of attempts. Output: a ``Wait`` for each completed attempt at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from synscope.model import Attempt, AttemptGroup, Label

FOR_EVER: Final = (1 << 63) - 1
_TLS_HANDSHAKE: Final = b"\x16\x03"
_SSL_REQUEST: Final = b"\0\0\0\x08\x04\xd2\x16"
"""PostgreSQL's SSLRequest and GSSENCRequest but for their last byte."""
_LOGIN: Final = b"R\0\0\0"
"""PostgreSQL's Authentication messages, which a pooler sends itself (PostgreSQL §55.7)."""


class Wait(NamedTuple):
    """One client's time at the server: from its SYN until it had an answer, lost the connection, or left."""

    began_ns: int
    asked_ns: int | None
    """When the client's first byte came."""
    ended_ns: int
    """``FOR_EVER`` while it goes on."""
    answered: bool
    """The server's first byte ended it."""
    hung_up: bool
    """The server's FIN or RST ended it, before any byte of its own."""

    @property
    def mute(self) -> bool:
        """Whether the server did nothing about it as long as the client was there."""
        return not self.answered and not self.hung_up


def waits_of(groups: Iterable[AttemptGroup]) -> Iterator[Wait]:
    """Yield the waits of the completed attempts at hand."""
    for group in groups:
        if group.label is Label.COMPLETED:
            yield from map(_wait_of, group.examples)


def _is_only_greeted(attempt: Attempt) -> bool:
    """Whether the server's first byte is no answer yet: of a TLS handshake, a log-in, or before the client's."""
    asked, spoke = attempt.times.client_data, attempt.times.server_data
    first = spoke is not None and (asked is None or spoke < asked)
    asks_for_tls = (attempt.client_payload or b"").startswith(_SSL_REQUEST)
    return first or asks_for_tls or (attempt.server_payload or b"").startswith((_TLS_HANDSHAKE, _LOGIN))


def _wait_of(attempt: Attempt) -> Wait:
    times = attempt.times
    if times.server_data is not None and _is_only_greeted(attempt):
        # Of what follows no time is known but that of the end.
        over = times.end or times.client_fin or FOR_EVER
        return Wait(attempt.first_ts_ns, times.client_data, over, answered=True, hung_up=False)
    if times.server_data is not None:
        return Wait(attempt.first_ts_ns, times.client_data, times.server_data, answered=True, hung_up=False)
    by_server = bool(attempt.events & {"server-fin-before-data", "server-rst-before-data", "server-rst"})
    left = times.client_fin
    hung_up = by_server and times.end is not None and (left is None or times.end < left)
    ended = times.end if times.end is not None else left
    return Wait(
        attempt.first_ts_ns,
        times.client_data,
        FOR_EVER if ended is None else ended,
        answered=False,
        hung_up=hung_up,
    )
