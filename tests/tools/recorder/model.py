"""The nouns of the recorder: a scenario, and what a reader of its capture must find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from recorder.stage import Stage

PORT = 62893
"""The port most scenarios talk to."""

LOCAL = "127.0.0.1"
LOCAL6 = "::1"

LABEL_OF: Mapping[str, str] = {
    "unanswered": "SYN-no-reply",
    "icmp-error": "SYN-no-reply",
    "client-withdrew": "SYN-no-reply",
    "refused": "SYN-RST",
    "refused-repeatedly": "SYN-RST",
    "reset-by-server-early": "completed",
    "reset-by-server": "completed",
    "reset-by-client": "completed",
    "silent": "completed",
    "server-silent": "completed",
    "closed": "completed",
    "still-open": "completed",
    "answered": "completed",
    "client-vanished": "half-open",
    "client-reset": "half-open",
    "server-gave-up": "half-open",
    "client-side-only": "one-sided",
    "server-side-only": "one-sided",
    "challenge-ack": "odd-reply",
    "unfitting-syn-ack": "odd-reply",
    "unfitting-rst": "odd-reply",
    "crossing-syn": "odd-reply",
    "mid-stream": "mid-stream",
}
"""Outcome → label, for every outcome a fixture may name."""

NEVER_SENT = "client-never-sent"


HARMLESS = {"completed", "mid-stream", "one-sided"}
"""Labels that are no failure by themselves: they show a connection, or too little to say."""


@dataclass(frozen=True)
class Expected:
    """One attempt that a reader of the capture must find.

    ``syns`` is the inclusive range the number of the client's SYNs must fall in;
    the exact number is read from the capture.
    """

    outcome: str
    client_port: int
    server_port: int = PORT
    address: str = LOCAL
    client_address: str | None = None
    syns: tuple[int, int] = (1, 1)

    @property
    def label(self) -> str:
        """The label the outcome belongs to."""
        return LABEL_OF[self.outcome]

    @property
    def client(self) -> tuple[str, int]:
        """Address and port of the client."""
        return (self.client_address or self.address, self.client_port)

    @property
    def server(self) -> tuple[str, int]:
        """Address and port of the server."""
        return (self.address, self.server_port)


def one(outcome: str, server_port: int = PORT, syns: tuple[int, int] = (1, 1)) -> tuple[Expected, ...]:
    """Expect a single attempt from port 40001 over IPv4."""
    return (Expected(outcome, 40001, server_port, syns=syns),)


def v6(outcome: str, syns: tuple[int, int] = (1, 1)) -> tuple[Expected, ...]:
    """Expect a single attempt from port 40001 over IPv6."""
    return (Expected(outcome, 40001, address=LOCAL6, syns=syns),)


def many(*outcomes: str, address: str = LOCAL) -> tuple[Expected, ...]:
    """Expect attempts from ports 40001, 40002 and so on."""
    return tuple(Expected(outcome, 40001 + index, address=address) for index, outcome in enumerate(outcomes))


@dataclass(frozen=True)
class Scenario:
    """One capture: its story, how it is made, and what it must be read as.

    Exactly one of ``act`` (played on a real kernel while tcpdump listens) and
    ``craft`` (returns the bytes of the whole file) is given. ``after`` turns a
    recorded capture into the wanted file: filtered, reordered, cut. ``twin`` returns
    the same capture in a form that tshark reads, where it does not read this one.
    """

    name: str
    story: str
    act: Callable[[Stage], None] | None = None
    craft: Callable[[], bytes] | None = None
    expected: tuple[Expected, ...] = ()
    cause: str | None = None
    targets: Mapping[str, str] | None = None
    after: Callable[[Path], None] | None = None
    twin: Callable[[], bytes] | None = None
    file: str | None = None
    tcpdump: tuple[str, ...] = ("-i", "lo")
    exit_status: int | None = None

    @property
    def file_name(self) -> str:
        """Name of the capture inside ``fixtures/``."""
        return self.file or f"{self.name}.pcap"

    @property
    def target_labels(self) -> dict[str, str]:
        """Target → label; by default the house port with its only attempt's label."""
        if self.targets is not None:
            return dict(self.targets)
        labels = {attempt.label for attempt in self.expected}
        if len(labels) != 1:
            message = f"{self.name}: attempts disagree, so the row must name the target's label"
            raise ValueError(message)
        return {str(PORT): labels.pop()}

    @property
    def status(self) -> int:
        """Exit status of ``synscope analyze``: 0 when no target failed and there is no cause."""
        if self.exit_status is not None:
            return self.exit_status
        healthy = self.cause is None and set(self.target_labels.values()) <= HARMLESS
        return 0 if healthy else 1
