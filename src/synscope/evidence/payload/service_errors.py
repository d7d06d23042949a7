"""Questions about errors that services other than HTTP's say in their own protocol, as their last word.

Input: the first bytes of a connection and of the server's last reply. An error in between is the protocol's daily
business (a key of the wrong type, a script to be loaded first); one after which the client leaves is why it left.
Sources: redis.io's protocol specification, PostgreSQL §55.8 and appendix A, MySQL's ERR_Packet and error reference,
RFC 5321 §4.2, RFC 959 §4.2, RFC 1939 §9, RFC 9051 §7.1.5, memcached's protocol.txt, MQTT 3.1.1 §3.2.2.3 and 5.0
§3.2.2.2, AMQP 0-9-1 §1.4, rsync's clientserver.c, OpenSSH's sshd.c, gitprotocol-pack(5), RFC 4511 §4.1.9 and
appendix A, iperf3's iperf_api.h.
"""

# ruff: noqa: PLR2004 - offsets, lengths and codes of wire formats, each read once next to its meaning

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from synscope.evidence.by_hand import in_first_bytes
from synscope.evidence.packets.view import Exchange, PacketsView, client_of, last_answered
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.http2 import http2_error
from synscope.evidence.payload.protocols import MOST_QUOTED, readable
from synscope.evidence.payload.recognise import Protocol
from synscope.evidence.question import Reply, Says, no, question
from synscope.model import Attempt, Source, Stage


@cache
def _redis_form() -> re.Pattern[bytes]:
    return re.compile(rb"-(?!MOVED|ASK |NOSCRIPT|WRONGTYPE|BUSYGROUP|EXECABORT)[A-Z]{3,20} ")


@cache
def _postgres_field_form() -> re.Pattern[bytes]:
    return re.compile(rb"\0([CM])([^\0]+)")


@cache
def _mysql_form() -> re.Pattern[bytes]:
    return re.compile(rb".{3}[\0-\x05]\xff(..)(?:#[0-9A-Z]{5})?([\x20-\x7e].*)", re.DOTALL)


_MYSQL_TURNED_AWAY: Final = frozenset(
    {1040, 1044, 1045, 1049, 1129, 1130, 1203, 1226, 1251, 3118, 3159, 3168, 4151}
)
"""No room, no access, no such database, blocked, not yet ready: what ends a log-in.

Errors of queries are the client's affair.
"""
_GALERA: Final = b"WSREP has not yet prepared"


@cache
def _reply_form() -> re.Pattern[bytes]:
    return re.compile(rb"[45]\d\d[ -][\x20-\x7e]")


@cache
def _goodbye_form() -> re.Pattern[bytes]:
    """Return how a client takes its leave: SMTP, FTP, POP3, NNTP and Redis, and IMAP."""
    return re.compile(rb"(?:QUIT|\*1\r\n\$4\r\nQUIT|\S+ LOGOUT)\r?\n", re.IGNORECASE)


@cache
def _memcached_form() -> re.Pattern[bytes]:
    return re.compile(rb"(?:ERROR|CLIENT_ERROR .*|SERVER_ERROR .*)\r\n")


@cache
def _imap_form() -> re.Pattern[bytes]:
    return re.compile(rb"(?:\S+ (?:NO|BAD)|\* BYE) ")


@cache
def _plain_form() -> re.Pattern[bytes]:
    """Return what rsync's daemon says, sshd in the place of its greeting, git's daemon, and plain services."""
    return re.compile(
        rb"@ERROR: ?|Exceeded MaxStartups|Not allowed at this time|(?:[0-9a-f]{4})?ERR |(?:ERROR|FATAL)[ :]"
    )


@cache
def _amqp_close_form() -> re.Pattern[bytes]:
    return re.compile(rb"\x01\0\0.{4}\0\x0a\0\x32(..).([\x20-\x7e]+)", re.DOTALL)


_LDAP_RESULTS: Final[dict[int, str]] = {
    1: "operationsError",
    2: "protocolError",
    3: "timeLimitExceeded",
    4: "sizeLimitExceeded",
    7: "authMethodNotSupported",
    8: "strongerAuthRequired",
    11: "adminLimitExceeded",
    12: "unavailableCriticalExtension",
    13: "confidentialityRequired",
    16: "noSuchAttribute",
    17: "undefinedAttributeType",
    18: "inappropriateMatching",
    19: "constraintViolation",
    20: "attributeOrValueExists",
    21: "invalidAttributeSyntax",
    32: "noSuchObject",
    33: "aliasProblem",
    34: "invalidDNSyntax",
    36: "aliasDereferencingProblem",
    48: "inappropriateAuthentication",
    49: "invalidCredentials",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    54: "loopDetect",
    64: "namingViolation",
    65: "objectClassViolation",
    66: "notAllowedOnNonLeaf",
    67: "notAllowedOnRDN",
    68: "entryAlreadyExists",
    69: "objectClassModsProhibited",
    71: "affectsMultipleDSAs",
    80: "other",
}
"""Results that are errors: 0, 5, 6, 10 and 14 are good ends, comparisons, a referral, a step of SASL."""
_LDAP_RESPONSES: Final = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78})
_SEQUENCE: Final = 0x30


@question(
    "service-error",
    Source.PAYLOAD,
    "the server's last word is an error of its own protocol (Redis, PostgreSQL, MySQL, SMTP, MQTT, LDAP …)",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_first_bytes("the server's last word is an error: yes"),
)
def service_error(view: PacketsView) -> Reply:
    return said(view, bool) or hidden(view) or no("no service ended with an error of its own protocol")


def said(view: PacketsView, test: Callable[[str], bool]) -> Reply | None:
    """Return the yes of a service whose last word is an error that passes ``test``, ``None`` without one."""
    told = {x.attempt.id: error_of(x) for x in view.exchanges}
    went_well = last_answered(x for x in view.exchanges if not told[x.attempt.id])

    def last_word(x: Exchange) -> bool:
        later = went_well.get(client_of(x), x.attempt.first_ts_ns) > x.attempt.first_ts_ns
        return test(told[x.attempt.id]) and not later

    return where(view, last_word, lambda x: f"the server said “{told[x.attempt.id]}”, and that was all")


def error_of(exchange: Exchange) -> str:
    """Return the words of the error that is the server's last word; empty when there is none."""
    attempt = exchange.attempt
    if not attempt.server_payload and not attempt.server_reply:
        return ""
    spoken = {exchange.client.protocol, exchange.server.protocol}
    if Protocol.HTTP_REQUEST in spoken:
        return ""  # the other side's protocol is what is wrong
    if exchange.server.protocol is Protocol.HTTP2_FRAME:
        return http2_error(_all_said(attempt))
    for protocols, read in _READERS:
        if spoken & protocols:
            return next(filter(None, map(read, _last_words(attempt))), "")
    return ""


def _all_said(attempt: Attempt) -> tuple[bytes, ...]:
    """Return what is kept of the server's words, the oldest first."""
    return (attempt.server_payload or b"", *attempt.server_earlier[::-1], attempt.server_reply or b"")


def _last_words(attempt: Attempt) -> tuple[bytes, ...]:
    """Return the server's last reply, or those before it where the client only said goodbye after them."""
    if attempt.server_reply is None:
        return (attempt.server_payload or b"",)
    if not _goodbye_form().match(attempt.client_reply or b""):
        return (attempt.server_reply,)
    before, *older = (*attempt.server_earlier, b"")
    # A mail client takes its transaction back first: 250 answers RSET, and no message was begun.
    taken_back = before.startswith(b"250 ") and attempt.server_reply.startswith(b"221")
    return (before, *older) if taken_back else (before,)


def _words(data: bytes) -> str:
    return readable(data.split(b"\n", 1)[0].rstrip(b"\r"), MOST_QUOTED)


def _redis(data: bytes) -> str:
    return _words(data[1:]) if _redis_form().match(data) else ""


def _postgres(data: bytes) -> str:
    while len(data) > 5 and data[:1] != b"E":
        length = int.from_bytes(data[1:5], "big")
        if not 4 <= length < len(data):
            return ""
        data = data[1 + length :]
    if not data[5:].startswith((b"SFATAL\0", b"SPANIC\0")):
        return ""
    fields = dict(_postgres_field_form().findall(data[5:]))
    return _words(b"FATAL " + fields.get(b"C", b"") + b" " + fields.get(b"M", b""))


def _mysql(data: bytes) -> str:
    error = _mysql_form().match(data)
    if error is None:
        return ""
    number = int.from_bytes(error[1], "little")
    turned_away = number in _MYSQL_TURNED_AWAY or error[2].startswith(_GALERA)
    return f"{number} {_words(error[2])}" if turned_away else ""


def _reply(data: bytes) -> str:
    return _words(data) if _reply_form().match(data) else ""


def _memcached(data: bytes) -> str:
    return _words(data) if _memcached_form().match(data) else ""


def _pop3(data: bytes) -> str:
    return _words(data) if data.startswith(b"-ERR") else ""


def _nats(data: bytes) -> str:
    """Read the error wherever it stands: the server greets with INFO, and may go on at once."""
    _, found, rest = data.rpartition(b"-ERR")
    return _words(found + rest) if found else ""


def _plain(data: bytes) -> str:
    return _words(data) if _plain_form().match(data) else ""


def _imap(data: bytes) -> str:
    return _words(data) if _imap_form().match(data) else ""


def _mqtt(data: bytes) -> str:
    refused = len(data) >= 4 and data[0] == 0x20 and data[3] not in {0, 0x0A} and data[1] == len(data) - 2
    return f"CONNACK, reason {data[3]:#04x}" if refused else ""


def _amqp(data: bytes) -> str:
    closed = _amqp_close_form().match(data)
    if closed is None:
        return ""
    return f"connection.close {int.from_bytes(closed[1], 'big')} {_words(closed[2])}"


def _ldap(data: bytes) -> str:
    """Read the result of the last response that is there; what stands before it is entries."""
    found = ""
    while len(data) > 2 and data[0] == _SEQUENCE:
        message, data = _element(data)
        operation = _element(message)[1]
        if operation[:1] and operation[0] in _LDAP_RESPONSES:
            found = _ldap_result(_element(operation)[0])
    return found


def _ldap_result(body: bytes) -> str:
    code, rest = _element(body)
    result = _LDAP_RESULTS.get(int.from_bytes(code), "") if body[:1] == b"\x0a" and len(code) == 1 else ""
    if not result:
        return ""
    words = _words(_element(_element(rest)[1])[0])
    return f"{code[0]} {result}{f': {words}' if words else ''}"


def _element(data: bytes) -> tuple[bytes, bytes]:
    """Return what one element of BER holds, as far as it was kept, and what follows it (X.690 §8.1.3)."""
    if len(data) < 2:
        return b"", b""
    at, length = 2, data[1]
    if length > 0x80:
        at += length - 0x80
        length = int.from_bytes(data[2:at])
    return data[at : at + length], data[at + length :]


_IPERF_ANSWERS: Final = {
    b"\xff": "ACCESS_DENIED (-1): the server is busy running a test",
    b"\xfe": "SERVER_ERROR (-2)",
}


def _iperf(data: bytes) -> str:
    return _IPERF_ANSWERS.get(data[:1], "")


_READERS: Final[tuple[tuple[frozenset[Protocol], Callable[[bytes], str]], ...]] = (
    (frozenset({Protocol.POSTGRES}), _postgres),
    (frozenset({Protocol.MYSQL}), _mysql),
    (frozenset({Protocol.NATS}), _nats),
    (frozenset({Protocol.POP3}), _pop3),
    (frozenset({Protocol.SMTP, Protocol.FTP, Protocol.SMTP_OR_FTP}), _reply),
    (frozenset({Protocol.MEMCACHED}), _memcached),
    (frozenset({Protocol.IMAP}), _imap),
    (frozenset({Protocol.MQTT}), _mqtt),
    (frozenset({Protocol.AMQP}), _amqp),
    (frozenset({Protocol.REDIS}), _redis),
    (frozenset({Protocol.LDAP}), _ldap),
    (frozenset({Protocol.IPERF}), _iperf),
    (frozenset({Protocol.TEXT}), _plain),
)
"""Who speaks what, by either side's first bytes; the first row that fits is asked."""
