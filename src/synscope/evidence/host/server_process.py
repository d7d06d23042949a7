"""Which process was at the server's end of an attempt, by looks at the machine. Pure.

The looks nearest in time count: the last before the attempt began and the first after. Where both name a process they
have to agree; an attempt that nobody answered needs both, for its listener may have come or gone in between. A
redirection by the firewall leads elsewhere, so that nobody is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.host.view import is_untold, serves
from synscope.model import Attempt, Endpoint, EndProcess, ProcessSource
from synscope.reference.loopback import is_loopback

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import LocalSocket, Owner, Snapshot


_REDIRECT: Final = "redirect"
_BOTH: Final = 2
"""Looks: one before, one after."""


def looks_around(attempt: Attempt, looks: Sequence[Snapshot]) -> tuple[Snapshot | None, Snapshot | None]:
    """Return the last look before an attempt began, and the first after; ``looks`` are in order of time."""
    before = after = None
    for look in looks:
        if look.taken_ns <= attempt.first_ts_ns:
            before = look
        elif after is None:
            after = look
    return before, after


def server_process(
    server: Endpoint, before: Snapshot | None, after: Snapshot | None, *, answered: bool
) -> EndProcess | None:
    """Return the process that listened where an attempt went. ``answered`` says whether somebody took it."""
    said = [_at(look, server) for look in (before, after) if look is not None]
    people = [process for process in said if process is not None]
    told = bool(people) if answered else len(people) == _BOTH
    agreed = len({(one.pid, one.name) for one in people}) == 1
    return people[-1] if told and agreed else None


def _at(look: Snapshot, end: Endpoint) -> EndProcess | None:
    """Return the process that listens there, says one look; ``None`` where nobody does, or it cannot tell."""
    if is_untold(look.sockets) or _leads_elsewhere(look, end) or not _is_own(look, end.address):
        return None
    fitting = [listener for listener in look.sockets.listeners if serves(listener, end)]
    if not fitting:
        return None
    first = min(map(_rank, fitting))
    owners = [owner for listener in fitting if _rank(listener) == first for owner in listener.owners]
    return _chosen(look, list(dict.fromkeys(owners)))


def _rank(listener: LocalSocket) -> tuple[bool, bool]:
    """Whom the kernel prefers: a socket of the very address before one of all addresses of its family."""
    return listener.is_wildcard, listener.is_ipv6


def _leads_elsewhere(look: Snapshot, end: Endpoint) -> bool:
    if is_untold(look.firewall):
        return False
    return any(
        ruling.verdict.value == _REDIRECT and ruling.port == end.port and ruling.address == end.address
        for ruling in look.firewall.rulings
    )


def _is_own(look: Snapshot, address: str) -> bool:
    """Whether an address is known to be the machine's own."""
    if is_loopback(address):
        return True
    if is_untold(look.sockets) or is_untold(look.loopback):
        return False
    known = (*look.loopback.addresses, *(look.loopback.others or ()))
    return any(text.partition("/")[0] == address for text in known) or any(
        listener.address == address for listener in look.sockets.listeners
    )


def _chosen(look: Snapshot, owners: Sequence[Owner]) -> EndProcess | None:
    """Return the owner; of several, the one that started the others, or what they have in common."""
    if not owners:
        return None
    ancestors = {} if is_untold(look.processes) else {one.pid: one.ancestors for one in look.processes}
    for owner in owners:
        if all(owner is other or owner.pid in ancestors.get(other.pid, ()) for other in owners):
            return _process(owner)
    first, *rest = map(_process, owners)
    if any(other.name != first.name for other in rest):
        return None
    return first._replace(
        pid=None,
        uid=first.uid if all(other.uid == first.uid for other in rest) else None,
        container=first.container if all(other.container == first.container for other in rest) else None,
        unit=first.unit if all(other.unit == first.unit for other in rest) else None,
    )


def _process(owner: Owner) -> EndProcess:
    return EndProcess(
        owner.pid,
        owner.program or None,
        owner.uid,
        owner.container or None,
        owner.unit or None,
        ProcessSource.HOST,
    )
