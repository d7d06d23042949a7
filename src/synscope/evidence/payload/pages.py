"""What the page of an HTTP error says to a person: its words, bounded and on one line.

Input: the first bytes of an answer, cut anywhere, chosen by a stranger. Output: text, unescaped; empty where the page
says no more than its status line, or cannot be read as text. JSON is searched for the members in which services put
their message (RFC 9457 §3.1 names two of them), markup is taken away from HTML.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.packets.view import Exchange
from synscope.evidence.payload.http1 import header
from synscope.evidence.payload.protocols import MOST_QUOTED, Response, readable
from synscope.evidence.payload.recognise import describe

FIRST_ERROR: Final = 400
_HEAD_END: Final = b"\r\n\r\n"


@cache
def _chunk_size_form() -> re.Pattern[bytes]:
    return re.compile(rb"[0-9a-fA-F]{1,8}[ \t]*(?:;[^\r\n]*)?\r\n")


@cache
def _member_form() -> re.Pattern[bytes]:
    return re.compile(
        rb'"(?:message|reason|error_description|detail|error|msg|title|description)"\s*:\s*"((?:[^"\\]|\\.){3,400})',
        re.IGNORECASE,
    )


@cache
def _hidden_form() -> re.Pattern[bytes]:
    return re.compile(
        rb"<(script|style|title)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)", re.DOTALL | re.IGNORECASE
    )


@cache
def _tag_form() -> re.Pattern[bytes]:
    return re.compile(rb"<[^>]*(?:>|$)")


@cache
def _head_end_form() -> re.Pattern[str]:
    return re.compile(r"\n\r?\n")


@cache
def _word_form() -> re.Pattern[str]:
    return re.compile(r"[^\W\d_]{3,}")


def body_of(data: bytes) -> bytes:
    """Return what of an answer's body is among its first bytes, without the size of its first chunk."""
    body = data.partition(_HEAD_END)[2]
    if header(data, b"transfer-encoding").lower() == "chunked":
        size = _chunk_size_form().match(body)
        body = body[size.end() :] if size else body
    return body


def page_of(response: Response) -> str:
    """Return the beginning of an answer's body, in lower case."""
    return _head_end_form().split(f"\n{response.rest}", maxsplit=1)[-1]


def words_of(exchange: Exchange) -> str:
    """Return what the page of an HTTP error says beyond its status line, at most ``MOST_QUOTED`` characters."""
    response, data = exchange.server.response, exchange.attempt.server_payload or b""
    if response is None or response.status < FIRST_ERROR:
        return ""
    if header(data, b"content-encoding") not in {"", "identity"}:
        return ""
    said = _said(body_of(data))
    known = {response.reason.lower(), *response.reason.lower().split(), *response.server.lower().split("/")}
    told = {word.lower() for word in _word_form().findall(said)}
    return said if told - known - {"error", "http", "status", "code"} else ""


def _said(body: bytes) -> str:
    member = _member_form().search(body) if body.lstrip()[:1] in {b"{", b"["} else None
    text = member[1] if member else _tag_form().sub(b" ", _hidden_form().sub(b" ", body))
    if b"\0" in text:
        return ""
    return readable(b" ".join(text.split()), MOST_QUOTED)


def described(exchange: Exchange) -> str:
    """Return the answer as ``describe`` does, with the words of its page where it has any."""
    words = words_of(exchange)
    return f"{describe(exchange.server)}: “{words}”" if words else describe(exchange.server)
