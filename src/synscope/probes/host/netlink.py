"""Questions to the Linux kernel over netlink: one request, all its answers.

Input: a protocol, a message type, flags and a body. Output: the bodies of the answers. Sources: netlink(7),
linux/netlink.h.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

REQUEST: Final = 0x1
DUMP: Final = 0x300
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR: Final = 2
_DONE: Final = 3
_MULTI: Final = 0x2
_TYPE_MASK: Final = 0x3FFF
_LARGEST: Final = 1 << 18
_SECONDS: Final = 1.0
_SOL_NETLINK: Final = 270
_STRICT: Final = 12
"""NETLINK_GET_STRICT_CHK"""
SOCK_DIAG: Final = 4
ROUTE: Final = 0


def ask(protocol: int, kind: int, body: bytes, flags: int = DUMP, *, strict: bool = False) -> Iterator[bytes]:
    """Yield the body of each answer. Raises ``OSError`` with the kernel's error number.

    ``strict`` has the kernel select by what ``body`` holds, where it can.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as asked:  # type: ignore[attr-defined, unused-ignore]
        asked.settimeout(_SECONDS)
        if strict:
            with contextlib.suppress(OSError):  # before Linux 4.20 everything comes, and the caller selects
                asked.setsockopt(_SOL_NETLINK, _STRICT, 1)
        asked.send(_HEADER.pack(_HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body)
        more = True
        while more:
            data = asked.recv(_LARGEST)
            at = 0
            while more and at + _HEADER.size <= len(data):
                length, answer, answer_flags, _, _ = _HEADER.unpack_from(data, at)
                if answer == _ERROR:
                    number = -struct.unpack_from("=i", data, at + _HEADER.size)[0]
                    if number:
                        raise OSError(number, os.strerror(number))
                if answer in {_DONE, _ERROR}:
                    return
                yield data[at + _HEADER.size : at + length]
                more = bool(answer_flags & _MULTI)
                at += max(_HEADER.size, (length + 3) & ~3)


def attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes that stand one after the other in ``data``, by their type."""
    found = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)
