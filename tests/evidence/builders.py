"""Attempts, groups, summaries and situations with the least that a test has to say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from synscope.evidence.packets.observe import observe_packets
from synscope.model import (
    Answer,
    Attempt,
    AttemptGroup,
    Checksum,
    Endpoint,
    Frames,
    IcmpError,
    Label,
    NearMiss,
    Observation,
    Outcome,
    Reset,
    Target,
    TargetSummary,
    Times,
)

START = 1_700_000_000_000_000_000
MS = 1_000_000
SECOND = 1_000_000_000

LABEL_OF = {
    Outcome.REFUSED: Label.SYN_RST,
    Outcome.REFUSED_REPEATEDLY: Label.SYN_RST,
    Outcome.UNANSWERED: Label.SYN_NO_REPLY,
    Outcome.ICMP_ERROR: Label.SYN_NO_REPLY,
    Outcome.CLIENT_WITHDREW: Label.SYN_NO_REPLY,
    Outcome.CLIENT_VANISHED: Label.HALF_OPEN,
    Outcome.SERVER_GAVE_UP: Label.HALF_OPEN,
    Outcome.CLIENT_RESET: Label.HALF_OPEN,
    Outcome.CHALLENGE_ACK: Label.ODD_REPLY,
    Outcome.UNFITTING_SYN_ACK: Label.ODD_REPLY,
    Outcome.UNFITTING_RST: Label.ODD_REPLY,
    Outcome.CROSSING_SYN: Label.ODD_REPLY,
    Outcome.CLIENT_SIDE_ONLY: Label.ONE_SIDED,
    Outcome.SERVER_SIDE_ONLY: Label.ONE_SIDED,
    Outcome.MID_STREAM: Label.MID_STREAM,
}


def attempt(
    outcome: Outcome,
    *,
    at: int = 0,
    server: str = "127.0.0.1",
    port: int = 62893,
    client: str | None = None,
    frame: int = 1,
    **fields: object,
) -> Attempt:
    """One attempt that starts ``at`` ns after ``START``; ``fields`` overrides anything."""
    first = START + at
    base = Attempt(
        id=frame,
        client=Endpoint(client or server, 50_000),
        server=Endpoint(server, port),
        first_ts_ns=first,
        label=LABEL_OF.get(outcome, Label.COMPLETED),
        outcome=outcome,
        syn_count=1,
        syn_ack_count=0,
        frames=Frames(first=frame, syn=frame, rst=frame + 1, client_data=frame + 2, server_data=frame + 3),
        times=Times(first=first),
    )
    return base._replace(**fields)  # type: ignore[arg-type]


def times(at: int = 0, **offsets: int) -> Times:
    """Times as offsets from ``START``; ``first`` is ``at``."""
    return Times(first=START + at, **{name: START + offset for name, offset in offsets.items()})


def group(*attempts: Attempt, count: int | None = None, recovered: bool = False) -> AttemptGroup:
    """A group of attempts that ended like the first one."""
    one = attempts[0]
    return AttemptGroup(
        server=one.server,
        label=one.label,
        outcome=one.outcome,
        recovered=recovered or one.recovered,
        count=len(attempts) if count is None else count,
        first_ts_ns=min(each.first_ts_ns for each in attempts),
        last_ts_ns=max(each.first_ts_ns for each in attempts),
        examples=attempts,
    )


def grouped(attempts: Iterable[Attempt]) -> tuple[AttemptGroup, ...]:
    """Group attempts the way a summary does."""
    found: dict[object, list[Attempt]] = {}
    for each in attempts:
        found.setdefault((each.server, each.label, each.outcome, each.recovered), []).append(each)
    return tuple(group(*each) for each in found.values())


def summary(
    *attempts: Attempt,
    port: int = 62893,
    host: str | None = "localhost",
    misses: Sequence[NearMiss] = (),
) -> TargetSummary:
    """The summary of a target; its label is that of its first attempt."""
    label = attempts[0].label if attempts else Label.CLIENT_NEVER_SENT
    return TargetSummary(
        target=Target(f"{host}:{port}", port, host),
        label=label,
        counts=dict(Counter(each.label for each in attempts)),
        groups=grouped(attempts),
        near_misses=tuple(misses),
    )


def observe(
    *attempts: Attempt,
    others: Sequence[TargetSummary] = (),
    end: int | None = 60 * SECOND,
    port: int = 62893,
    host: str | None = "localhost",
    misses: Sequence[NearMiss] = (),
    missing: str = "",
) -> dict[str, Observation]:
    """All packet observations of a target, by name."""
    target = summary(*attempts, port=port, host=host, misses=misses)
    seen = observe_packets(target, others, end_ts_ns=None if end is None else START + end, missing=missing)
    return {each.name: each for each in seen}


def words(found: dict[str, Observation], answer: Answer = Answer.YES) -> set[str]:
    """The names that have this answer."""
    return {name for name, each in found.items() if each.answer is answer}


REFUSED = Outcome.REFUSED
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
SERVER_HELLO = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(117)
GET = b"GET / HTTP/1.1\r\nHost: localhost:62893\r\n\r\n"

ASKED = frozenset({"client-data", "client-data-acked"})
ANSWERED = ASKED | {"server-data", "server-data-acked"}
LOCAL = {"loopback-traffic"}
LOCAL_REFUSED = LOCAL | {"refused-by-rst", "always-refused", "refused-address-is-ipv4-only"}
DONE = LOCAL | {"some-completed", "always-completed"}


@dataclass(frozen=True)
class Situation:
    """What happened, and the words whose answer is yes."""

    name: str
    attempts: tuple[Attempt, ...]
    words: set[str]
    others: tuple[TargetSummary, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


def reset(**traits: Any) -> Reset:
    base: dict[str, Any] = {"window": 0, "ip_id": 0, "seq": 0, "has_ack": True, "checksum": Checksum.CORRECT}
    return Reset(from_server=True, **{**base, **traits})


def said(
    client: bytes | None, server: bytes | None, *, port: int = 62893, at: int = 0, **fields: Any
) -> Attempt:
    """A completed connection with these first bytes."""
    events = (frozenset({"client-data", "client-data-acked"}) if client else frozenset()) | (
        frozenset({"server-data", "server-data-acked"}) if server else frozenset()
    )
    spoken: dict[str, Any] = {
        "client_payload": client,
        "server_payload": server,
        "client_bytes": len(client or b""),
        "server_bytes": len(server or b""),
        "events": events,
        "times": times(at, client_data=at + MS, server_data=at + 2 * MS),
    }
    return attempt(Outcome.ANSWERED, at=at, port=port, **{**spoken, **fields})


def icmp(version: int, kind: int, code: int) -> Attempt:
    server = "::1" if version == 6 else "127.0.0.1"
    return attempt(Outcome.ICMP_ERROR, server=server, icmp=IcmpError(version, kind, code, server))


def check(situation: Situation) -> None:
    """The words whose answer is yes are those of the situation, no more and no fewer.

    That the target is loopback's goes without saying: where the request says so, its word stands.
    """
    found = observe(*situation.attempts, others=situation.others, **situation.options)
    assert words(found) - {"target-is-loopback"} == situation.words
