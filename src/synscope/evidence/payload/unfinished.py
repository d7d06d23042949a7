"""Questions about answers that began and did not come to their end, as HTTP/1 shows it.

How long an answer is to be, its head says (RFC 9112 §6.3): by Content-Length, or by chunks of which the last is
empty. How much of it came, the sequence numbers say. Where the head was not kept whole nothing can be judged.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.exchange import client_ended_first
from synscope.evidence.packets.view import Exchange, PacketsView, client_of, last_answered
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.recognise import Protocol
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Source, Stage
from synscope.units import count, duration

STALLED_NS: Final = 1_000_000_000
"""A client that ends so long after the answer began, and before its end, has waited for the rest."""
_MOST_STALLED: Final = 1 << 16
"""Bytes of an answer up to which a client that ended it early is taken to have waited, not to have had enough."""

_HEAD_END: Final = b"\r\n\r\n"


@cache
def _length_form() -> re.Pattern[bytes]:
    return re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


@cache
def _chunked_form() -> re.Pattern[bytes]:
    return re.compile(rb"^transfer-encoding:[^\r]*\bchunked[ \t]*\r$", re.IGNORECASE | re.MULTILINE)


@cache
def _last_chunk_form() -> re.Pattern[bytes]:
    return re.compile(rb"(?:^|\r\n)0+(?:;[^\r]*)?\r\n(?:[^\r]+\r\n)*\r\n$")


@cache
def _chunk_form() -> re.Pattern[bytes]:
    return re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


_LINE_END: Final = b"\r\n"
_SHORTEST_END: Final = len(b"0\r\n\r\n")
_NO_FAREWELL: Final = frozenset({Protocol.HTTP_REQUEST, Protocol.REDIS})
_SWITCHING: Final = 101
_BODILESS: Final = frozenset({204, 304})
_FIRST_FINAL: Final = 200


@question(
    "answer-cut-short",
    Source.PAYLOAD,
    "the server ended the connection in the middle of an HTTP answer",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.response && tcp.srcport == {port}",
        "the server ends the connection before Content-Length or the last chunk: yes",
    ),
)
def answer_cut_short(view: PacketsView) -> Reply:

    def cut(x: Exchange) -> bool:
        return missing(x) is not None and not client_ended_first(x.attempt) and _server_ended(x)

    return (
        where(
            view, cut, lambda x: f"the server ended the connection in the middle of its answer: {missing(x)}"
        )
        or hidden(view)
        or no("no answer was cut short by the server")
    )


@question(
    "answer-stalled",
    Source.PAYLOAD,
    "the client waited in vain for the rest of an HTTP answer",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.response && tcp.srcport == {port}",
        "the client ends the connection a second or more after it, before Content-Length or the last chunk: yes",
    ),
)
def answer_stalled(view: PacketsView) -> Reply:

    def stalled(x: Exchange) -> bool:
        return missing(x) is not None and _waited(x) >= STALLED_NS and x.attempt.server_bytes <= _MOST_STALLED

    return (
        where(
            view,
            stalled,
            lambda x: (
                f"the client ended the connection {duration(_waited(x))} after the answer began, without "
                f"its rest: {missing(x)}"
            ),
        )
        or hidden(view)
        or no("no client waited in vain for the rest of an answer")
    )


@question(
    "request-after-close",
    Source.PAYLOAD,
    "the client made a request on a connection that the server had closed, and no other answered it",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "tcp.dstport == {port} && tcp.len > 0",
        "one comes after the server's FIN and is answered by an RST: yes",
    ),
)
def request_after_close(view: PacketsView) -> Reply:
    """Say whether the client asked again where the server had closed, and was reset.

    Only of protocols in which a client says nothing after the server has closed but a request.
    """
    answered = last_answered(view.exchanges)

    def lost(x: Exchange) -> bool:
        a = x.attempt
        over = a.times.end or a.first_ts_ns
        return (
            {"client-data-after-server-fin", "server-rst", "server-data"} <= a.events
            and not _NO_FAREWELL.isdisjoint({x.client.protocol, x.server.protocol})
            and (x.server.response is None or x.server.response.status != _SWITCHING)
            and answered.get(client_of(x), over) <= over
        )

    return (
        where(view, lost, lambda _: "the client made a request after the server had closed, and was reset")
        or hidden(view)
        or no("no request was made after the server had closed")
    )


def missing(exchange: Exchange) -> str | None:
    """Return in words what the first answer of a connection lacks, ``None`` when that is nothing or not known."""
    attempt, response = exchange.attempt, exchange.server.response
    data = attempt.server_payload or b""
    head = data.find(_HEAD_END)
    if response is None or head < 0 or response.status in _BODILESS or response.status < _FIRST_FINAL:
        return None
    request = exchange.client.request
    if request is None or request.method in {"HEAD", "CONNECT"}:
        return None
    lines = data[: head + 2]
    begun = head + len(_HEAD_END)
    if _chunked_form().search(lines):
        if attempt.server_bytes == len(data):
            ended = _last_chunk_form().search(data[head + 2 :]) is not None
        else:
            ended = _may_have_ended(data[begun:], attempt.server_bytes - begun)
        return None if ended else "its last chunk did not come"
    length = _length_form().search(lines)
    if length is None or attempt.server_bytes >= begun + int(length[1]):
        return None
    came = max(0, attempt.server_bytes - begun)
    return f"{came:,} of {count(int(length[1]), 'byte')} came"


def _may_have_ended(kept: bytes, came: int) -> bool:
    """Whether the last chunk may be among the ``came`` bytes, by the sizes announced in those that were kept."""
    at = 0
    while match := _chunk_form().match(kept, at):
        size = int(match[1], 16)
        if size == 0:
            return True
        at = match.end() + size + len(_LINE_END)
        if at + _SHORTEST_END > came:
            return False
    return True


def _server_ended(exchange: Exchange) -> bool:
    return bool(exchange.attempt.events & {"server-fin", "server-rst"})


def _waited(exchange: Exchange) -> int:
    """Return ns from the answer's first byte to the client's end, 0 when it is not the client that ended it."""
    times = exchange.attempt.times
    ended = times.client_fin
    if ended is None and "client-rst" in exchange.attempt.events:
        ended = times.end
    if ended is None or times.server_data is None or not client_ended_first(exchange.attempt):
        return 0
    return max(0, ended - times.server_data)
