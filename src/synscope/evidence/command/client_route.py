"""Where the command wanted to go, and where its connect failed, in its own words: a proxy's traces.

Input: the command, how it ended, and the target. Output: the observations of ``WORDS``. A client that was told to
go to the target and fails at another port has settings that nobody sees here: of git, npm, Maven, a file in the home
directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from synscope.command.named_targets import find_targets
from synscope.evidence.command.client_errors import Said, said, said_so
from synscope.evidence.payload.mismatch import USUAL_PROTOCOLS
from synscope.model import Answer, Observation, Source, Target
from synscope.process.runner import Ended
from synscope.reference import errors

_PROXY: Final = frozenset({"ERR_PROXY_CONNECTION_FAILED", "ERR_TUNNEL_CONNECTION_FAILED", "HTTP 407"})
"""Rows of the error table about a proxy that failed its client."""

_CONNECTING: Final = frozenset({"ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ECONNRESET"})
"""Names of what happens to a connect."""


_STOPS: Final = re.compile(
    r"\bshutdown\b|\b(?:systemctl|docker|podman|supervisorctl|pg_ctl|pm2|brew services)\b[^;&|\n]* stop\b"
    r"|\bservice \S+ stop\b|\b(?:nginx|haproxy|apachectl)\b[^;&|\n]* -s (?:stop|quit)\b"
)
"""Words that end a service in good order; a kill may stand for a crash."""

WORDS: Final = (
    "client-error-proxy",
    "client-error-other-port",
    "client-named-target",
    "command-stops-service",
)


def observe_route(
    program: str, ended: Ended, target: Target, command: Sequence[str]
) -> tuple[Observation, ...]:
    """Return one observation for each of ``WORDS``."""
    heard = said(program, ended)
    return (
        _proxy_failed(heard),
        _other_port(heard, target),
        _named(command, ended.lines, target),
        _stops(command),
    )


def _stops(command: Sequence[str]) -> Observation:
    """Whether the command's own words end a service: then that it is gone is no crash."""
    for word in command:
        found = _STOPS.search(word)
        if found:
            text = f"the command has the words '{found[0].strip()}'"
            return Observation("command-stops-service", Answer.YES, Source.HOST, text)
    text = "the command's words stop no service"
    return Observation("command-stops-service", Answer.NO, Source.HOST, text)


def _proxy_failed(heard: tuple[Said, ...]) -> Observation:
    """Whether the client blames its proxy."""
    name = "client-error-proxy"
    for one in heard:
        if one.meaning.name in _PROXY:
            return said_so(name, one.line)
    return Observation(name, Answer.UNKNOWN, Source.HOST, "the command said nothing of a proxy")


def _other_port(heard: tuple[Said, ...], target: Target) -> Observation:
    """Whether a connect failed at another port, by the client's words."""
    name = "client-error-other-port"
    for one in heard:
        if one.meaning.name in _CONNECTING and one.port not in _others(target):
            return said_so(name, one.line)
    text = "the command said of no other port that it could not connect there"
    return Observation(name, Answer.UNKNOWN, Source.HOST, text)


def _others(target: Target) -> frozenset[int | None]:
    """The ports that are no proxy's: the target's own, and those of services that a client may need besides."""
    return frozenset({*USUAL_PROTOCOLS, None, target.port, target.wrapped})


def _named(command: Sequence[str], lines: tuple[str, ...], target: Target) -> Observation:
    """Whether the command was told to go to the target: by its own words, or those about its failure."""
    name = "client-named-target"
    for found in find_targets(command):
        if found.target.port == target.port:
            text = f"the command names {found.target.text}: {found.how}"
            return Observation(name, Answer.YES, Source.HOST, text)
    number = re.compile(rf":{target.port}(?!\d)")
    for line in reversed(lines):
        if number.search(line) and errors.find(line):
            return said_so(name, line)
    return Observation(name, Answer.NO, Source.HOST, "neither the command nor its errors name the target")
