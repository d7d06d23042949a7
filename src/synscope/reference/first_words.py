"""What a client of HTTP/1.1, HTTP/2 and TLS says first: harmless words that every such server answers.

Input: the server's host and port. Output: bytes. None of them asks for a page, changes anything or names a user.

Sources: RFC 9110 §9.3.7 (``OPTIONS *`` asks what the server as a whole can do), RFC 9113 §3.4 (the preface and an
empty SETTINGS frame), RFC 8446 §4.1.2 and RFC 5246 §7.4.1.2 (a ClientHello that servers of TLS 1.2 and 1.3 take),
HAProxy's proxy-protocol.txt §2.1 (the line that stands before all other words).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from synscope.reference.loopback import parsed

_RANDOM: Final = 32
_CIPHERS: Final = (
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0x009C,
    0x009D,
    0x002F,
)
_GROUPS: Final = (0x001D, 0x0017, 0x0018)
"""x25519, secp256r1, secp384r1."""
_SIGNATURES: Final = (0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)
_VERSIONS: Final = (0x0304, 0x0303)
_SERVER_NAME, _SUPPORTED_GROUPS, _POINT_FORMATS, _SIGNATURE_ALGORITHMS = 0, 10, 11, 13
_ALPN, _SUPPORTED_VERSIONS, _KEY_SHARE_MODES, _KEY_SHARE = 16, 43, 45, 51
_X25519: Final = 0x001D
_EMPTY_SETTINGS: Final = bytes.fromhex("000000040000000000")


def options(host: str, port: int) -> bytes:
    """Return the question what an HTTP/1.1 server can do."""
    return (
        f"OPTIONS * HTTP/1.1\r\nHost: {_authority(host)}:{port}\r\nUser-Agent: synscope\r\nConnection: close\r\n\r\n"
    ).encode("ascii", "replace")


def preface(_host: str, _port: int) -> bytes:
    """Return what a client says that knows the server to speak HTTP/2 without TLS."""
    return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _EMPTY_SETTINGS


def client_hello(host: str, _port: int) -> bytes:
    """Return a ClientHello for ``host``; an address is no server name (RFC 6066 §3)."""
    names = b""
    if parsed(host) is None and host.isascii() and host:
        names = _extension(_SERVER_NAME, _sized(2, b"\0" + _sized(2, host.encode())))
    extensions = (
        names
        + _extension(_SUPPORTED_GROUPS, _sized(2, _words(_GROUPS)))
        + _extension(_POINT_FORMATS, _sized(1, b"\0"))
        + _extension(_SIGNATURE_ALGORITHMS, _sized(2, _words(_SIGNATURES)))
        + _extension(_ALPN, _sized(2, _sized(1, b"h2") + _sized(1, b"http/1.1")))
        + _extension(_SUPPORTED_VERSIONS, _sized(1, _words(_VERSIONS)))
        + _extension(_KEY_SHARE_MODES, _sized(1, b"\1"))
        + _extension(_KEY_SHARE, _sized(2, struct.pack("!H", _X25519) + _sized(2, os.urandom(_RANDOM))))
    )
    body = (
        b"\x03\x03"
        + os.urandom(_RANDOM)
        + _sized(1, os.urandom(_RANDOM))
        + _sized(2, _words(_CIPHERS))
        + _sized(1, b"\0")
        + _sized(2, extensions)
    )
    return b"\x16\x03\x01" + _sized(2, b"\x01" + _sized(3, body))


def proxy_line(server: str, port: int) -> bytes:
    """Return the line by which a balancer tells whom it speaks for: here this machine itself, at port 0."""
    family = "TCP6" if ":" in server else "TCP4"
    return f"PROXY {family} {server} {server} 0 {port}\r\n".encode("ascii", "replace")


FIRST_WORDS: Final[Mapping[str, Callable[[str, int], bytes]]] = MappingProxyType(
    {"TLS": client_hello, "HTTP/1": options, "HTTP/2": preface}
)
"""By what ``evidence.payload`` calls the conversation, in the order in which they are tried."""


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _extension(number: int, data: bytes) -> bytes:
    return struct.pack("!H", number) + _sized(2, data)


def _sized(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _words(numbers: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("!H", number) for number in numbers)
