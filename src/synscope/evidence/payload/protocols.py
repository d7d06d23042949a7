"""The nouns of first bytes: which protocol they are, and what of it was read.

All text fields are decoded from bytes that a peer chose. They are not escaped here.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

LIMIT: Final = 512
"""How many bytes of each direction are looked at, at most."""

MOST_QUOTED: Final = 160
"""How many characters of a service's own words are quoted, at most."""


class Protocol(enum.StrEnum):
    """What the first bytes of one direction look like. The values read well in a sentence."""

    EMPTY = "nothing"
    TLS_CLIENT_HELLO = "TLS client hello"
    TLS_SERVER_HELLO = "TLS server hello"
    TLS_ALERT = "TLS alert"
    TLS_RECORD = "TLS record"
    HTTP_REQUEST = "HTTP request"
    HTTP_RESPONSE = "HTTP response"
    HTTP2_PREFACE = "HTTP/2 preface"
    HTTP2_FRAME = "HTTP/2 settings"
    SOCKS = "SOCKS request"
    SSH = "SSH"
    SMTP = "SMTP"
    FTP = "FTP"
    SMTP_OR_FTP = "SMTP or FTP"
    IMAP = "IMAP"
    POP3 = "POP3"
    REDIS = "Redis"
    MYSQL = "MySQL"
    POSTGRES = "PostgreSQL"
    MONGODB = "MongoDB"
    MEMCACHED = "memcached"
    KAFKA = "Kafka"
    AMQP = "AMQP"
    MQTT = "MQTT"
    NATS = "NATS"
    ZEROMQ = "ZeroMQ"
    JDWP = "JDWP (Java debugger)"
    DEBUG_ADAPTER = "debug adapter or language server"
    TELNET = "Telnet"
    RDP = "RDP"
    VNC = "VNC"
    DNS = "DNS over TCP"
    LDAP = "LDAP"
    IPERF = "iperf3"
    TEXT = "text"
    BINARY = "binary data"


FAMILY: Final[dict[Protocol, str]] = {
    Protocol.TLS_CLIENT_HELLO: "TLS",
    Protocol.TLS_SERVER_HELLO: "TLS",
    Protocol.TLS_ALERT: "TLS",
    Protocol.TLS_RECORD: "TLS",
    Protocol.HTTP_REQUEST: "HTTP/1",
    Protocol.HTTP_RESPONSE: "HTTP/1",
    Protocol.HTTP2_PREFACE: "HTTP/2",
    Protocol.HTTP2_FRAME: "HTTP/2",
    Protocol.SOCKS: "SOCKS",
    Protocol.SMTP_OR_FTP: "SMTP or FTP",
    Protocol.SMTP: "SMTP or FTP",
    Protocol.FTP: "SMTP or FTP",
}
"""Protocols that belong to one conversation; what is missing is its own family."""

NAMELESS: Final = frozenset({Protocol.EMPTY, Protocol.TEXT, Protocol.BINARY})
"""Bytes that name no protocol."""


class Authority(NamedTuple):
    """A host and port as written in a request. ``port`` may lie outside 0..65535; ``None`` when absent."""

    host: str
    port: int | None = None


class Request(NamedTuple):
    """The head of an HTTP/1 request."""

    method: str
    target: str
    host: Authority | None = None
    """The Host header."""
    proxied: Authority | None = None
    """Where a proxy is asked to go: an absolute URI's authority (with its default port) or CONNECT's."""
    headers: str = ""
    """The header lines and whatever follows, as far as kept, in lower case."""

    @property
    def is_proxy_form(self) -> bool:
        """Whether the request line is one that clients send only to a proxy."""
        return self.proxied is not None


class Response(NamedTuple):
    """The head of an HTTP/1 response."""

    version: str
    status: int
    reason: str = ""
    server: str = ""
    """The Server header."""
    rest: str = ""
    """The header lines and the beginning of the body, as far as kept, in lower case."""


class Alert(NamedTuple):
    """A TLS alert that is not encrypted (RFC 8446 §6)."""

    level: int
    description: int
    name: str


class Payload(NamedTuple):
    """What the first bytes of one direction say."""

    protocol: Protocol
    text: str = ""
    """The greeting line, or the beginning of text or data, for a person."""
    request: Request | None = None
    response: Response | None = None
    alert: Alert | None = None
    """The first alert in the clear, also when it follows other TLS records."""
    proxied: Authority | None = None
    """Where a proxy (HTTP or SOCKS) is asked to go."""
    first_record: int | None = None
    """TLS: bytes of the first record with its header, as announced; the record itself may be cut."""

    @property
    def family(self) -> str:
        """The conversation this belongs to, the same for both directions."""
        return FAMILY.get(self.protocol, str(self.protocol))


def readable(data: bytes, limit: int = 60) -> str:
    """Return the beginning of ``data`` as text: UTF-8 where it is, else Latin-1; cut with an ellipsis."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        # A character cut at the end is still UTF-8; anything else is shown byte by byte.
        cut = error.start >= len(data) - 3 and error.reason == "unexpected end of data"
        text = data.decode(errors="replace") if cut else data.decode("latin-1")
    return text if len(text) <= limit else text[:limit] + "…"


def first_line(data: bytes) -> str:
    """Return the first line of ``data``, without its end, for a person."""
    return readable(data.split(b"\n", 1)[0].rstrip(b"\r"))
