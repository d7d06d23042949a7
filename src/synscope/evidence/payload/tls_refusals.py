"""Questions about the end of a TLS handshake that only its sizes tell, for its last words are encrypted.

Input: the first bytes of a connection, the server's last word, and how many bytes each side sent. In TLS 1.3 all
after the ServerHello is encrypted (RFC 8446 §2), but not how long each record is (§5.2): an alert is two bytes, its
type and the tag of the cipher.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from synscope.evidence.by_hand import in_tls
from synscope.evidence.packets.exchange import client_ended_first
from synscope.evidence.packets.view import Exchange, PacketsView
from synscope.evidence.payload.heard import unheard, where
from synscope.evidence.payload.recognise import Protocol
from synscope.evidence.payload.tls import records_of
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Attempt, Source, Stage

_ALERT: Final = bytes.fromhex("1703030013")
"""The header of an encrypted alert: two bytes, its type, a tag of 16 (RFC 8446 §5.2 and §6)."""
_ALERT_BYTES: Final = len(_ALERT) + 19
_VERIFY: Final = 30
"""CertificateVerify without the signature: header, handshake header, algorithm, length, type, tag."""
_SIGNATURES: Final = (64, 70, 71, 72, 102, 103, 104, 256, 384, 512)
"""Ed25519, ECDSA over P-256 and P-384, RSA of 2048, 3072 and 4096 bits."""
_FINISHED: Final = (58, 74)
"""Finished over SHA-256 and SHA-384."""
_ENDS_OF_FLIGHT: Final = frozenset(
    {
        0,
        *_FINISHED,
        *(_VERIFY + signature + finished for signature, finished in product(_SIGNATURES, _FINISHED)),
    }
)
"""What follows the last record of a server's flight whose header was kept, up to the end of the flight."""
_EMPTY_CERTIFICATE: Final = 30
_CHANGE_CIPHER_SPEC: Final = 6
_SECOND_FLIGHTS: Final = frozenset(
    map(sum, product((0, _CHANGE_CIPHER_SPEC), (0, _EMPTY_CERTIFICATE), _FINISHED))
)
_GOODBYES: Final = frozenset(flight + _ALERT_BYTES for flight in _SECOND_FLIGHTS)
"""What a client without a certificate sends when it only wanted to see the handshake."""
_WITH_CERTIFICATE: Final = 400
"""A client with a certificate of its own sends more than this, and its size tells nothing."""
_INTERRUPTED: Final = frozenset({"client-data-after-server-fin", "server-rst"})
_SSL_REQUEST_BYTES: Final = 36
_SSL_CAPABILITY: Final = 0x08
_LONGEST_UNUSED: Final = _SSL_REQUEST_BYTES + 517 + _CHANGE_CIPHER_SPEC + _EMPTY_CERTIFICATE + _FINISHED[1]
"""MySQL's request for TLS, a padded ClientHello and the client's second flight."""
_AT_ONCE_NS: Final = 500_000_000
"""Sooner than any client gives up that waits for an answer."""
_APPLICATION_DATA: Final = 23
_APPLICATION_RECORD: Final = b"\x17\x03\x03"


@question(
    "tls-refused-after-finished",
    Source.PAYLOAD,
    "after the client's part of the TLS handshake the server sent one alert's worth of bytes and closed",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    by_hand=in_tls("tls.record.length == 19 && tcp.srcport == {port}"),
    belied_by="command-succeeded",
)
def tls_refused_after_finished(view: PacketsView) -> Reply:
    """Recognise a server that turns the client's certificate down, or the lack of one."""
    return (
        where(
            view,
            _is_refused,
            lambda _: (
                "after the client's part of the TLS handshake the server sent as much as an alert, and closed"
            ),
        )
        or unheard(view)
        or no("no server ended a TLS connection in place of its first answer")
    )


def _is_refused(exchange: Exchange) -> bool:
    attempt, reply = exchange.attempt, exchange.attempt.server_reply or b""
    hello = exchange.client.protocol is Protocol.TLS_CLIENT_HELLO and exchange.client.alert is None
    if not hello or exchange.server.protocol is not Protocol.TLS_SERVER_HELLO:
        return False
    alert = reply.startswith(_ALERT) and len(reply) == _ALERT_BYTES
    ended = bool(attempt.events & {"server-fin", "server-rst"})
    # A client that closes upon the alert may be the first to close; what follows its own goodbye is no refusal.
    first = not client_ended_first(attempt) or (_wants_certificate(attempt) and _closed_at_once(attempt))
    return alert and ended and first and _sent_nothing_else(attempt) and _is_interrupted(exchange)


def _wants_certificate(attempt: Attempt) -> bool:
    """Whether something longer than the server's extensions stands before its certificate: a CertificateRequest."""
    encrypted = [
        length for kind, length, _ in records_of(attempt.server_payload or b"") if kind == _APPLICATION_DATA
    ]
    return len(encrypted) > 2 and encrypted[0] < encrypted[1] < encrypted[2]  # noqa: PLR2004 - the first three


def _closed_at_once(attempt: Attempt) -> bool:
    times = attempt.times
    if times.client_fin is None or times.server_data is None:
        return False
    return 0 <= times.client_fin - times.server_data < _AT_ONCE_NS


def _sent_nothing_else(attempt: Attempt) -> bool:
    """Whether the server's bytes are those of its flight and one alert: no ticket, no data."""
    flight = sum(5 + length for _, length, _ in records_of(attempt.server_payload or b""))
    return attempt.server_bytes - _ALERT_BYTES - flight in _ENDS_OF_FLIGHT


def _is_interrupted(exchange: Exchange) -> bool:
    """Whether the client had more to say: a server that only returns a goodbye interrupts nobody."""
    beyond = exchange.attempt.client_bytes - (exchange.client.first_record or 0)
    asked = beyond < _WITH_CERTIFICATE and beyond not in _GOODBYES
    return asked or bool(exchange.attempt.events & _INTERRUPTED)


@question(
    "tls-left-after-upgrade",
    Source.PAYLOAD,
    "the client began TLS within the database's protocol, and left before it logged in",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    by_hand=in_tls("tls && tcp.dstport == {port}", "the client's Finished is its last record: yes"),
    belied_by="command-succeeded",
)
def tls_left_after_upgrade(view: PacketsView) -> Reply:
    """Recognise clients of MySQL that look at the certificate when the handshake is over.

    They close at once: what the server says after the handshake meets a closed socket.
    """

    def left(x: Exchange) -> bool:
        attempt, asked = x.attempt, x.attempt.client_payload or b""
        wants = len(asked) == _SSL_REQUEST_BYTES and asked[:1] == b"\x20" and bool(asked[5] & _SSL_CAPABILITY)
        reply = attempt.server_reply or b""
        unread = (
            reply.startswith(_APPLICATION_RECORD)
            and len(reply) > _ALERT_BYTES
            and "client-rst" in attempt.events
        )
        return (
            x.server.protocol is Protocol.MYSQL
            and wants
            and unread
            and attempt.client_bytes <= _LONGEST_UNUSED
            and client_ended_first(attempt)
        )

    return (
        where(
            view, left, lambda _: "the client began TLS within MySQL's protocol, and left before it logged in"
        )
        or unheard(view)
        or no("no client left a database after a TLS handshake")
    )
