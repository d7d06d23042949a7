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
OBJECTION = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
OBJECTED = {"http-client-error"}
PAGE = {"http-answer-to-other"}
ALIEN = OBJECTED | PAGE


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
    *(
        Situation(f"{asked[:20]!r} and an objection in HTTP", (said(asked, OBJECTION),), DONE | found)
        for asked, found in (
            (b"003f", ALIEN),
            (b"003fgit-upload-pack /me/app.git\0host=127.0.0.1:3000\0", ALIEN),
            (b"\x07\x03hello", ALIEN),
            (b"USER anonymous\r\n", ALIEN),
            (b"DESCRIBE rtsp://127.0.0.1/cam RTSP/1.0\r\nCSeq: 1\r\n\r\n", ALIEN),
            (b'{"id":1,"op":"login"}\n', ALIEN),
            (b"get / http/1.1\r\n\r\n", OBJECTED),
            (b"\r\nGET / HTTP/1.1\r\n\r\n", OBJECTED),
            (b"GET /a b c HTTP/1.1\r\n\r\n", OBJECTED),
            (b"GET /\r\n", OBJECTED),
            (b"FETC", OBJECTED),
        )
    ),
    Situation("a client of another kind got a page", (said(b"\x01hello", b"<html>no</html>"),), DONE | PAGE),
    Situation("a client of another kind got what it wants", (said(b"\x01hello", FINE),), DONE),
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
