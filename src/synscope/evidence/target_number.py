"""Questions that the target answers by itself, before any packet: its number and its host.

The tables of ports (which ones browsers block, which services usually live there) are ``reference.ports``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from synscope.evidence.question import Asked, Reply, Says, collected, no, question, unknown, yes
from synscope.model import PORT_MAX, Observation, Source, Stage, Target
from synscope.reference import ports
from synscope.reference.loopback import names_loopback

PRIVILEGED_BELOW: Final = 1024


def _said(holds: bool, if_yes: str, if_no: str) -> Reply:  # noqa: FBT001 - the answer itself
    return yes(if_yes) if holds else no(if_no)


@question(
    "port-above-65535",
    Source.REQUEST,
    "the number asked for is larger than any TCP port",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
    direct=True,
)
def port_above_65535(target: Target) -> Reply:
    return _said(
        target.port > PORT_MAX,
        f"{target.port} is larger than 65535",
        f"{target.port} is not larger than 65535",
    )


@question(
    "port-zero",
    Source.REQUEST,
    "port 0 was asked for, which no client can connect to",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
    direct=True,
)
def port_zero(target: Target) -> Reply:
    return _said(target.port == 0, "port 0 was asked for", "it is not port 0")


@question(
    "port-blocked-by-clients",
    Source.REQUEST,
    "browsers and fetch refuse this port before any packet",
    stage=Stage.NUMBER,
    if_yes=Says.STOPPED,
)
def port_blocked_by_clients(target: Target) -> Reply:
    """Look the number up in the list of the Fetch standard: only some clients keep to it."""
    port, listed = target.port, "the list of ports that browsers and fetch refuse"
    return _said(port in ports.BLOCKED_BY_BROWSERS, f"{port} is on {listed}", f"{port} is not on {listed}")


@question(
    "port-needs-privilege",
    Source.REQUEST,
    "binding this port (below 1024) needs a privilege on most systems",
    stage=Stage.LISTENER,
)
def port_needs_privilege(target: Target) -> Reply:
    return _said(
        0 < target.port < PRIVILEGED_BELOW,
        f"{target.port} is below {PRIVILEGED_BELOW}",
        f"{target.port} is not among 1 to {PRIVILEGED_BELOW - 1}",
    )


def _usual_for(role: str, words: str) -> Callable[[Target], Reply]:
    """Ask whether services with a role, a tag of ``reference.ports``, usually listen on the port.

    A port at which servers of all kinds listen, as 8080, points to none of them.
    """

    def ask(target: Target) -> Reply:
        uses = ports.usual(target.port)
        tagged = [role in use.tags for use in uses]
        if any(tagged) and not all(tagged):
            return unknown(f"{target.port} is {words}, and of others")
        return _said(any(tagged), f"{target.port} is {words}", f"{target.port} is not {words}")

    return ask


port_usual_for_llm = question(
    "port-usual-for-llm", Source.REQUEST, "model servers usually listen on this port"
)(_usual_for("llm", "a usual port of model servers"))

port_usual_for_context = question(
    "port-usual-for-context", Source.REQUEST, "vector stores or MCP servers usually listen on this port"
)(_usual_for("context", "a usual port of vector stores or MCP servers"))

port_usual_for_control_plane = question(
    "port-usual-for-control-plane",
    Source.REQUEST,
    "agents, sidecars or debuggers usually listen on this port",
)(_usual_for("control-plane", "a usual port of agents, sidecars or debuggers"))


@question(
    "target-is-loopback",
    Source.REQUEST,
    "the target is this machine's loopback (by name, or by the addresses seen)",
    direct=True,
)
def target_is_loopback(target: Target) -> Reply:
    """Look at the host as it is written; ``packets.addresses`` looks at the addresses seen."""
    loopback = names_loopback(target.host)
    if loopback is None:
        return unknown("the host as written does not say whether it is loopback's")
    text = f"{target.host} is {'this machine' if loopback else 'an address outside loopback'}"
    return _said(loopback, text, text)


QUESTIONS: Final[tuple[Asked, ...]] = collected(sys.modules[__name__])
"""What the target as written answers."""


def observe_request(target: Target) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order."""
    return [asked.question.observed(asked.answer(target)) for asked in QUESTIONS]
