"""A look at the host as a client of a container's own address meets it: the listeners are those in the container.

Where every address of the target is one of a neighbouring network namespace's own, what listens in that namespace
is what serves the target, and what listens on the same port here is not in the way. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synscope.evidence.host.view import HostView, is_untold

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import ElsewhereListener, LocalSocket, Snapshot


def met_by(view: HostView) -> HostView:
    """Return the view as it is from the target's address: the same one where that is this namespace's own."""
    addresses = frozenset(view.addresses)
    moved = tuple(_met(each, addresses, view.target.port) for each in view.snapshots)
    return view if moved == tuple(view.snapshots) else view.with_snapshots(moved)


def _met(snapshot: Snapshot, addresses: frozenset[str], port: int) -> Snapshot:
    spaces, loopback, sockets = snapshot.namespaces, snapshot.loopback, snapshot.sockets
    if is_untold(spaces) or is_untold(loopback) or is_untold(sockets) or loopback.others is None:
        return snapshot
    if not addresses <= {*spaces.addresses} or addresses & {*loopback.addresses, *loopback.others}:
        return snapshot
    there = [each for each in spaces.listeners if each.port == port and addresses <= {*each.addresses}]
    if not there and (spaces.unseen or any(each.port == port and each.linked for each in spaces.listeners)):
        return snapshot  # whose address it is was not seen, as in looks of earlier versions
    return snapshot._replace(
        sockets=sockets._replace(
            listeners=(
                *(each for each in sockets.listeners if each.port != port),
                *(_here(each) for each in there),
            ),
        ),
        namespaces=spaces._replace(listeners=tuple(each for each in spaces.listeners if each not in there)),
        loopback=loopback._replace(others=(*loopback.others, *sorted(addresses))),
    )


def _here(listener: ElsewhereListener) -> LocalSocket:
    """Return a listener of another namespace as one that the target's clients meet."""
    from synscope.probes.host.snapshot import LocalSocket, Owner

    owner = None if listener.pid is None else Owner(listener.pid, listener.program, None)
    return LocalSocket(
        listener.address,
        listener.port,
        queued=listener.queued,
        owners=() if owner is None else (owner,),
        owner_untold=None if owner else f"in the network namespace {listener.namespace}",
        overflows=listener.overflows,
    )
