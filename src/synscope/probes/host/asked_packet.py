"""The packets that firewall rules are asked about, and the answers of a single test.

A test says yes, no, or ``None`` for "cannot tell". The packet runs over loopback between two sockets of this
machine; what is not known of it (the client's port, its user, marks set by unknown rules) is ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.probes.host.snapshot import PacketKind

Truth = bool | None
INPUT_SIDE: Final = frozenset({"prerouting", "input", "ingress"})
ACK: Final = 0x10
SYN: Final = 0x02
PUSH: Final = 0x08
FLAGS: Final = {"fin": 1, "syn": SYN, "rst": 4, "psh": PUSH, "ack": ACK, "urg": 32, "ecn": 64, "cwr": 128}
_FLAGS_OF: Final = {
    PacketKind.SYN: SYN,
    PacketKind.ANSWER: SYN | ACK,
    PacketKind.DATA: PUSH | ACK,
    PacketKind.REPLY: PUSH | ACK,
}


class Span(NamedTuple):
    """A number that lies between two bounds, both included."""

    low: int
    high: int


ANY_EPHEMERAL: Final = Span(1024, PORT_MAX)
"""The widest range a client's port can be from, where the system's own is not known."""


class AskedPacket(NamedTuple):
    """One packet of a connection to ``server`` (an address of this machine) and ``port``."""

    kind: PacketKind
    ipv6: bool
    client: str
    server: str
    client_port: Span
    """The ephemeral range: any of it may be the client's."""
    port: int
    hook: str = "output"
    state: str | None = "new"
    """conntrack's; ``None`` when a rule may have changed it."""
    mark: int | None = 0

    @property
    def is_answer(self) -> bool:
        """Whether it goes from the server to the client."""
        return self.kind in {PacketKind.ANSWER, PacketKind.REPLY}

    @property
    def source(self) -> str:
        """Its source address."""
        return self.server if self.is_answer else self.client

    @property
    def destination(self) -> str:
        """Its destination address."""
        return self.client if self.is_answer else self.server

    @property
    def source_port(self) -> Span:
        """Its source port."""
        return Span(self.port, self.port) if self.is_answer else self.client_port

    @property
    def destination_port(self) -> Span:
        """Its destination port."""
        return self.client_port if self.is_answer else Span(self.port, self.port)

    @property
    def flags(self) -> int:
        """Its TCP flags."""
        return _FLAGS_OF[self.kind]


Test = Callable[[AskedPacket], Truth]


def invert(truth: Truth) -> Truth:
    """Return the opposite; what cannot be told stays so."""
    return None if truth is None else not truth


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return no as soon as one says no; yes only when all do."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return yes as soon as one says yes; no only when all do."""
    return invert(all_of(invert(truth) for truth in truths))


def within(value: Span, low: int, high: int) -> Truth:
    """Whether a number that lies in a span lies in another."""
    if low <= value.low and value.high <= high:
        return True
    return False if value.high < low or high < value.low else None


def interface_matches(name: str, pattern: str, wildcard: str) -> bool:
    """Whether an interface's name fits a pattern whose last character may be a wildcard."""
    if pattern.endswith(wildcard):
        return name.startswith(pattern[: -len(wildcard)])
    return name == pattern
