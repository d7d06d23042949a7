"""Whether the command is a client of an agent or a control plane, by its program and its words."""

from __future__ import annotations

import re
from functools import cache
from posixpath import basename
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.transport import commands_of
from synscope.evidence.command.view import CommandView, said_so
from synscope.evidence.question import Reply, no, question, unknown, yes
from synscope.model import Source
from synscope.reference.programs import CONTROL_PLANE_CLIENTS

_SERVES: Final = frozenset({"port-forward", "proxy", "agent", "run", "exec", "dashboard"})
"""Words by which they serve somebody else, so that what fails need not be theirs."""


@cache
def _words() -> re.Pattern[str]:
    """Return what such clients say of an address that they could not reach."""
    return re.compile(
        r"The connection to the server \S+ was refused - did you specify the right host or port"
        r"|Kubernetes cluster unreachable|couldn't get current server API group list"
        r"|Cannot connect to the Docker daemon at tcp:|etcdserver: |failed to connect to (?:Envoy|the agent)",
        re.IGNORECASE,
    )


@question(
    "client-of-control-plane",
    Source.HOST,
    "the client is one of an agent or a control plane, such as kubectl, and the port is where it looks for it",
    by_hand=of_client("it is kubectl, helm or their like, and its message names {port}: yes"),
)
def client_of_control_plane(view: CommandView) -> Reply:
    """Look for a client that names the target's port as that of its control plane."""
    number = re.compile(rf":{view.target.port}(?!\d)")
    named = [line for line in view.lines if number.search(line)]
    for line in reversed(named):
        if _words().search(line):
            return said_so(line)
    for words in commands_of(view):
        program = basename(words[0]) if words else ""
        if program in CONTROL_PLANE_CLIENTS and not _SERVES & set(words):
            if named or any(number.search(word) for word in words):
                return yes(f"the command runs {program}, which speaks to an agent or a control plane alone")
            return unknown(
                f"the command runs {program}, and nothing shows that the port is what it speaks to"
            )
    return no("the command runs no client of an agent or a control plane that is known here")
