"""TLS within another protocol: what databases, mail and others turn to after words in the clear."""

from __future__ import annotations

from typing import Final

from synscope.evidence.packets.view import Exchange, is_tls
from synscope.evidence.payload.recognise import Payload, Protocol, recognise
from synscope.evidence.payload.tls import is_lone_alert

_HELLO_RECORD: Final = b"\x16\x03"
_RECORD_HEADER: Final = 5
_CLIENT_HELLO: Final = b"\x01"

TURNS_TO_TLS: Final = frozenset(
    {
        *(Protocol.SMTP, Protocol.FTP, Protocol.SMTP_OR_FTP, Protocol.IMAP, Protocol.POP3, Protocol.NATS),
        *(Protocol.MYSQL, Protocol.POSTGRES, Protocol.RDP, Protocol.VNC, Protocol.LDAP),
    }
)
"""Protocols that begin in the clear and may go on in TLS."""


def began_tls_later(exchange: Exchange) -> bool:
    """Whether TLS follows after a request for it: STARTTLS, and what databases have in its place."""
    attempt = exchange.attempt
    if is_tls(exchange.client):
        return False
    if any(is_tls(recognise(said)) for said in (attempt.server_reply or b"", *attempt.server_earlier)):
        return True
    data = exchange.attempt.client_payload or b""
    at = data.find(_HELLO_RECORD, 1)
    return at > 0 and data[at + _RECORD_HEADER : at + _RECORD_HEADER + 1] == _CLIENT_HELLO


def alert_upon_flight(exchange: Exchange) -> bool:
    """Whether such a client answered the server's part of the handshake with nothing but an alert."""
    attempt = exchange.attempt
    last, before = attempt.server_reply or b"", (attempt.server_earlier or (b"",))[0]
    flight = before if is_lone_alert(last) else last
    return (
        began_tls_later(exchange)
        and recognise(flight).protocol is Protocol.TLS_SERVER_HELLO
        and is_lone_alert(attempt.client_reply or b"")
        and of_client(exchange).alert is None  # what one in the clear says needs no guess
    )


def of_client(exchange: Exchange) -> Payload:
    """What the client said last, where that is an alert in the clear; else what it said first."""
    last = recognise(exchange.attempt.client_reply or b"")
    return last if exchange.client.alert is None and last.alert is not None else exchange.client
