"""Conversations at cross purposes."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt
from tests.evidence.builders import (
    ANSWERED,
    DONE,
    GET,
    HELLO,
    SERVER_HELLO,
    Situation,
    check,
    observe,
    said,
    times,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PING = b"*1\r\n$4\r\nPING\r\n"
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

TLS = DONE | {"tls-spoken"}
REJECTED = {"tls-certificate-rejected"}
FIN = {"client-fin"}
CLOSED = {"client_fin": 3, "end": 3}

SITUATIONS = [
    Situation(
        "https to http",
        (said(HELLO, b"HTTP/1.1 400 Bad Request\r\n\r\n"),),
        TLS | {"tls-to-plain-server", "http-client-error"},
    ),
    Situation(
        "http to https, alert",
        (said(GET, b"\x15\x03\x01\x00\x02\x02\x46"),),
        TLS | {"plain-to-tls-server", "tls-alert"},
    ),
    Situation(
        "http to https, told",
        (said(GET, b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"),),
        DONE | {"plain-to-tls-server", "http-client-error"},
    ),
    Situation("http to SSH", (said(GET, b"SSH-2.0-x\r\n"),), DONE | {"other-protocol-greeting"}),
    Situation(
        "https to SSH",
        (said(HELLO, b"SSH-2.0-x\r\n"),),
        TLS | {"other-protocol-greeting", "tls-to-plain-server"},
    ),
    Situation(
        "http to the port of Redis, and no answer",
        (said(GET, None, port=6379, times=times(client_data=1)),),
        DONE | {"server-silent", "request-acknowledged", "port-of-other-protocol"},
        options={"port": 6379},
    ),
    Situation(
        "http to the port of Redis, and an answer",
        (said(GET, b"HTTP/1.1 200 OK\r\n\r\n", port=6379),),
        DONE,
        options={"port": 6379},
    ),
    Situation(
        "Redis to a web server that takes it for broken HTTP",
        (said(b"*1\r\n$4\r\nping\r\n", b"<!DOCTYPE HTML>\n<html lang='en'>\n<title>Error response</title>"),),
        DONE | {"other-protocol-greeting"},
    ),
    Situation(
        "STARTTLS", (said(b"EHLO me\r\nSTARTTLS\r\n" + HELLO, b"220 x ESMTP\r\n250 STARTTLS\r\n"),), TLS
    ),
    Situation("SSH to SSH", (said(b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n"),), DONE),
    Situation("unknown client to SMTP", (said(b"\x01\x02\x03", b"220 x ESMTP\r\n"),), DONE),
    Situation(
        "certificate rejected in the clear",
        (
            said(
                HELLO[:9].replace(b"\x02\x00", b"\x00\x04", 1) + b"\x15\x03\x03\x00\x02\x02\x2a", SERVER_HELLO
            ),
        ),
        TLS | {"tls-certificate-rejected", "tls-alert"},
    ),
    Situation(
        "certificate rejected, alert beyond the kept bytes",
        (
            said(
                HELLO,
                SERVER_HELLO,
                client_bytes=517 + 7,
                server_bytes=1329,
                times=times(client_data=1, server_data=2, end=3),
            ),
        ),
        TLS | {"tls-certificate-rejected"},
    ),
    Situation(
        "certificate rejected by a close",
        (
            said(
                HELLO,
                SERVER_HELLO,
                client_bytes=517,
                server_bytes=1329,
                times=times(client_data=1, server_data=2, end=3),
            ),
        ),
        TLS | {"tls-certificate-rejected"},
    ),
    Situation(
        "certificate rejected after a second hello",
        (
            said(
                HELLO,
                SERVER_HELLO[:11] + RETRY + SERVER_HELLO[43:],
                client_bytes=517 + 6 + 517 + 7,
                server_bytes=1329,
                times=times(client_data=1, server_data=2, end=3),
            ),
        ),
        TLS | {"tls-certificate-rejected"},
    ),
    *(
        Situation(
            f"left after the server's flight: {name}",
            (
                said(
                    hello,
                    SERVER_HELLO,
                    client_bytes=517 + beyond,
                    server_bytes=flight,
                    events=ANSWERED | ends,
                    times=times(client_data=1, server_data=2, **at),
                ),
            ),
            TLS | found,
        )
        for name, hello, beyond, flight, ends, at, found in (
            ("change_cipher_spec alone", HELLO, 6, 1393, FIN, CLOSED, REJECTED),
            ("change_cipher_spec and an encrypted alert", HELLO, 30, 1369, FIN, CLOSED, REJECTED),
            ("no certificate was there, the session was resumed", HELLO, 6, 240, FIN, CLOSED, set()),
            ("the server hung up", HELLO, 0, 1369, {"server-fin"}, {"end": 3}, set()),
            ("without having read it", HELLO, 0, 1369, {"client-rst"}, {"end": 3}, set()),
            ("a balancer's check", HELLO.replace(b"\x03\x03", b"\x03\0"), 0, 1369, FIN, CLOSED, set()),
        )
    ),
    Situation(
        "certificate rejected after a second hello that is longer",
        (
            said(
                HELLO[:3] + b"\0\x65" + HELLO[5:106] + b"\x14\x03\x03\0\x01\x01\x16\x03\x03\0\xa5\x01",
                SERVER_HELLO[:11] + RETRY + SERVER_HELLO[43:],
                client_bytes=106 + 6 + 170 + 24,
                server_bytes=1329,
                times=times(client_data=1, server_data=2, end=3),
            ),
        ),
        TLS | {"tls-certificate-rejected"},
    ),
    *(
        Situation(
            f"left after the handshake, {flight} bytes",
            (
                said(
                    HELLO,
                    SERVER_HELLO,
                    client_bytes=517 + flight,
                    server_bytes=1329,
                    times=times(client_data=1, server_data=2, client_fin=3, end=3),
                ),
            ),
            TLS | {"tls-left-unused"},
        )
        for flight in (80, 93, 126)
    ),
    Situation(
        "broke off after the handshake, the session tickets unread",
        (
            said(
                HELLO,
                SERVER_HELLO,
                events=ANSWERED | {"client-rst"},
                client_bytes=517 + 80,
                server_bytes=1934,
                times=times(client_data=1, server_data=2, end=3),
            ),
        ),
        TLS | {"tls-left-unused"},
    ),
    Situation(
        "a Redis client and a text of another kind",
        (said(PING, b"ERR malformed request\n"),),
        DONE | {"other-protocol-greeting"},
    ),
    Situation(
        "a Redis client and memcached",
        (said(PING, b"ERROR\r\nERROR\r\n"),),
        DONE | {"other-protocol-greeting", "service-error"},
    ),
    Situation("a Redis client and a status", (said(PING, b"+QUEUED\r\n"),), DONE),
    Situation(
        "no common version",
        (said(HELLO, b"\x15\x03\x03\x00\x02\x02\x46"),),
        TLS | {"tls-alert", "tls-no-common-version"},
    ),
    Situation(
        "NATS wants TLS, and the client goes on without",
        (said(b"CONNECT {}\r\n", b'INFO {"tls_required":true}\r\n', server_reply=b"-ERR 'x'\r\n"),),
        DONE | {"plain-to-tls-server", "service-error"},
    ),
    Situation(
        "SMTP wants TLS",
        (
            said(
                b"EHLO me\r\n",
                b"220 x ESMTP\r\n",
                server_reply=b"530 5.7.0 Must issue a STARTTLS command first\r\n",
            ),
        ),
        DONE | {"plain-to-tls-server", "service-error"},
    ),
    Situation(
        "left after the handshake, and said so",
        (
            said(
                HELLO,
                SERVER_HELLO,
                client_bytes=517 + 80 + 24,
                server_bytes=1329,
                times=times(client_data=1, server_data=2, client_fin=3, end=3),
            ),
        ),
        TLS,
    ),
    Situation(
        "HTTP/2 to a server that answers a page",
        (said(PREFACE, b"<!DOCTYPE HTML>\n"),),
        DONE | {"other-protocol-greeting"},
    ),
    Situation("HTTP/2", (said(PREFACE, b"\0\0\x06\x04\0\0\0\0\0" + bytes(6)),), DONE),
    Situation(
        "the line of the PROXY protocol, and an objection",
        (said(b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 8080\r\n" + GET, b"HTTP/1.1 400 Bad Request\r\n\r\n"),),
        DONE | {"client-sent-proxy-line", "proxy-line-not-understood", "http-client-error"},
    ),
    Situation(
        "the line of the PROXY protocol, taken",
        (said(b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 8080\r\n" + GET, b"HTTP/1.1 200 OK\r\n\r\n"),),
        DONE | {"client-sent-proxy-line"},
    ),
    Situation("healthy TLS", (said(HELLO, SERVER_HELLO, client_bytes=900, server_bytes=4000),), TLS),
]


_SECOND = 1_000_000_000
SITUATIONS += [
    Situation(
        "the greeting comes when the client leaves",
        (
            said(
                None,
                b"220 x ESMTP\r\n",
                times=times(client_fin=3 * _SECOND, server_data=3 * _SECOND + 200_000, end=3 * _SECOND),
            ),
        ),
        DONE | {"greeted-when-client-left", "late-answer", "client-gave-up"},
    ),
    Situation(
        "the greeting comes when the client, tired of waiting, says goodbye",
        (
            said(
                b"QUIT\r\n",
                b"220 x ESMTP\r\n",
                times=times(client_data=3 * _SECOND, server_data=3 * _SECOND + 200_000),
            ),
        ),
        DONE | {"greeted-when-client-left"},
    ),
    Situation(
        "a client that speaks at once",
        (said(b"EHLO x\r\n", b"220 x ESMTP\r\n", times=times(client_data=1000, server_data=200_000)),),
        DONE,
    ),
    Situation(
        "the server of TLS 1.2 wants a certificate",
        (
            said(
                HELLO,
                SERVER_HELLO,
                client_bytes=900,
                server_bytes=4000,
                server_reply=b"\x15\x03\x03\x00\x02\x02\x28",
            ),
        ),
        TLS | {"tls-alert"},
    ),
    Situation(
        "the greeting comes long after the client left",
        (
            said(
                None,
                b"220 x ESMTP\r\n",
                times=times(client_fin=3 * _SECOND, server_data=4 * _SECOND, end=3 * _SECOND),
            ),
        ),
        DONE | {"late-answer", "client-gave-up"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("word", "one", "why"),
    [
        ("other-protocol-greeting", said(None, b"SSH-2.0-x\r\n"), "nothing shows what the client speaks"),
        ("tls-certificate-rejected", said(HELLO, SERVER_HELLO, client_bytes=517), "not visible"),
        ("tls-alert", said(HELLO, SERVER_HELLO, client_bytes=517), "no alert is visible"),
        ("tls-spoken", said(b"EHLO x\r\n", b"220 x ESMTP\r\n", client_bytes=900), "can turn to TLS"),
    ],
)
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text
