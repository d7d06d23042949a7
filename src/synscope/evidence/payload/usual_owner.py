"""A question about the program that usually has the port: it names itself in its answer.

Input: the first bytes of a connection, and the table of what usually listens on ports (``reference.port_uses``).
Source: RFC 9110 §10.2.4 (Server).
"""

from __future__ import annotations

from synscope.evidence.by_hand import in_capture
from synscope.evidence.packets.view import Exchange, PacketsView
from synscope.evidence.payload.heard import hidden, where
from synscope.evidence.payload.recognise import describe
from synscope.evidence.question import Reply, no, question
from synscope.model import Source
from synscope.reference.port_uses import PortUse
from synscope.reference.ports import usual


@question(
    "usual-owner-answered",
    Source.PAYLOAD,
    "the answer names the program that usually has this port",
    direct=True,
    by_hand=in_capture(
        "http.server", "the Server header names a program of the system, not your service: yes"
    ),
)
def usual_owner_answered(view: PacketsView) -> Reply:
    port = view.summary.target.port
    if not any(use.signature for use in usual(port)):
        return no(f"no program that usually has port {port} names itself")

    def text(x: Exchange) -> str:
        owner = _owner(port, x)
        name = owner.name if owner is not None else "usual owner"
        return f"the {name} has port {port} and answered {describe(x.server)}"

    return (
        where(view, lambda x: _owner(port, x) is not None, text)
        or hidden(view)
        or no("no answer names the program that usually has this port")
    )


def _owner(port: int, exchange: Exchange) -> PortUse | None:
    response = exchange.server.response
    server = "" if response is None else response.server.lower()
    named = (use for use in usual(port) if use.signature and server.startswith(use.signature.lower()))
    return next(named, None)
