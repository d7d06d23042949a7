"""Recognise the head of an HTTP/1 message (RFC 9112 §3 and §4) in first bytes that may be cut anywhere."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.payload.protocols import Authority, Payload, Protocol, Request, Response, first_line


@cache
def _request_form() -> re.Pattern[bytes]:
    return re.compile(rb"([A-Z][A-Z-]{1,19}) ([^\s\x00-\x1f]+) HTTP/\d")


@cache
def _cut_request_form() -> re.Pattern[bytes]:
    return re.compile(
        rb"(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) ([/*a-z0-9\[][^\s\x00-\x1f]*)"
    )


@cache
def _response_form() -> re.Pattern[bytes]:
    return re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?![0-9])(?: ([^\r\n]*))?")


_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_MOST_DIGITS: Final = 20


def recognise_http(data: bytes) -> Payload | None:
    """Return the request or response that ``data`` starts with, or ``None``."""
    return _response(data) if data.startswith(b"HTTP/") else _request(data)


def _request(data: bytes) -> Payload | None:
    match = _request_form().match(data)
    if match is None:
        # A long request target leaves no room for the version: then only well-known methods count.
        match = _cut_request_form().match(data)
        if match is None or match.end() != len(data):
            return None
    method, target = _text(match[1]), _text(match[2])
    proxied = _proxied(method, target)
    host = header(data, b"host")
    request = Request(
        method=method,
        target=target,
        host=split_authority(host) if host else None,
        proxied=proxied,
        headers=_after_first_line(data),
    )
    return Payload(Protocol.HTTP_REQUEST, text=first_line(data), request=request, proxied=proxied)


def _response(data: bytes) -> Payload | None:
    match = _response_form().match(data)
    if match is None:
        return None
    response = Response(
        version=_text(match[1]),
        status=int(match[2]),
        reason=_text(match[3] or b"").strip(),
        server=header(data, b"server"),
        rest=_after_first_line(data),
    )
    return Payload(Protocol.HTTP_RESPONSE, text=first_line(data), response=response)


def _proxied(method: str, target: str) -> Authority | None:
    """Return where a proxy is asked to go: RFC 9112 §3.2.2 (absolute form) and §3.2.3 (CONNECT)."""
    if method == "CONNECT":
        return split_authority(target)
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in _DEFAULT_PORTS:
        return None
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    split = split_authority(authority)
    if split is None or split.port is not None:
        return split
    return Authority(split.host, _DEFAULT_PORTS[scheme.lower()])


def split_authority(text: str) -> Authority | None:
    """Split ``host``, ``host:port`` or ``[v6]:port``; the port may be any number. ``None`` without host."""
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        digits = rest.removeprefix(":")
    else:
        host, _, digits = text.partition(":")
    if not host or (digits and not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS)):
        return None
    return Authority(host, int(digits) if digits else None)


def header(data: bytes, name: bytes) -> str:
    """Return the value of the first header called ``name`` that is whole, or an empty string."""
    # A value cut at the end of the kept bytes would read as another, shorter value.
    for line in data.split(b"\n")[1:-1]:
        if not line.strip():
            break
        key, separator, value = line.partition(b":")
        if separator and key.lower() == name:
            return _text(value).strip()
    return ""


def _after_first_line(data: bytes) -> str:
    return _text(data.partition(b"\n")[2]).lower()


def _text(data: bytes) -> str:
    return data.decode("latin-1")
