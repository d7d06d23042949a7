"""What each stage of the path means to a person: the texts behind ``explain STAGE`` and the page about stages.

``STAGE_TEXTS`` has one entry a stage. Which causes stop there comes from the catalogue and the priors, how to look by
hand from the questions. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.causes import catalogue
from synscope.causes.cause import Cause
from synscope.causes.priors import PRIORS
from synscope.evidence.brackets import BRACKETS
from synscope.evidence.question import Question
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Label, Source, Stage


class StageText(NamedTuple):
    """One stage in words."""

    short: str
    """A clause: 'a socket listens at the address and port'."""
    happens: str
    passed: str
    """What proves that a connection got past it."""


STAGE_TEXTS: Final[Mapping[Stage, StageText]] = MappingProxyType(
    {
        Stage.NUMBER: StageText(
            "the number can be a port, and the client takes it",
            "The client reads the port from its command line, its configuration or a URL. A number above 65535 is "
            "no port: most clients refuse it, some go to another port. Browsers refuse some ports that are.",
            "A SYN to the port.",
        ),
        Stage.CLIENT: StageText(
            "the client sets out for this very target, over TCP",
            "The client decides to connect. A proxy setting, another port in its configuration, UDP or a Unix socket "
            "lead it elsewhere. It may also hang or end before it connects.",
            "A SYN to the port, or the kernel's word that the client called connect for it.",
        ),
        Stage.NAME: StageText(
            "the name leads to the address that is meant",
            "The client asks the hosts file or a resolver for the addresses of the name. localhost has two, "
            "127.0.0.1 and ::1, and their order matters.",
            "A SYN to that address.",
        ),
        Stage.SOCKET: StageText(
            "the client's system grants a socket, a local port and the family",
            "The client asks its kernel for a socket. A limit on open files, a missing local port, a family that is "
            "switched off or a security policy make the call fail.",
            "A SYN.",
        ),
        Stage.ROUTE: StageText(
            "there is a way to the address",
            "The kernel looks up the route, the interface and the source address. Loopback that is down, a rule that "
            "leads away and a neighbour that does not answer end it here.",
            "A SYN on the interface that leads there.",
        ),
        Stage.OUT: StageText(
            "nothing throws the SYN away on its way out",
            "The SYN passes the client's own firewall: OUTPUT rules, programs attached to the cgroup, traffic "
            "control. What they discard is never captured.",
            "A SYN in the capture.",
        ),
        Stage.IN: StageText(
            "nothing throws the SYN away on its way in, or answers in the listener's place",
            "The SYN passes the server's firewall and the translation of addresses. A rule may discard it in "
            "silence, refuse it with an RST or an ICMP error, or send it elsewhere.",
            "A SYN-ACK, or an RST that the kernel itself sent.",
        ),
        Stage.LISTENER: StageText(
            "a socket listens at this address and port",
            "The kernel looks for a listening socket that fits the address, the port, the device and the namespace. "
            "Where there is none, it answers with an RST: connection refused.",
            "A SYN-ACK.",
        ),
        Stage.QUEUE: StageText(
            "the listener's queue has room",
            "Connections wait in a queue until the service accepts them. A full queue makes Linux drop the SYN; "
            "Windows answers with an RST.",
            "A SYN-ACK.",
        ),
        Stage.BACK: StageText(
            "the SYN-ACK reaches the client, and its ACK the server",
            "The answer takes the same way back. Where something discards it, the server repeats its SYN-ACK and "
            "the client its SYN.",
            "The client's ACK, which completes the handshake.",
        ),
        Stage.CARRY: StageText(
            "data is acknowledged both ways",
            "Both sides send. A rule about established connections, or packets that are too large for the way, stop "
            "what comes after a good handshake.",
            "Acknowledged data.",
        ),
        Stage.ACCEPT: StageText(
            "a process takes the connection and reads",
            "The kernel completes handshakes by itself; the service must call accept and read. One that hangs, is "
            "stopped or has no descriptor left leaves the client waiting.",
            "A byte of the server.",
        ),
        Stage.TALK: StageText(
            "both sides speak one protocol, and trust each other",
            "The first bytes tell what each side speaks. HTTP to a TLS port, an untrusted certificate and another "
            "program on the port end here.",
            "Bytes of both sides that fit each other.",
        ),
        Stage.SERVE: StageText(
            "the service does its work in time",
            "The service works on the request. It may fail, hang up, take longer than the client waits, or "
            "depend on another service that it cannot reach.",
            "A good answer.",
        ),
    },
)

_SOURCES: Final = (Source.HOST, Source.KERNEL, Source.REQUEST, Source.PACKETS, Source.PAYLOAD)
"""The order in which a person looks: at the machine first, then at a capture."""


class HandLook(NamedTuple):
    """A command that asks about a stage, and how to read it."""

    os: str
    command: str
    reading: str
    asks: str
    """What *yes* says."""


def causes_at(stage: Stage) -> tuple[Cause, ...]:
    """Return the causes that stop a connection at a stage, the most usual first."""
    found = [cause for cause in catalogue.CATALOGUE if stage in cause.stops]
    return tuple(sorted(found, key=lambda cause: -PRIORS.get(cause.code, {}).get(stage, 0)))


def labels_at(stage: Stage) -> tuple[Label, ...]:
    """Return the labels that a connection has which stopped at a stage."""
    return tuple(label for label, stages in BRACKETS.items() if stage in stages)


def looks_at(stage: Stage) -> tuple[HandLook, ...]:
    """Return how a person looks at a stage, each command once."""
    asked = [each for each in QUESTIONS.values() if each.stage is stage]
    asked.sort(key=lambda each: _SOURCES.index(each.source))
    return tuple(_once(asked))


def _once(asked: Iterable[Question]) -> Iterable[HandLook]:
    told: set[tuple[str, str]] = set()
    for each in asked:
        for way in each.by_hand:
            if (way.os, way.command) not in told:
                told.add((way.os, way.command))
                yield HandLook(way.os, way.command, way.reading, each.meaning)
