"""What the target says by itself, before any packet: its number and its host.

Facts about ports (which ones browsers block, which services usually live there) come in as arguments:
their tables belong to the causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synscope.model import Answer, Observation, Source, Target
from synscope.reference.loopback import names_loopback

ROLES: Final[dict[str, tuple[str, str]]] = {
    "llm": ("port-usual-for-llm", "a usual port of model servers"),
    "context": ("port-usual-for-context", "a usual port of vector stores or MCP servers"),
    "control-plane": ("port-usual-for-control-plane", "a usual port of agents, sidecars or debuggers"),
}
"""Role of a port → the observation that says so, and its words."""

MAX_PORT: Final = 65535
PRIVILEGED_BELOW: Final = 1024


def observe_request(
    target: Target, *, blocked: frozenset[int], roles: Mapping[int, frozenset[str]]
) -> list[Observation]:
    """Return what the target as written says.

    ``blocked`` are the ports that browsers refuse; ``roles`` maps a port to those of ``ROLES`` it is
    usual for. ``target-is-loopback`` is answered only when the host settles it; else
    ``evidence.packets`` answers it by the addresses seen.
    """
    port = target.port
    found = [
        _answer(
            "port-above-65535",
            port > MAX_PORT,
            f"{port} is larger than 65535",
            f"{port} is not larger than 65535",
        ),
        _answer("port-zero", port == 0, "port 0 was asked for", "it is not port 0"),
        _answer(
            "port-blocked-by-clients",
            port in blocked,
            f"{port} is on the list of ports that browsers and fetch refuse",
            f"{port} is not on the list of ports that browsers and fetch refuse",
        ),
        _answer(
            "port-needs-privilege",
            0 < port < PRIVILEGED_BELOW,
            f"{port} is below {PRIVILEGED_BELOW}",
            f"{port} is not among 1 to {PRIVILEGED_BELOW - 1}",
        ),
    ]
    has = roles.get(port, frozenset())
    found += [
        _answer(name, role in has, f"{port} is {words}", f"{port} is not {words}")
        for role, (name, words) in ROLES.items()
    ]
    loopback = names_loopback(target.host)
    if loopback is not None:
        text = f"{target.host} is {'this machine' if loopback else 'an address outside loopback'}"
        found.append(_answer("target-is-loopback", loopback, text, text))
    return found


def _answer(name: str, holds: bool, if_yes: str, if_no: str) -> Observation:  # noqa: FBT001 - the answer itself
    answer = Answer.YES if holds else Answer.NO
    return Observation(name, answer, Source.REQUEST, if_yes if holds else if_no)
