"""What the first bytes of one direction say: ``recognise`` names them, ``describe`` puts them in words.

Input: at most 512 bytes of one direction, possibly cut, chosen by a stranger. Output: a frozen
``Payload``. Nothing here raises or reads further than that, whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from synscope.evidence.payload.greetings import GREETINGS
from synscope.evidence.payload.http1 import recognise_http
from synscope.evidence.payload.protocols import (
    LIMIT,
    Alert,
    Authority,
    Payload,
    Protocol,
    Request,
    Response,
    readable,
)
from synscope.evidence.payload.tls import recognise_tls

__all__ = [
    "LIMIT",
    "RECOGNISERS",
    "Alert",
    "Authority",
    "Payload",
    "Protocol",
    "Request",
    "Response",
    "describe",
    "recognise",
]

RECOGNISERS: Final[tuple[Callable[[bytes], Payload | None], ...]] = (
    recognise_tls,
    *GREETINGS,
    recognise_http,
)
"""HTTP comes last: its request line is a loose pattern, and HTTP/2's preface would fit it."""

_SHOWN_BYTES: Final = 8


def recognise(data: bytes) -> Payload:
    """Return what the first bytes of one direction say. Only the first ``LIMIT`` bytes are read."""
    data = bytes(data[:LIMIT])
    if not data:
        return Payload(Protocol.EMPTY)
    for recogniser in RECOGNISERS:
        payload = recogniser(data)
        if payload is not None:
            return payload
    if _is_text(data):
        return Payload(Protocol.TEXT, text=readable(data.strip()))
    return Payload(Protocol.BINARY, text=data[:_SHOWN_BYTES].hex(" "))


def _is_text(data: bytes) -> bool:
    """Whether ``data`` is text without control characters; a UTF-8 character may be cut at the end."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:
            return False
        text = data[: error.start].decode()
    return bool(text) and all(character.isprintable() or character in "\t\r\n" for character in text)


def describe(payload: Payload) -> str:  # noqa: PLR0911 - one return for each shape
    """Return ``payload`` as a noun phrase for a sentence. It may quote a stranger's bytes, unescaped."""
    match payload:
        case Payload(protocol=Protocol.EMPTY):
            return "nothing"
        case Payload(response=Response() as response):
            by = f" from {response.server}" if response.server else ""
            return f"HTTP {response.status}{f' {response.reason}' if response.reason else ''}{by}"
        case Payload(request=Request() as request):
            return f"HTTP request {request.method} {readable(request.target.encode('latin-1', 'replace'))}"
        case Payload(alert=Alert() as alert):
            after = "" if payload.protocol is Protocol.TLS_ALERT else f"{payload.protocol} and then "
            return f"{after}TLS alert {alert.name} ({alert.description})"
        case Payload(protocol=Protocol.BINARY):
            return f"binary data starting {payload.text}"
        case Payload(text=""):
            return str(payload.protocol)
        case _:
            return f"{payload.protocol} “{payload.text}”"
