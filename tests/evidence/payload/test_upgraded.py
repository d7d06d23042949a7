"""TLS that begins within another protocol, and what the client says last in it."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Attempt
from tests.evidence.builders import DONE, Situation, check, said

SERVER_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(116)
UNKNOWN_CA = b"\x15\x03\x03\x00\x02\x02\x30"
CLOSED = b"\x15\x03\x03\x00\x02\x01\x00"
ENCRYPTED_ALERT = b"\x17\x03\x03\x00\x13" + bytes(19)
CHANGE = b"\x14\x03\x03\x00\x01\x01"
FINISHED = b"\x17\x03\x03\x00\x35" + bytes(53)
DATA = b"\x17\x03\x03\x00\x30" + bytes(48)
MAIL = b"220 mail ESMTP\r\n"
READY = b"220 2.0.0 Ready to start TLS\r\n"
TLS = DONE | {"tls-spoken"}
TURNED_DOWN = TLS | {"tls-certificate-rejected"}


def database(**fields: Any) -> Attempt:
    """A client of PostgreSQL that asked for TLS, and got it."""
    return said(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S", **{"server_reply": SERVER_HELLO, **fields})


def mail(**fields: Any) -> Attempt:
    return said(b"EHLO a\r\n", MAIL, **fields)


SITUATIONS = [
    Situation(
        "PostgreSQL's client knows the authority not",
        (database(client_reply=UNKNOWN_CA),),
        TURNED_DOWN | {"tls-alert"},
    ),
    Situation(
        "a mail client that finds it expired",
        (mail(server_reply=SERVER_HELLO, server_earlier=(READY,), client_reply=UNKNOWN_CA[:-1] + b"\x2d"),),
        TURNED_DOWN | {"tls-alert"},
    ),
    Situation("an alert that is encrypted", (database(client_reply=CHANGE + ENCRYPTED_ALERT),), TURNED_DOWN),
    Situation(
        "the server says goodbye to it",
        (
            database(
                server_reply=ENCRYPTED_ALERT, server_earlier=(SERVER_HELLO,), client_reply=ENCRYPTED_ALERT
            ),
        ),
        TURNED_DOWN,
    ),
    Situation(
        "no version in common",
        (database(client_reply=UNKNOWN_CA[:-1] + b"\x46"),),
        TLS | {"tls-no-common-version", "tls-alert"},
    ),
    Situation("the handshake goes on", (database(client_reply=CHANGE + FINISHED),), TLS),
    Situation(
        "a goodbye after all was said",
        (database(server_reply=DATA, server_earlier=(DATA, SERVER_HELLO), client_reply=ENCRYPTED_ALERT),),
        TLS,
    ),
    Situation(
        "a goodbye in the clear is no alarm",
        (mail(server_reply=DATA, server_earlier=(SERVER_HELLO,), client_reply=CLOSED),),
        TLS,
    ),
    Situation("an alert outside TLS is none", (mail(client_reply=b"\x15\x04\x00\x00\x02\x02\x30"),), DONE),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
