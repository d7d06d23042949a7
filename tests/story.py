"""A compact notation for what two ends say to each other, and its frames.

A story is one line, segments divided by ``|``. Each is the speaker, the flags and what differs from an
obedient TCP: ``C S | S SA | C A | C PA len=5 | S A``. Speakers: ``C`` client, ``S`` server, ``I`` a router
that sends an ICMP error (``I 3/3``) quoting the client's first segment.

``seq=`` and ``ack=`` take sums of numbers and the two initial sequence numbers ``c`` and ``s``
(``seq=c+1``); ``len=`` is payload bytes; ``opt=md5`` or ``opt=ao`` signs it; ``dt=`` milliseconds since the
segment before (10 unless told, may be negative or a fraction). Without ``seq`` a segment goes on where its
side stopped, a SYN at the side's initial number; without ``ack`` (and with the flag A) it acknowledges all
the other side sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from synscope.model import Attempt
from tests import wire
from tests.follow import Run, follow

CLIENT_ISN = 1_000_000
SERVER_ISN = 5_000_000
CLIENT = ("192.0.2.1", 40001)
SERVER = ("192.0.2.2", 62893)
_OPTIONS = {
    "md5": b"\x02\x04\xff\xd7\x01\x01" + b"\x13\x12" + bytes(16),
    "ao": b"\x1d\x10\x01\x02" + bytes(12),
}
"""A maximum segment size and TCP-MD5 (RFC 2385); TCP-AO (RFC 5925)."""


@dataclass
class _Talk:
    """Where the two sides are."""

    isn: dict[str, int]
    following: dict[str, int] = field(default_factory=dict)


def frames(
    story: str,
    *,
    client: tuple[str, int] = CLIENT,
    server: tuple[str, int] = SERVER,
    start: int = wire.START,
    isns: tuple[int, int] = (CLIENT_ISN, SERVER_ISN),
) -> list[tuple[int, bytes]]:
    """The story's frames as (time stamp, Ethernet frame)."""
    talk = _Talk({"C": isns[0], "S": isns[1]})
    found: list[tuple[int, bytes]] = []
    ends = {"C": (client, server), "S": (server, client)}
    first = b""
    now = start
    for text in story.split("|"):
        words = text.split()
        speaker, flags = words[0], words[1]
        told = dict(word.split("=") for word in words[2:])
        now += round(float(told.get("dt", 10)) * 1_000_000) if found else 0
        if speaker == "I":
            datagram = _error(flags, first, server[0], client[0])
        else:
            segment = _segment(talk, speaker, flags, told, ends[speaker])
            (source, _), (destination, _) = ends[speaker]
            datagram = wire.ip(source, destination, segment)
            first = first or datagram
        found.append((now, wire.ethernet(datagram)))
    return found


def _segment(
    talk: _Talk, speaker: str, flags: str, told: dict[str, str], ends: tuple[tuple[str, int], tuple[str, int]]
) -> bytes:
    other = "S" if speaker == "C" else "C"
    isn = talk.isn[speaker]
    length = int(told.get("len", 0))
    usual = isn if "S" in flags else talk.following.get(speaker, (isn + 1) & 0xFFFFFFFF)
    seq = _number(told["seq"], talk) if "seq" in told else usual
    ack = talk.following.get(other, (talk.isn[other] + 1) & 0xFFFFFFFF) if "A" in flags else 0
    if "ack" in told:
        ack = _number(told["ack"], talk)
    after = (seq + length + ("S" in flags) + ("F" in flags)) & 0xFFFFFFFF
    before = talk.following.get(speaker)
    if "R" not in flags and (before is None or (after - before) & 0xFFFFFFFF < 1 << 31 or "S" in flags):
        talk.following[speaker] = after
    options = _OPTIONS[told["opt"]] if "opt" in told else b""
    return wire.tcp(ends[0][1], ends[1][1], seq, ack, flags, b"x" * length, options=options)


def _number(text: str, talk: _Talk) -> int:
    terms = text.replace("-", "+-").split("+")
    names = {"c": talk.isn["C"], "s": talk.isn["S"]}
    return sum(names[term] if term in names else int(term) for term in terms if term) & 0xFFFFFFFF


def _error(what: str, quoted: bytes, sender: str, receiver: str) -> bytes:
    kind, _, code = what.partition("/")
    return wire.ip(
        sender, receiver, wire.icmp_error(int(kind), int(code), quoted), 58 if ":" in sender else 1
    )


def tell(story: str, **settings: object) -> Run:
    """Follow a story's frames."""
    return follow(wire.pcap(frames(story, **settings)))  # type: ignore[arg-type]


def told(story: str, **settings: object) -> list[Attempt]:
    """The attempts of a story."""
    return tell(story, **settings).attempts


def names(attempts: list[Attempt]) -> list[str]:
    """``label outcome`` of each attempt."""
    return [f"{attempt.label} {attempt.outcome}" for attempt in attempts]
