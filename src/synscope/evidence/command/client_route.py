"""Questions about where the command wanted to go, and where its connect failed, in its own words: a proxy's traces.

A client that was told to go to the target and fails at another port has settings that nobody sees here: of git, npm,
Maven, a file in the home directory.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.view import CommandView, said_so
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage, Target
from synscope.reference.ports import USUAL_PROTOCOLS

_PROXY: Final = frozenset({"ERR_PROXY_CONNECTION_FAILED", "ERR_TUNNEL_CONNECTION_FAILED", "HTTP 407"})
"""Rows of the error table about a proxy that failed its client."""

_CONNECTING: Final = frozenset({"ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ECONNRESET"})
"""Names of what happens to a connect."""


@cache
def _stops() -> re.Pattern[str]:
    """Return the words that end a service in good order; a kill may stand for a crash."""
    return re.compile(
        r"\bshutdown\b|\b(?:systemctl|docker|podman|supervisorctl|pg_ctl|pm2|brew services)\b[^;&|\n]* stop\b"
        r"|\bservice \S+ stop\b|\b(?:nginx|haproxy|apachectl)\b[^;&|\n]* -s (?:stop|quit)\b"
    )


@question(
    "client-error-proxy",
    Source.HOST,
    "the client reported that it could not get through its proxy",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=of_client("the message names a proxy: yes"),
)
def client_error_proxy(view: CommandView) -> Reply:
    for said in view.said:
        if said.meaning.name in _PROXY:
            return said_so(said.line)
    return unknown("the command said nothing of a proxy")


@question(
    "client-error-other-port",
    Source.HOST,
    "the client reported a connect that failed, to another port",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=of_client("the message names another port than {port}: yes"),
)
def client_error_other_port(view: CommandView) -> Reply:
    others = _no_proxys(view.target)
    for said in view.said:
        if said.meaning.name in _CONNECTING and said.port not in others:
            return said_so(said.line)
    return unknown("the command said of no other port that it could not connect there")


def _no_proxys(target: Target) -> frozenset[int | None]:
    """Return the ports that are no proxy's: the target's, and those of services that a client may need besides."""
    return frozenset({*USUAL_PROTOCOLS, None, target.port, target.wrapped})


@question(
    "client-named-target",
    Source.HOST,
    "the command, or its words about the failure, name the target",
    stage=Stage.CLIENT,
    by_hand=of_client("the command or the message names {port}: yes"),
)
def client_named_target(view: CommandView) -> Reply:
    from synscope.command.named_targets import find_targets
    from synscope.reference import errors

    for found in find_targets(view.command):
        if found.target.port == view.target.port:
            return yes(f"the command names {found.target.text}: {found.how}")
    number = re.compile(rf":{view.target.port}(?!\d)")
    for line in reversed(view.lines):
        if number.search(line) and errors.find(line):
            return said_so(line)
    return no("neither the command nor its errors name the target")


@question(
    "command-stops-service",
    Source.HOST,
    "the command that was watched speaks of stopping a service",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
)
def command_stops_service(view: CommandView) -> Reply:
    """Look for words that end a service: then that it is gone is no crash."""
    for word in view.command:
        found = _stops().search(word)
        if found:
            return yes(f"the command has the words '{found[0].strip()}'")
    return no("the command's words stop no service")
