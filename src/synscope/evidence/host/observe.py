"""Answer every question that looks at the host can answer about one target, from one snapshot or several.

Input: the target, the snapshots in order of time (before, during, after), and what the packets say about where
attempts failed. Output: one ``Observation`` for each of ``QUESTIONS``. Pure: nothing is looked up, whatever the
snapshots hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.host import (
    before,
    discards,
    firewall,
    forwarders,
    listeners,
    names,
    next_hops,
    owners,
    resources,
    routes,
    running,
    surroundings,
    upstreams,
)
from synscope.evidence.host.beyond import met_by
from synscope.evidence.host.view import HostView, Use, is_local
from synscope.evidence.question import Asked, Reply, collected, no, unknown
from synscope.model import Observation, Stage, Target

if TYPE_CHECKING:
    from synscope.evidence.waits import Wait
    from synscope.probes.host.snapshot import Snapshot

_ELSEWHERE: Final = frozenset({"listener-in-other-namespace", "listener-in-linked-namespace"})
NO_SNAPSHOT: Final = "nobody looked at the host"

QUESTIONS: Final[tuple[Asked, ...]] = collected(
    listeners,
    running,
    owners,
    resources,
    firewall,
    forwarders,
    names,
    surroundings,
    routes,
    upstreams,
    before,
    next_hops,
    discards,
)
"""What looks at the host answer."""


def observe_host(  # noqa: PLR0913 - each is something else that the caller may know
    target: Target,
    snapshots: Sequence[Snapshot],
    *,
    environment_known: bool,
    failed_at: Sequence[str] = (),
    client: str | None = None,
    spoken: Sequence[str] = (),
    use: Use | None = None,
    waits: Sequence[Wait] = (),
    failed_within: tuple[int, int] | None = None,
    left: str = "",
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order.

    ``environment_known`` says that the snapshots hold the client's proxy variables. ``failed_at`` are the server
    addresses of the attempts that failed: a listener counts only when it serves them. ``client`` is one of
    ``proxy.CLIENTS``, where the client's kind is known. ``spoken`` are the families of protocols (``payload``) in
    which clients asked and got no answer. ``use`` is how the command goes about the target, where there is one.
    ``waits`` are the times in which clients waited for the server.
    ``failed_within`` is when the first and the last of the attempts that failed began. ``left`` says that the
    command went into another network namespace: what is looked up here is not what it met.
    """
    view = HostView(
        target,
        tuple(snapshots),
        environment_known,
        tuple(failed_at),
        client,
        tuple(spoken),
        use,
        tuple(waits),
        failed_within,
    )
    if snapshots:
        view = met_by(view)
    return [asked.question.observed(_reply(asked, view, left)) for asked in QUESTIONS]


_OF_THE_CLIENT: Final = frozenset({Stage.SOCKET, Stage.ROUTE, Stage.OUT})
_OF_LOOPBACK: Final = _OF_THE_CLIENT | {Stage.IN, Stage.LISTENER, Stage.QUEUE, Stage.BACK}
"""What is each network namespace's own: for a client elsewhere, where the target is loopback and where it is not."""


def _reply(asked: Asked, view: HostView, left: str) -> Reply:
    """Ask, where there is something to look at; most questions make sense only for a number that is a port."""
    target = view.target
    elsewhere = _OF_LOOPBACK if left and all(map(is_local, view.addresses)) else _OF_THE_CLIENT
    if left and asked.question.stage in elsewhere and asked.question.name not in _ELSEWHERE:
        return unknown(f"{left}: what it met there is not what is here")
    if not view.snapshots:
        return unknown(NO_SNAPSHOT)
    if not asked.question.always and not target.is_port:
        return no(f"{target.port} is no TCP port")
    if not asked.question.always and target.port not in view.last.ports:
        return unknown(f"port {target.port} was not among those looked at")
    return asked.answer(view)


def preload() -> None:
    """Import what the questions load when they are first asked: afterwards the installation may not be readable."""
    from synscope.probes.host import asked_packet, proxy, snapshot  # noqa: F401
