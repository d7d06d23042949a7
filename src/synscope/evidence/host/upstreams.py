"""Questions about connections that the server has to somebody else while a client waits: its second leg.

A look shows them at one moment. Which of them is because of the client tells only time: it is new since the look
before the client came, or the server sent something on it after the client had asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.host.view import HostView, is_local, is_untold
from synscope.evidence.kernel.server_legs import waits_for_upstream
from synscope.evidence.question import Reply, no, second_observer, unknown, yes
from synscope.evidence.waits import Wait
from synscope.model import Endpoint, Label, Source
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import OwnConnection, Snapshot

HELD_NS: Final = 200_000_000
"""An upstream that has not answered for so long holds the client up."""
_MS: Final = 1_000_000
_SLACK_NS: Final = 10 * _MS
"""The kernel counts in ticks of up to 10 ms."""


class _Held(NamedTuple):
    """A connection of the server's that is not answered, at a look, while a client waits."""

    connection: OwnConnection
    for_ns: int


@second_observer(waits_for_upstream, Source.HOST, direct=True)
def connection_waits(view: HostView) -> Reply:
    """Look for a connection of the server's on which it asked for this client, and that is silent since."""
    if not view.waits:
        return unknown("no client waited for the server")
    told, because = view.told(snapshot.connections for snapshot in view.snapshots)
    if not told:
        return unknown(because or "the server's own connections were not looked at")
    looked = False
    for at, snapshot in enumerate(view.snapshots):
        wait = _waiting_at(view, snapshot)
        if wait is None or is_untold(snapshot.connections):
            continue
        looked = True
        held = max(_held(view, at, wait), key=lambda each: each.for_ns, default=None)
        if held is not None:
            connection = held.connection
            far = Endpoint(connection.remote_address, connection.remote_port)
            label = Label.SYN_NO_REPLY if connection.state == _SYN_SENT else Label.COMPLETED
            who = f"{connection.program or 'a process'} ({connection.pid})"
            return yes(_said(held, who, far), about=(str(far), label.value, who))
    if looked:
        return no("no connection of the server's own, begun or used for this client, waits for an answer")
    return unknown("no look at the server's own connections was taken while a client waited")


_SYN_SENT: Final = "SYN-SENT"
_ESTABLISHED: Final = "ESTAB"


def _waiting_at(view: HostView, snapshot: Snapshot) -> Wait | None:
    """Return the client that waits for the server when a look is over."""
    end = snapshot.taken_ns + snapshot.duration_ns
    return next(
        (wait for wait in view.waits if wait.began_ns < snapshot.taken_ns and end < wait.ended_ns), None
    )


def _held(view: HostView, at: int, wait: Wait) -> Iterator[_Held]:
    """Yield the server's connections that it made or used for a client and that are silent."""
    snapshot = view.snapshots[at]
    if is_untold(snapshot.connections):
        return
    servers = {pid for each in view.snapshots for pid in _servers(view, each)}
    earlier = _earlier(view, at, wait)
    for connection in snapshot.connections:
        if _is_a_clients(view, connection) or not _is_of(view, connection, servers):
            continue
        is_new = earlier is not None and _ends(connection) not in earlier
        if connection.state == _SYN_SENT and is_new:
            yield _Held(connection, snapshot.taken_ns - wait.began_ns)
        elif connection.state == _ESTABLISHED and connection.sent_ns is not None and not connection.unread:
            sent, heard = connection.sent_ns, connection.heard_ns
            silent = heard is None or heard + _MS < sent
            # Where nothing was ever heard on it, and it is old, nobody may be meant to answer.
            spoke = is_new or heard is not None
            asked = sent >= (wait.asked_ns or wait.began_ns) - _SLACK_NS
            held = snapshot.taken_ns + snapshot.duration_ns - sent
            if silent and spoke and asked and held >= HELD_NS:
                yield _Held(connection, held)


def _servers(view: HostView, snapshot: Snapshot) -> Iterator[int]:
    for listener in view.serving(snapshot):
        yield from (owner.pid for owner in listener.owners)


def _is_of(view: HostView, connection: OwnConnection, servers: set[int]) -> bool:
    """Whether a connection is of the target's server: where several ports are watched, of its own process."""
    return len(view.last.ports) == 1 or connection.pid in servers


def _is_a_clients(view: HostView, connection: OwnConnection) -> bool:
    """Whether it goes to the target itself; one to the same port of another address is a relay's."""
    there = connection.remote_address
    own = there in view.addresses or is_local(there)
    return connection.remote_port == view.target.port and own


def _earlier(view: HostView, at: int, wait: Wait) -> set[tuple[str, int, str, int]] | None:
    """Return the connections that the server had before the client came; ``None`` where nobody looked."""
    for snapshot in reversed(view.snapshots[:at]):
        if snapshot.taken_ns <= wait.began_ns and not is_untold(snapshot.connections):
            return {_ends(connection) for connection in snapshot.connections}
    return None


def _ends(connection: OwnConnection) -> tuple[str, int, str, int]:
    return connection.address, connection.port, connection.remote_address, connection.remote_port


def _said(held: _Held, who: str, far: Endpoint) -> str:
    if held.connection.state == _SYN_SENT:
        return f"the server's {who} waits for {far} to take its connection while the client waits"
    return (
        f"the server's {who} asked {far} and heard nothing for {duration(held.for_ns)} while the client waits"
    )
