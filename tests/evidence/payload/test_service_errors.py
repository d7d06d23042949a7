"""What services say in their own protocols before the client leaves."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.view import Exchange
from synscope.evidence.payload import service_errors
from synscope.evidence.payload.recognise import recognise
from synscope.model import Attempt
from tests.evidence.builders import DONE, SECOND, Situation, check, said

SSL_REQUEST = b"\0\0\0\x08\x04\xd2\x16\x2f"
GREETING = b"J\0\0\0\x0a8.0.36\0" + b"x" * 50
NO_ACCESS = b"\x48\0\0\x02\xff\x15\x04#28000Access denied for user 'app'@'localhost'"
PING = b"*1\r\n$4\r\nPING\r\n"


def fatal(code: str, text: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0Fpostmaster.c\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


def ldap(operation: int, result: int, text: str = "") -> bytes:
    """An LDAP response, its outer length in the long form, as Active Directory writes it."""
    body = bytes((0x0A, 1, result, 4, 0, 4, 0x82)) + len(text).to_bytes(2) + text.encode()
    message = b"\x02\x01\x02" + bytes((operation, 0x82)) + len(body).to_bytes(2) + body
    return b"\x30\x84" + len(message).to_bytes(4) + message


BIND = bytes.fromhex("301f020101601a020103040e636e3d61646d696e2c64633d6578800577726f6e67")
ENTRY = b"\x30\x0c\x02\x01\x02\x64\x07\x04\x03dc=\x30\x00"
COOKIE = b"ynll5jj7znrjh4jaarnwlp6d6se4rnbd5wkd\0"


def ended(client: bytes, server: bytes, reply: bytes | None = None, at: int = 0) -> Attempt:
    return said(client, server, server_reply=reply, at=at)


FULL = fatal("53300", "sorry, too many clients already")
ERRORS = [
    (SSL_REQUEST, b"N", FULL, "FATAL 53300 sorry, too many clients already"),
    (b"\0\0\0\x21\0\x03\0\0user\0app\0", fatal("3D000", 'database "x" does not exist'), None, "FATAL 3D000"),
    (SSL_REQUEST, b"N", b"R\0\0\0\x08\0\0\0\0" + fatal("3D000", "no such"), "FATAL 3D000 no such"),
    (SSL_REQUEST, b"N", b"R\0\0\0\x02" + fatal("3D000", "no such"), ""),
    (SSL_REQUEST, b"N", fatal("28P01", "x").replace(b"FATAL", b"ERROR"), ""),
    (b"", GREETING, NO_ACCESS, "1045 Access denied"),
    (b"", GREETING, NO_ACCESS.replace(b"\x15\x04", b"\x7a\x04"), ""),
    (b"", b"\x45\0\0\0\xff\x10\x04Too many connections", None, "1040 Too many connections"),
    (PING, b"-NOAUTH Authentication required.\r\n", None, "NOAUTH"),
    (b"PING\r\n", b"-ERR max number of clients reached\r\n", None, "ERR max number"),
    (PING, b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", ""),
    (PING, b"-MOVED 3999 127.0.0.1:6381\r\n", None, ""),
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"-ERR unknown command\r\n", None, ""),
    (b"EHLO a\r\n", b"220 mail ESMTP\r\n", b"550 no such user\r\n", "550"),
    (b"EHLO a\r\n", b"220 mail ESMTP\r\n", b"221 bye\r\n", ""),
    (b"", b"421 too many connections\r\n", None, "421"),
    (b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd", b"\x20\x02\0\x05", None, "CONNACK, reason 0x05"),
    (b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd", b"\x20\x02\0\0", None, ""),
    (
        b"AMQP\0\0\x09\x01",
        b"\x01",
        b"\x01\0\0\0\0\0\x20\0\x0a\0\x32\x01\x93\x0eACCESS_REFUSED",
        "connection.close 403",
    ),
    (b"CONNECT {}\r\n", b"INFO {}\r\n", b"-ERR 'Authorization Violation'\r\n", "-ERR"),
    (b"version\r\n", b"VERSION 1.6\r\n", b"SERVER_ERROR out of memory\r\n", "SERVER_ERROR"),
    (BIND, ldap(0x61, 49), None, "49 invalidCredentials"),
    (BIND, ldap(0x61, 53, "unauthenticated bind (DN with no password) disallowed"), None, "53 unwilling"),
    (BIND, ldap(0x61, 13, "x" * 400)[:100], None, "13 confidentialityRequired: xxx"),
    (BIND, ldap(0x61, 0), None, ""),
    (BIND, ldap(0x61, 14), None, ""),
    (BIND, ldap(0x61, 0), ENTRY + ldap(0x65, 32, "gone"), "32 noSuchObject: gone"),
    (BIND, ldap(0x61, 0), ENTRY + ldap(0x65, 0), ""),
    (BIND, ldap(0x61, 0), ENTRY, ""),
    (BIND, ldap(0x61, 0), b"\x30\x84\0\0", ""),
    (BIND, ldap(0x61, 0), b"\x30\xff\x02", ""),
    (COOKIE, b"\xff", None, "ACCESS_DENIED (-1)"),
    (COOKIE, b"\x09", None, ""),
    (b"a LOGIN x y\r\n", b"* OK ready\r\n", b"a NO wrong password\r\n", "a NO"),
]


@pytest.mark.parametrize(("client", "server", "reply", "words"), ERRORS)
def test_the_last_word(client: bytes, server: bytes, reply: bytes | None, words: str) -> None:
    one = ended(client, server, reply)
    found = service_errors.error_of(Exchange(one, recognise(client), recognise(server)))
    assert found.startswith(words)
    assert bool(found) is bool(words)


@pytest.mark.parametrize("cut", range(0, len(FULL), 5))
def test_an_error_that_is_cut(cut: int) -> None:
    """It is read as far as it goes."""
    one = ended(SSL_REQUEST, b"N", FULL[:cut])
    found = service_errors.error_of(Exchange(one, recognise(SSL_REQUEST), recognise(b"N")))
    assert found == "" or found.startswith("FATAL")


QUIT = b"QUIT\r\n"
DENIED = b"554 5.7.1 <a@example.org>: Relay access denied\r\n"
GRPC = b"\0\0\x0e\x01\x05\0\0\0\x01" + bytes.fromhex("8840889acac8b21234da8f023132")


@pytest.mark.parametrize(
    ("client", "greeting", "earlier", "reply", "last", "words"),
    [
        (b"EHLO a\r\n", b"220 a ESMTP\r\n", (DENIED, b"250 OK\r\n"), b"221 Bye\r\n", QUIT, "554 5.7.1"),
        (b"EHLO a\r\n", b"220 a ESMTP\r\n", (b"250 2.0.0 OK\r\n", DENIED), b"221 Bye\r\n", QUIT, "554 5.7.1"),
        (b"EHLO a\r\n", b"220 a ESMTP\r\n", (b"250 queued\r\n", b"354 go on\r\n"), b"221 Bye\r\n", QUIT, ""),
        (b"EHLO a\r\n", b"220 a ESMTP\r\n", (DENIED,), b"250 OK\r\n", b"RCPT TO:<b@a>\r\n", ""),
        (
            b"USER a\r\n",
            b"220 FTP\r\n",
            (b"530 Login incorrect.\r\n",),
            b"221 Goodbye.\r\n",
            b"quit\r\n",
            "530",
        ),
        (b"USER a\r\n", b"+OK POP3\r\n", (b"-ERR no such user\r\n",), b"+OK bye\r\n", QUIT, "-ERR no such"),
        (
            b"a LOGIN x y\r\n",
            b"* OK ready\r\n",
            (b"a NO wrong\r\n",),
            b"* BYE\r\nb OK\r\n",
            b"b LOGOUT\r\n",
            "a NO",
        ),
        (b"a LOGIN x y\r\n", b"* OK ready\r\n", (b"a OK in\r\n",), b"* BYE\r\nb OK\r\n", b"b LOGOUT\r\n", ""),
        (b"a LOGIN x y\r\n", b"* OK ready\r\n", (), b"* BYE autologout\r\n", b"a IDLE\r\n", "* BYE"),
        (
            b"CONNECT {}\r\n",
            b"INFO {}\r\n-ERR 'maximum connections exceeded'\r\n",
            (),
            None,
            None,
            "-ERR 'maximum",
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\0\0\0\x04\0\0\0\0\0",
            (GRPC,),
            b"\0",
            b"\0",
            "gRPC status 12",
        ),
    ],
)
def test_the_last_word_before_a_goodbye(
    client: bytes,
    greeting: bytes,
    earlier: tuple[bytes, ...],
    reply: bytes | None,
    last: bytes | None,
    words: str,
) -> None:
    """A client that got its error takes its leave as one that got what it wanted."""
    one = said(client, greeting, server_reply=reply, server_earlier=earlier, client_reply=last)
    found = service_errors.error_of(Exchange(one, recognise(client), recognise(greeting)))
    assert found.startswith(words)
    assert bool(found) is bool(words)


SITUATIONS = [
    Situation("no such name in the directory", (ended(BIND, ldap(0x61, 49)),), DONE | {"service-error"}),
    Situation(
        "the directory is busy",
        (ended(BIND, ldap(0x61, 51)),),
        DONE | {"service-error", "service-full", "limit-named"},
    ),
    Situation(
        "iperf3 is busy",
        (ended(COOKIE, b"\xff"),),
        DONE | {"service-error", "service-full", "limit-named"},
    ),
    Situation(
        "no room",
        (ended(SSL_REQUEST, b"N", FULL),),
        DONE | {"service-error", "service-full", "limit-named"},
    ),
    Situation(
        "git's daemon does not export it",
        (
            ended(
                b"0026git-upload-pack /app.git\0host=x\0",
                b"0036ERR access denied or repository not exported: /app.git",
            ),
        ),
        DONE | {"service-error"},
    ),
    Situation(
        "no password",
        (ended(PING, b"-NOAUTH Authentication required.\r\n"),),
        DONE | {"service-error"},
    ),
    Situation(
        "the next connection went well",
        (ended(PING, b"-NOAUTH Authentication required.\r\n"), ended(PING, b"+PONG\r\n", at=SECOND)),
        DONE,
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
