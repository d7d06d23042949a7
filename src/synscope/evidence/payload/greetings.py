"""Recognise other protocols by their first bytes, client's or server's. Each recogniser is a few lines.

Order matters where one protocol's bytes could be read as another's: the more telling ones come first.
"""

# ruff: noqa: PLR2004 - offsets, lengths and codes of wire formats, each read once next to its meaning

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from synscope.evidence.payload.protocols import Authority, Payload, Protocol, first_line

PREFIXES: Final[tuple[tuple[bytes, Protocol], ...]] = (
    (b"PRI * HTTP/2.0\r\n", Protocol.HTTP2_PREFACE),
    (b"SSH-", Protocol.SSH),
    (b"AMQP", Protocol.AMQP),
    (b"JDWP-Handshake", Protocol.JDWP),
    (b"RFB 00", Protocol.VNC),
    (b"* OK", Protocol.IMAP),
    (b"* PREAUTH", Protocol.IMAP),
    (b"* BYE", Protocol.IMAP),
    (b"+OK ", Protocol.POP3),
    (b"EHLO ", Protocol.SMTP),
    (b"HELO ", Protocol.SMTP),
    (b"INFO {", Protocol.NATS),
    (b"CONNECT {", Protocol.NATS),
    (b"Content-Length: ", Protocol.DEBUG_ADAPTER),
    (b"VERSION ", Protocol.MEMCACHED),
    (b"STAT ", Protocol.MEMCACHED),
    (b"VALUE ", Protocol.MEMCACHED),
    (b"CLIENT_ERROR ", Protocol.MEMCACHED),
    (b"SERVER_ERROR ", Protocol.MEMCACHED),
)
"""Protocols that a fixed beginning gives away."""


@cache
def _mail_or_ftp_form() -> re.Pattern[bytes]:
    return re.compile(rb"(?:220|421|554)[ -][^\n]*")


@cache
def _redis_form() -> re.Pattern[bytes]:
    return re.compile(
        rb"-[A-Z]{3,20}[ \r]|\+(?:OK|PONG)\r|\*\d{1,6}\r\n[$*:+-]|\$-?\d{1,9}\r\n|:-?\d{1,19}\r\n"
    )


@cache
def _mysql_form() -> re.Pattern[bytes]:
    return re.compile(rb".{3}\x00\x0a[0-9][0-9A-Za-z.:~+_-]{2,80}(?:\x00|$)", re.DOTALL)


@cache
def _ldap_form() -> re.Pattern[bytes]:
    """Return how an LDAPMessage begins: sequence, its length, the message's number, the operation."""
    length = rb"(?:[\0-\x7f]|\x81.|\x82..|\x83.{3}|\x84.{4})"
    return re.compile(
        rb"\x30"
        + length
        + rb"\x02(?:\x01.|\x02..|\x03.{3}|\x04.{4})[\x60\x61\x63-\x69\x6b-\x6f\x77-\x79\x42\x4a]",
        re.DOTALL,
    )


@cache
def _cookie_form() -> re.Pattern[bytes]:
    return re.compile(rb"[a-z2-7]{36}\0")


@cache
def _mysql_error_form() -> re.Pattern[bytes]:
    return re.compile(rb".\x00\x00\x00\xff.{2}(?:#[0-9A-Z]{5})?[\x20-\x7e]", re.DOTALL)


_POSTGRES_REQUESTS: Final = (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30", b"\x04\xd2\x16\x2e")
_MONGODB_OPCODES: Final = frozenset({1, 2004, 2012, 2013})
_KAFKA_FIRST_KEYS: Final = frozenset({3, 18})
_MEMCACHED_ANSWERS: Final = frozenset(
    {b"ERROR\r\n", b"END\r\n", b"STORED\r\n", b"NOT_STORED\r\n", b"NOT_FOUND\r\n"}
)
_SOCKS4_CONNECT: Final = 9
_COOKIE_BYTES: Final = 37


def prefixed(data: bytes) -> Payload | None:
    """Recognise the protocols of ``PREFIXES``."""
    for prefix, protocol in PREFIXES:
        if data.startswith(prefix):
            return Payload(protocol, text=first_line(data))
    return None


def mail_or_ftp(data: bytes) -> Payload | None:
    """Recognise an SMTP or FTP greeting; both start with a three-digit code."""
    match = _mail_or_ftp_form().match(data)
    if match is None:
        return None
    words = match[0].upper()
    protocol = (
        Protocol.SMTP if b"SMTP" in words else Protocol.FTP if b"FTP" in words else Protocol.SMTP_OR_FTP
    )
    return Payload(protocol, text=first_line(data))


def redis(data: bytes) -> Payload | None:
    """Recognise the Redis protocol (RESP): an error, a simple reply or a command array."""
    return Payload(Protocol.REDIS, text=first_line(data)) if _redis_form().match(data) else None


def mysql(data: bytes) -> Payload | None:
    """Recognise MySQL's greeting (protocol 10) or the error that it sends instead."""
    if _mysql_form().match(data):
        return Payload(Protocol.MYSQL, text=first_line(data[5:].split(b"\0", 1)[0]))
    return Payload(Protocol.MYSQL, text=first_line(data[7:])) if _mysql_error_form().match(data) else None


def postgres(data: bytes) -> Payload | None:
    """Recognise PostgreSQL: SSLRequest and start-up of the client, R, E, S and N of the server."""
    request = len(data) == 8 and data[:4] == b"\0\0\0\x08" and data[4:8] in _POSTGRES_REQUESTS
    start_up = data[:2] == b"\0\0" and data[4:8] == b"\0\x03\0\0" and data[8:13] == b"user\0"
    answer = data in (b"N", b"S") or data[:7] in (b"R\0\0\0\x08\0\0", b"R\0\0\0\x0c\0\0", b"R\0\0\0\x17\0\0")
    error = data[:3] == b"E\0\0" and data[5:6] == b"S"
    if error:
        return Payload(Protocol.POSTGRES, text=first_line(data[5:].replace(b"\0", b" ")))
    return Payload(Protocol.POSTGRES) if request or start_up or answer else None


def mongodb(data: bytes) -> Payload | None:
    """Recognise a MongoDB message header: little-endian length and a known operation."""
    if len(data) < 16:
        return None
    length, operation = int.from_bytes(data[:4], "little"), int.from_bytes(data[12:16], "little")
    known = operation in _MONGODB_OPCODES and 16 < length <= 48_000_000
    return Payload(Protocol.MONGODB) if known else None


def memcached(data: bytes) -> Payload | None:
    """Recognise memcached's one-word answers, which are the whole message, one for each line of the client."""
    lines = frozenset(data.splitlines(keepends=True))
    return Payload(Protocol.MEMCACHED, text=first_line(data)) if lines <= _MEMCACHED_ANSWERS else None


def kafka(data: bytes) -> Payload | None:
    """Recognise the first request of a Kafka client: ApiVersions or Metadata with a client id."""
    if len(data) < 14:
        return None
    length, key = int.from_bytes(data[:4]), int.from_bytes(data[4:6])
    version, name = int.from_bytes(data[6:8]), int.from_bytes(data[12:14])
    known = key in _KAFKA_FIRST_KEYS and version <= 20 and name <= 255 and 10 + name <= length <= 65_535
    return Payload(Protocol.KAFKA) if known and data[14 : 14 + name].isascii() else None


def mqtt(data: bytes) -> Payload | None:
    """Recognise MQTT: a client's CONNECT (protocol name included) or a four-byte CONNACK."""
    connect = data[:1] == b"\x10" and (b"\x00\x04MQTT" in data[2:11] or b"\x00\x06MQIsdp" in data[2:13])
    connack = len(data) == 4 and data[:2] == b"\x20\x02" and data[2] <= 1 and data[3] <= 5
    return Payload(Protocol.MQTT) if connect or connack else None


def zeromq(data: bytes) -> Payload | None:
    """Recognise ZeroMQ's signature, ten bytes from 0xff to 0x7f."""
    return Payload(Protocol.ZEROMQ) if data[:1] == b"\xff" and data[9:10] == b"\x7f" else None


def telnet(data: bytes) -> Payload | None:
    """Recognise Telnet option negotiation: IAC followed by WILL, WONT, DO or DONT."""
    return Payload(Protocol.TELNET) if len(data) >= 3 and data[0] == 0xFF and 251 <= data[1] <= 254 else None


def rdp(data: bytes) -> Payload | None:
    """Recognise RDP's connection request or confirm (X.224 in TPKT)."""
    return Payload(Protocol.RDP) if data[:2] == b"\x03\x00" and data[5:6] in (b"\xe0", b"\xd0") else None


def http2_frame(data: bytes) -> Payload | None:
    """Recognise a server's first HTTP/2 frame: SETTINGS on stream 0 (RFC 9113 §3.4, §6.5)."""
    if len(data) < 9 or data[3] != 4 or data[4] > 1 or data[5:9] != b"\0\0\0\0":
        return None
    length = int.from_bytes(data[:3])
    return Payload(Protocol.HTTP2_FRAME) if length % 6 == 0 and length <= 600 else None


def dns(data: bytes) -> Payload | None:
    """Recognise DNS over TCP (RFC 1035 §4.2.2): a length, then a header with one question."""
    if len(data) < 14:
        return None
    length = int.from_bytes(data[:2])
    fits = length == len(data) - 2 or (length > len(data) - 2 and len(data) > 300)
    plain = data[4] & 0x78 == 0 and data[5] & 0x40 == 0 and data[6:8] == b"\0\x01"
    return Payload(Protocol.DNS) if length >= 17 and fits and plain else None


def socks(data: bytes) -> Payload | None:
    """Recognise SOCKS 4 and 5 requests; the destination is read when its bytes are there (RFC 1928 §4)."""
    if len(data) >= _SOCKS4_CONNECT and data[:2] in (b"\x04\x01", b"\x04\x02"):
        user, terminated, name = data[8:].partition(b"\0")
        if not terminated or not (user.isascii() and len(user) <= 64):
            return None
        by_name = data[4:7] == b"\0\0\0" and data[7]
        host = _ascii(name.split(b"\0", 1)[0]) if by_name else ".".join(map(str, data[4:8]))
        return Payload(Protocol.SOCKS, proxied=Authority(host, int.from_bytes(data[2:4])) if host else None)
    if data[:1] != b"\x05" or not 1 <= int.from_bytes(data[1:2]) <= 9:
        return None
    request = data[2 + data[1] :]
    methods = data[2 : 2 + data[1]]
    if (
        len(methods) != data[1]
        or any(method > 9 for method in methods)
        or (request and request[0] not in {1, 5})
    ):
        return None
    return Payload(Protocol.SOCKS, proxied=_socks5_destination(request[request.find(b"\x05\x01\x00") :]))


def _socks5_destination(request: bytes) -> Authority | None:
    """Read the address and port of a SOCKS 5 CONNECT, of IPv4 and name type."""
    kind = request[3:4]
    if not request.startswith(b"\x05\x01\x00") or kind not in (b"\x01", b"\x03"):
        return None
    size = 4 if kind == b"\x01" else 1 + int.from_bytes(request[4:5])
    address, port = request[4 : 4 + size], request[4 + size : 6 + size]
    if len(address) != size or len(port) != 2:
        return None
    host = ".".join(map(str, address)) if kind == b"\x01" else _ascii(address[1:])
    return Authority(host, int.from_bytes(port)) if host else None


def _ascii(data: bytes) -> str:
    return data.decode("latin-1") if data.isascii() else ""


def ldap(data: bytes) -> Payload | None:
    """Recognise an LDAP message of either side (RFC 4511 §4.1.1, §4.2 to §4.12)."""
    return Payload(Protocol.LDAP) if _ldap_form().match(data) else None


def iperf(data: bytes) -> Payload | None:
    """Recognise the cookie with which iperf3's client begins: 36 letters and digits, and a zero byte."""
    whole = len(data) == _COOKIE_BYTES and _cookie_form().match(data)
    return Payload(Protocol.IPERF) if whole else None


GREETINGS: Final[tuple[Callable[[bytes], Payload | None], ...]] = (
    prefixed,
    mail_or_ftp,
    redis,
    memcached,
    mysql,
    postgres,
    mqtt,
    zeromq,
    telnet,
    http2_frame,
    rdp,
    mongodb,
    kafka,
    ldap,
    iperf,
    socks,
    dns,
)
"""Tried in this order; the first that recognises the bytes wins."""
