"""Questions about what the client asked the server to speak, and the server does not: HTTP, WebSocket, TLS.

Sources: RFC 9112 §4 (an answer begins with HTTP/), RFC 6455 §4.2.2 (101 or no WebSocket), PostgreSQL §55.2.10
(one byte answers a request for encryption).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_capture, in_first_bytes
from synscope.evidence.packets.exchange import client_ended_first
from synscope.evidence.packets.view import Exchange, PacketsView, first_data_frames
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.recognise import Protocol, describe
from synscope.evidence.question import Reply, Says, no, question, unknown
from synscope.model import Source, Stage


@cache
def _http1_request_form() -> re.Pattern[bytes]:
    return re.compile(rb"[^\r\n]* HTTP/1\.[01]\r?\n")


_HTTP_BEGINS: Final = b"HTTP/"
_ICY: Final = b"ICY "
"""How Shoutcast begins an answer that players of streams understand."""


@cache
def _websocket_form() -> re.Pattern[str]:
    return re.compile(r"^upgrade:[ \t]*websocket\b", re.MULTILINE)


_OTHER_OBJECTIONS: Final = frozenset({401, 403, 407, 429})
"""Who asks, or how often, is what is wrong there; a server of WebSockets says so too."""

_ENCRYPTION: Final = (b"\0\0\0\x08\x04\xd2\x16\x2f", b"\0\0\0\x08\x04\xd2\x16\x30")
"""PostgreSQL's SSLRequest and GSSENCRequest."""
_DECLINED: Final = b"N"


@question(
    "answer-not-http",
    Source.PAYLOAD,
    "an HTTP request was answered with bytes that are not HTTP",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the answer to an HTTP request does not begin with HTTP/: yes"),
)
def answer_not_http(view: PacketsView) -> Reply:
    """Recognise what clients call an answer in HTTP/0.9, or a bad status line."""

    def whole(x: Exchange) -> bool:
        # Of a long answer the beginning may be what the capture lost.
        return x.attempt.server_bytes == len(x.attempt.server_payload or b"")

    reply = where(
        view,
        lambda x: _is_alien(x) and whole(x),
        lambda x: f"{describe(x.client)} was answered with {describe(x.server)}",
    ) or hidden(view)
    if reply is not None:
        return reply
    doubtful = next((x for x in view.exchanges if _is_alien(x)), None)
    if doubtful is not None:
        why = f"an HTTP request got {describe(doubtful.server)}, and perhaps something before it"
        return unknown(why, first_data_frames([doubtful.attempt]))
    return no("no HTTP request was answered with something else")


def _is_alien(exchange: Exchange) -> bool:
    """Whether no HTTP begins what an HTTP/1 request got."""
    asked, answer = exchange.attempt.client_payload or b"", exchange.attempt.server_payload or b""
    answer = answer.lstrip(b"\r\n")
    # The kept bytes may end within the first word.
    is_http = answer.startswith((_HTTP_BEGINS, _ICY)) or _HTTP_BEGINS.startswith(answer[: len(_HTTP_BEGINS)])
    nameless = exchange.server.protocol in _NAMELESS
    return nameless and not is_http and _http1_request_form().match(asked) is not None


@cache
def _request_begins() -> re.Pattern[bytes]:
    """Return how a request may begin, whatever its method, while its first line is not whole."""
    return re.compile(rb"[A-Za-z][A-Za-z-]{0,19}(?: [\x21-\x7e]*)?")


_NAMELESS: Final = frozenset({Protocol.TEXT, Protocol.BINARY})
_HTTP09: Final = b"GET "
_FIRST_ERROR: Final = 400
_PAGES: Final = ("<!doctype html", "<html")


@question(
    "http-answer-to-other",
    Source.PAYLOAD,
    "the client began with bytes that are no HTTP, and the server answered with an HTTP error or a page",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the client's first line is no HTTP request, the answer begins with HTTP/: yes"),
)
def http_answer_to_other(view: PacketsView) -> Reply:
    """Recognise a web server that another client came to, by what it makes of that client's bytes."""

    def stranger(x: Exchange) -> bool:
        response, asked = x.server.response, x.attempt.client_payload or b""
        page = x.server.protocol is Protocol.TEXT and x.server.text.lower().startswith(_PAGES)
        objects = page or (response is not None and response.status >= _FIRST_ERROR)
        return objects and x.client.protocol in _NAMELESS and not _may_speak_http(asked)

    return (
        where(
            view,
            stranger,
            lambda x: f"the client began with {describe(x.client)}, and got {describe(x.server)}",
        )
        or hidden(view)
        or no("no client that speaks no HTTP got an answer in HTTP")
    )


_PROXY_LINES: Final = (b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n")
"""A line of a balancer's, before what its client says (HAProxy's proxy-protocol.txt, §2)."""


def _may_speak_http(asked: bytes) -> bool:
    """Whether a client's first bytes may be the beginning of a request in HTTP, be it a bad one."""
    if asked.startswith(_PROXY_LINES):
        return True
    line, ended, _ = asked.lstrip(b"\r\n").partition(b"\n")
    if not line or _HTTP_BEGINS in line.upper():
        return True
    whole = bool(ended) or _request_begins().fullmatch(line) is None
    return not whole or line.upper().startswith(_HTTP09)


@question(
    "upgrade-refused",
    Source.PAYLOAD,
    "the client asked for WebSocket and got another answer than 101",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_capture(
        "http.upgrade || http.response", "the answer to 'Upgrade: websocket' is another than 101: yes"
    ),
)
def upgrade_refused(view: PacketsView) -> Reply:

    def refused(x: Exchange) -> bool:
        request, response = x.client.request, x.server.response
        if request is None or response is None or not _websocket_form().search(request.headers):
            return False
        return response.status // 100 in {2, 4} and response.status not in _OTHER_OBJECTIONS

    return (
        where(view, refused, lambda x: f"the client asked for WebSocket and got {describe(x.server)}")
        or hidden(view)
        or no("no request for WebSocket was declined")
    )


@question(
    "tls-declined",
    Source.PAYLOAD,
    "the client asked for encryption, the server declined, the client left",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the server's whole answer is N, and the client closes: yes"),
)
def tls_declined(view: PacketsView) -> Reply:
    """Recognise a client that cannot do without encryption: others go on after the server's no."""

    def left(x: Exchange) -> bool:
        attempt = x.attempt
        asked, answer = attempt.client_payload, attempt.server_payload
        # One byte answers each request, and there may be both.
        only = attempt.server_bytes * len(_ENCRYPTION[0]) == attempt.client_bytes
        return asked in _ENCRYPTION and answer == _DECLINED and only and client_ended_first(attempt)

    text = "the client asked for encryption, the server declined, and the client left"
    return where(view, left, lambda _: text) or hidden(view) or no("no client left because TLS was declined")
