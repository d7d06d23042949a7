"""What a client asked the server to speak, and the server does not."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Answer, Attempt
from tests.evidence.builders import ANSWERED, DONE, GET, MS, Situation, check, observe, said, times

WEBSOCKET = b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
GSS_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x30"
BANNER = b'{"event":"hello"}\n'


def left(client: bytes, server: bytes, **fields: Any) -> Attempt:
    """An exchange that the client ends."""
    ended = times(client_data=MS, server_data=2 * MS, client_fin=3 * MS, end=3 * MS)
    return said(client, server, **{"events": ANSWERED | {"client-fin"}, "times": ended, **fields})


def upgraded(status: bytes) -> Attempt:
    return said(WEBSOCKET, b"HTTP/1.1 " + status + b"\r\n\r\n")


SITUATIONS = [
    Situation("a banner for an answer", (said(GET, BANNER),), DONE | {"answer-not-http"}),
    Situation("bytes for an answer", (said(GET, b"\x00\x01\x02\x03"),), DONE | {"answer-not-http"}),
    Situation("a player of streams", (said(GET, b"ICY 200 OK\r\n\r\n"),), DONE),
    Situation("an answer after an empty line", (said(GET, b"\r\nHTTP/1.1 200 OK\r\n\r\n"),), DONE),
    Situation("an answer cut within its first word", (said(GET, b"HTT"),), DONE),
    Situation("a status line that says nothing", (said(GET, b"HTTP/1.1 hello\r\n"),), DONE),
    Situation("a request in HTTP/0.9", (said(b"GET /\r\n", b"<p>hello</p>"),), DONE),
    Situation("a request cut before its version", (said(b"GET /" + b"a" * 507, BANNER),), DONE),
    Situation("no request of HTTP", (said(b"hello\r\n", BANNER),), DONE),
    Situation(
        "WebSocket, not found", (upgraded(b"404 Not Found"),), DONE | {"upgrade-refused", "http-client-error"}
    ),
    Situation(
        "WebSocket through a gateway that does not pass it on",
        (upgraded(b"426 Upgrade Required"),),
        DONE | {"upgrade-refused", "http-client-error"},
    ),
    Situation("WebSocket, a page instead", (upgraded(b"200 OK"),), DONE | {"upgrade-refused"}),
    Situation("WebSocket", (upgraded(b"101 Switching Protocols"),), DONE),
    Situation("WebSocket, elsewhere", (upgraded(b"302 Found"),), DONE),
    Situation("WebSocket, who asks", (upgraded(b"401 Unauthorized"),), DONE | {"http-client-error"}),
    Situation("WebSocket, the server fails", (upgraded(b"500 Oops"),), DONE | {"http-server-error"}),
    Situation(
        "another upgrade, and an answer without it",
        (said(WEBSOCKET.replace(b"websocket", b"h2c"), b"HTTP/1.1 200 OK\r\n\r\n"),),
        DONE,
    ),
    Situation(
        "PostgreSQL without TLS, a client that insists", (left(SSL_REQUEST, b"N"),), DONE | {"tls-declined"}
    ),
    Situation(
        "the same after a no to Kerberos",
        (left(GSS_REQUEST, b"N", client_bytes=16, server_bytes=2),),
        DONE | {"tls-declined"},
    ),
    Situation(
        "PostgreSQL without TLS, a client that goes on",
        (left(SSL_REQUEST, b"N", client_bytes=80, server_bytes=400),),
        DONE,
    ),
    Situation("PostgreSQL with TLS, and the client leaves", (left(SSL_REQUEST, b"S"),), DONE),
    Situation("PostgreSQL without TLS, still open", (said(SSL_REQUEST, b"N"),), DONE),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_the_beginning_may_be_missing() -> None:
    """The second segment of an answer is no banner."""
    found = observe(said(GET, b"<p>hello</p>", server_bytes=200))["answer-not-http"]
    assert found.answer is Answer.UNKNOWN
    assert "perhaps something before it" in found.text
