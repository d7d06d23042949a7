"""A table of our own in nf_tables that marks packets of the watched ports for tracing, and never stays behind.

Input: the watched ports. Output: a socket that the kernel's word on each marked packet comes from. Runs with
privileges; standard library only, parses no packet. The table has the flag ``owner``: the kernel removes it with the
socket that made it, whatever ended the process that held it. It has an accepting chain before all others at each
entrance, which marks, and one behind all others at each hook, which shows that a packet came through. It stops
nothing and counts nothing.

Only so many packets a second are marked, so that a flood costs little. A kernel without the flag (before Linux 5.12)
refuses the table: then nothing is traced. Sources: linux/netfilter/nf_tables.h, nfnetlink.h; nft(8) "TABLES".
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

from synscope.probes.host.netlink import attribute, attributes

TABLE: Final = "synscope_trace_"
"""How the names of such tables begin."""
FIRST_IN: Final = "first_in"
FIRST_OUT: Final = "first_out"
MARK: Final = "mark_"
"""How the chains that mark are called: they are those in which a packet shows first."""
LAST: Final = "last_"
"""How the chains that show a hook passed are called; the hook's name follows."""
SYNS_AT_ONCE: Final = 200
"""Segments with SYN that are marked in any case, in each direction."""
MOST_PORTS: Final = 32

_NETFILTER: Final = 12
_SOL_NETLINK: Final = 270
_ADD_MEMBERSHIP: Final = 1
_GROUP: Final = 9
"""NFNLGRP_NFTRACE"""
_RCVBUFFORCE: Final = 33
_BUFFER: Final = 1 << 21
_SUBSYSTEM: Final = 10
_BEGIN, _END = 0x10, 0x11
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE, _GET_GENERATION = 0, 3, 6, 16
_REQUEST, _ACK, _CREATE_NEW, _APPEND = 0x1, 0x4, 0x600, 0xC00
_INET: Final = 1
_OWNER: Final = 2
_HEADER = struct.Struct("=IHHII")
_NUMBER = struct.Struct(">I")
_LONG = struct.Struct(">Q")
_ERROR: Final = 2
_ANSWER_S: Final = 2.0
_LARGEST: Final = 1 << 16
_FIRST: Final = -301
"""Just before ``raw``."""
_BEHIND: Final = 0x7FFFFFFE
"""Behind all, but for the confirmation of tracked connections."""
_HOOKS: Final = {"prerouting": 0, "input": 1, "forward": 2, "output": 3, "postrouting": 4}
_ENTRANCES: Final = {FIRST_IN: "prerouting", FIRST_OUT: "output"}
_RATES: Final = ((True, 50, SYNS_AT_ONCE), (False, 20, 100))
"""With SYN or without → how many a second, and how many at once before that counts."""

# Registers, operators and keys: linux/netfilter/nf_tables.h.
_VERDICT_REGISTER, _REGISTER = 0, 1
_L4PROTO, _NFTRACE = 16, 12
_TRANSPORT_HEADER: Final = 2
_EQUAL, _UNEQUAL = 0, 1
_JUMP: Final = -3
_SOURCE_PORT, _DESTINATION_PORT, _FLAGS = 0, 2, 13
_SYN: Final = b"\x02"
_TCP: Final = b"\x06"


class FirewallTraceError(Exception):
    """The firewall's trace cannot be had; the text says why."""


class FirewallTable:
    """One such table, from ``create`` to ``remove``, and the socket that owns it."""

    def __init__(self, owner: socket.socket, name: str, generation: int) -> None:
        self._owner = owner
        self.name = name
        self.generation = generation
        """The number of the ruleset's state with the table in it: it rises with each change of any rule."""

    @classmethod
    def create(cls, ports: Sequence[int]) -> Self:
        """Make the table in the calling thread's network namespace. Raises ``FirewallTraceError``."""
        if not 0 < len(ports) <= MOST_PORTS:
            raise FirewallTraceError(f"the firewall's trace takes 1 to {MOST_PORTS} ports")
        name = f"{TABLE}{os.getpid()}_{secrets.token_hex(3)}"
        try:
            owner = _opened()
        except OSError as error:
            raise FirewallTraceError(f"this kernel has no netfilter: {error.strerror}") from error
        try:
            _transact(owner, _messages(name, ports))
            return cls(owner, name, generation(owner))
        except OSError as error:
            owner.close()
            raise FirewallTraceError(_why(error)) from error

    def subscribe(self) -> socket.socket:
        """Return a socket that the trace comes from: to be read without any right. Raises ``FirewallTraceError``."""
        made = _opened()
        try:
            with contextlib.suppress(OSError):
                made.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, _BUFFER)
            made.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP)
        except OSError as error:
            made.close()
            raise FirewallTraceError(f"the firewall's trace cannot be read: {error.strerror}") from error
        made.setblocking(False)
        return made

    def current_generation(self) -> int:
        """Return the number of the ruleset's state now; 0 where the kernel does not say."""
        try:
            return generation(self._owner)
        except OSError:
            return 0

    def remove(self) -> None:
        """Remove the table: the kernel does, as soon as its owner's socket is closed. May be called again."""
        self._owner.close()


class Header(NamedTuple):
    """The head of one message that came."""

    kind: int
    body: bytes


def generation(asked: socket.socket) -> int:
    """Return the number of the ruleset's state. Raises ``OSError``."""
    asked.send(_message(_GET_GENERATION, _REQUEST, 1, b"", family=0))
    for came in received(asked.recv(_LARGEST)):
        _raise(came)
        number = attributes(came.body[4:]).get(1, b"")
        if len(number) == _NUMBER.size:
            return int(_NUMBER.unpack(number)[0])
    return 0


def received(data: bytes) -> Iterable[Header]:
    """Yield the messages in what one read gave; one that is cut ends it."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= length <= len(data) - at:
            return
        yield Header(kind, data[at + _HEADER.size : at + length])
        at += (length + 3) & ~3


def _opened() -> socket.socket:
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER)  # type: ignore[attr-defined, unused-ignore]
    made.settimeout(_ANSWER_S)
    made.bind((0, 0))  # without a number of its own a socket gets no broadcast
    return made


def _why(error: OSError) -> str:
    if error.errno in {errno.EINVAL, errno.EOPNOTSUPP}:
        return "this kernel cannot remove a table with its owner, or cannot trace (Linux 5.12 and later can)"
    return f"no table can be made for it: {error.strerror or error}"


# -- messages -----------------------------------------------------------------------------------------


def _transact(owner: socket.socket, messages: Sequence[bytes]) -> None:
    """Have the kernel take all messages or none. Raises ``OSError``."""
    begin = _message(0, _REQUEST, 0, b"", family=0, batch=_BEGIN)
    end = _message(0, _REQUEST, len(messages) + 1, b"", family=0, batch=_END)
    owner.send(b"".join((begin, *messages, end)))
    left = len(messages)
    while left:
        for came in received(owner.recv(_LARGEST)):
            _raise(came)
            left -= came.kind == _ERROR


def _raise(came: Header) -> None:
    if came.kind != _ERROR or len(came.body) < 4:  # noqa: PLR2004 - a number of four bytes
        return
    number = -struct.unpack_from("=i", came.body)[0]
    if number:
        raise OSError(number, os.strerror(number))


def _message(  # noqa: PLR0913 - the fields of a netlink message
    kind: int, flags: int, number: int, body: bytes, *, family: int = _INET, batch: int = 0
) -> bytes:
    head = struct.pack(">BBH", family, 0, _SUBSYSTEM if batch else 0)
    whole = head + body
    return _HEADER.pack(_HEADER.size + len(whole), batch or _SUBSYSTEM << 8 | kind, flags, number, 0) + whole


def _messages(name: str, ports: Sequence[int]) -> list[bytes]:
    table = attribute(1, _text(name))
    parts = [(_NEW_TABLE, _CREATE_NEW, table + attribute(2, _NUMBER.pack(_OWNER)))]
    for first in _ENTRANCES:
        parts.append((_NEW_CHAIN, _CREATE_NEW, table + attribute(3, _text(MARK + first))))
        parts += [(_NEW_RULE, _APPEND, table + _marking(MARK + first, *rate)) for rate in _RATES]
    parts += [
        (_NEW_CHAIN, _CREATE_NEW, table + _base_chain(first, hook, _FIRST))
        for first, hook in _ENTRANCES.items()
    ]
    for first in _ENTRANCES:
        for port in ports:
            parts += [
                (_NEW_RULE, _APPEND, table + _sending_on(first, MARK + first, at, port))
                for at in (_DESTINATION_PORT, _SOURCE_PORT)
            ]
    parts += [(_NEW_CHAIN, _CREATE_NEW, table + _base_chain(LAST + hook, hook, _BEHIND)) for hook in _HOOKS]
    return [
        _message(kind, _REQUEST | _ACK | flags, number, body)
        for number, (kind, flags, body) in enumerate(parts, start=1)
    ]


def _text(text: str) -> bytes:
    return text.encode() + b"\0"


def _nested(kind: int, *parts: bytes) -> bytes:
    return attribute(kind | 0x8000, b"".join(parts))


def _base_chain(name: str, hook: str, priority: int) -> bytes:
    place = _nested(
        4, attribute(1, _NUMBER.pack(_HOOKS[hook])), attribute(2, _NUMBER.pack(priority & 0xFFFFFFFF))
    )
    return attribute(3, _text(name)) + place + attribute(7, _text("filter"))


def _rule(chain: str, *expressions: bytes) -> bytes:
    return attribute(2, _text(chain)) + _nested(4, *expressions)


def _expression(name: str, *parts: bytes) -> bytes:
    return _nested(1, attribute(1, _text(name)), _nested(2, *parts))


def _sending_on(chain: str, to: str, at: int, port: int) -> bytes:
    """Return the rule that has TCP with this port looked at by the chain that marks."""
    verdict = _nested(2, attribute(1, _NUMBER.pack(_JUMP & 0xFFFFFFFF)), attribute(2, _text(to)))
    return _rule(
        chain,
        _expression("meta", _number(2, _L4PROTO), _number(1, _REGISTER)),
        _compared(_EQUAL, _TCP),
        _loaded(at, 2),
        _compared(_EQUAL, struct.pack(">H", port)),
        _expression("immediate", _number(1, _VERDICT_REGISTER), _nested(2, verdict)),
    )


def _marking(chain: str, with_syn: bool, rate: int, at_once: int) -> bytes:  # noqa: FBT001 - a row of _RATES
    """Return the rule that marks segments with SYN, or those without, up to a rate."""
    return _rule(
        chain,
        _loaded(_FLAGS, 1),
        _expression(
            "bitwise",
            _number(1, _REGISTER),
            _number(2, _REGISTER),
            _number(3, 1),
            _value(4, _SYN),
            _value(5, b"\0"),
        ),
        _compared(_UNEQUAL if with_syn else _EQUAL, b"\0"),
        _expression(
            "limit",
            attribute(1, _LONG.pack(rate)),
            attribute(2, _LONG.pack(1)),
            _number(3, at_once),
            _number(4, 0),
        ),
        _expression("immediate", _number(1, _REGISTER), _value(2, b"\1")),
        _expression("meta", _number(2, _NFTRACE), _number(3, _REGISTER)),
    )


def _loaded(at: int, length: int) -> bytes:
    return _expression(
        "payload",
        _number(1, _REGISTER),
        _number(2, _TRANSPORT_HEADER),
        _number(3, at),
        _number(4, length),
    )


def _compared(operator: int, value: bytes) -> bytes:
    return _expression("cmp", _number(1, _REGISTER), _number(2, operator), _value(3, value))


def _number(kind: int, number: int) -> bytes:
    return attribute(kind, _NUMBER.pack(number))


def _value(kind: int, value: bytes) -> bytes:
    return _nested(kind, attribute(1, value))
