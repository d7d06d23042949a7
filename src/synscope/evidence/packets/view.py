"""One target as its observers look at it: its groups sorted by how they ended, its payloads recognised.

Input: a ``TargetSummary``, the other targets of the capture, and when the capture ends. Each question of
``packets`` and ``payload`` takes a ``PacketsView``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from synscope.evidence.payload.recognise import Payload, Protocol, recognise
from synscope.model import FAILURES, Attempt, AttemptGroup, Frames, Label, TargetSummary
from synscope.reference.loopback import is_loopback
from synscope.units import count

NO_ATTEMPT: Final = "the capture holds no attempt to connect to the target"
"""Why most questions about a target that nobody tried have the answer no."""

_MOST_QUOTED: Final = 6
_AGENT: Final = "user-agent:"


class Matches(NamedTuple):
    """Attempts of which something is true, and how many there are."""

    attempts: tuple[Attempt, ...]
    """Those of which the attempt itself is at hand."""
    number: int
    exact: bool
    """False when some of a group's examples matched: then others, not at hand, may match too."""

    def __bool__(self) -> bool:
        return bool(self.attempts)

    def phrase(self, noun: str = "attempt") -> str:
        """Return the number as ``3 attempts`` or ``at least 3 attempts``."""
        return f"{'' if self.exact else 'at least '}{count(self.number, noun)}"


class Exchange(NamedTuple):
    """A connection's first bytes each way."""

    attempt: Attempt
    client: Payload
    server: Payload


class _Seen(NamedTuple):
    """What a ``PacketsView`` is made of."""

    summary: TargetSummary
    others: Sequence[TargetSummary]
    end_ts_ns: int | None
    linktypes: tuple[str, ...] = ()
    missing: str = ""
    """What the capture lacks of what was sent, in words; empty when nothing is known to be missing."""


class PacketsView(_Seen):
    """A target and its surroundings. Everything derived is computed once."""

    @property
    def groups(self) -> tuple[AttemptGroup, ...]:
        """All groups of the target."""
        return self.summary.groups

    @cached_property
    def failing(self) -> tuple[AttemptGroup, ...]:
        """Groups that failed to connect (see ``AttemptGroup.failed``)."""
        return tuple(group for group in self.groups if group.failed)

    @cached_property
    def recovered(self) -> tuple[AttemptGroup, ...]:
        """Groups that failed at one address while the client reached the port at another."""
        return tuple(group for group in self.groups if group.label in FAILURES and group.recovered)

    @cached_property
    def completed(self) -> tuple[AttemptGroup, ...]:
        """Groups whose handshake completed."""
        return self.labelled(Label.COMPLETED)

    @cached_property
    def decided(self) -> tuple[AttemptGroup, ...]:
        """Groups whose beginning is in the capture."""
        return tuple(group for group in self.groups if group.label is not Label.MID_STREAM)

    def labelled(self, *labels: Label) -> tuple[AttemptGroup, ...]:
        """Return the groups with one of ``labels``."""
        return tuple(group for group in self.groups if group.label in labels)

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The first bytes of every connection at hand that has any."""
        return tuple(exchanges(self.labelled(Label.COMPLETED, Label.ONE_SIDED)))


def total(groups: Iterable[AttemptGroup]) -> int:
    """Return how many attempts the groups hold."""
    return sum(group.count for group in groups)


def attempts(groups: Iterable[AttemptGroup]) -> tuple[Attempt, ...]:
    """Return the attempts at hand."""
    return tuple(attempt for group in groups for attempt in group.examples)


def matching(groups: Iterable[AttemptGroup], test: Callable[[Attempt], bool]) -> Matches:
    """Return the attempts for which ``test`` holds; a group whose examples all match counts as a whole."""
    found: list[Attempt] = []
    number, exact = 0, True
    for group in groups:
        hits = [attempt for attempt in group.examples if test(attempt)]
        found += hits
        whole = len(hits) == len(group.examples) and hits
        number += group.count if whole else len(hits)
        exact = exact and bool(whole or not hits)
    return Matches(tuple(found), number, exact)


def frames_of(found: Iterable[Attempt], *pick: Callable[[Frames], int | None]) -> tuple[int, ...]:
    """Return the picked key frames of the first few attempts, in order and without repeats."""
    quoted = list(found)[:_MOST_QUOTED]
    numbers = {number_of(attempt.frames) for attempt in quoted for number_of in pick}
    return tuple(sorted(number for number in numbers if number is not None))


def first_data_frames(found: Iterable[Attempt]) -> tuple[int, ...]:
    """Return the frames of the first data each way."""
    return frames_of(found, lambda f: f.client_data, lambda f: f.server_data)


def exchanges(groups: Iterable[AttemptGroup]) -> list[Exchange]:
    """Return the recognised first bytes of the attempts at hand that have any."""
    return [
        Exchange(attempt, recognise(attempt.client_payload or b""), recognise(attempt.server_payload or b""))
        for attempt in attempts(groups)
        if attempt.client_payload or attempt.server_payload
    ]


class Client(NamedTuple):
    """Who asks, as far as packets tell two clients apart: a retry comes from the same one."""

    address: str
    program: str
    """What its HTTP request calls it; empty where it does not say."""


def client_of(exchange: Exchange) -> Client:
    """Return who began a connection."""
    request = exchange.client.request
    lines = "" if request is None else request.headers
    agent = next((line for line in lines.splitlines() if line.startswith(_AGENT)), "")
    return Client(exchange.attempt.client.address, agent.removeprefix(_AGENT).strip())


def last_answered(exchanged: Iterable[Exchange]) -> dict[Client, int]:
    """Return when each client last began a connection, of these, that the server answered."""
    found: dict[Client, int] = {}
    for exchange in exchanged:
        if "server-data" in exchange.attempt.events:
            client, began = client_of(exchange), exchange.attempt.first_ts_ns
            found[client] = max(began, found.get(client, began))
    return found


def is_tls(payload: Payload) -> bool:
    """Whether the bytes are TLS records."""
    return payload.family == "TLS"


def is_said(payload: Payload) -> bool:
    """Whether there are any bytes."""
    return payload.protocol is not Protocol.EMPTY


def is_ipv6(address: str) -> bool:
    """Whether ``address`` is of the IPv6 family on the wire."""
    return ":" in address


def is_local(attempt: Attempt) -> bool:
    """Whether both ends are this host: both loopback addresses, or one and the same address."""
    client, server = attempt.client.address, attempt.server.address
    return client == server or (is_loopback(client) and is_loopback(server))
