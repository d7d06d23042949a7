"""Follows who has the watched ports: the connects that those processes make themselves while a client waits.

Input: the helper, the watched ports, the first look at the host, and the trace's word on who begins to listen.
Output: ``OwnConnects``. Without privilege, or outside of the first pid namespace, it says why there are none.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.snapshot import Firewall, Namespaces, RuleVerdict, Snapshot, Sockets
from synscope.probes.kernel.events import OwnConnects
from synscope.probes.kernel.legs_reader import LegsReader, threads_of
from synscope.probes.kernel.trace_reader import TraceReader, clock_offset_ns, in_initial_pid_namespace
from synscope.process.elevate import Helper
from synscope.process.errors import HelperError

_FAR_PORT: Final = re.compile(r"(?:^port |:)(\d{1,5})$")
_TREE_S: Final = 0.1
"""What the look for a server's processes may take."""


@dataclass(slots=True)
class ServerLegs:
    """From the first look to ``close``."""

    helper: Helper | None
    ports: Sequence[int]
    another_network: bool = False
    _reader: LegsReader | None = None
    _untold: str = "connects of servers need the kernel's trace"

    def begin(self, snapshots: Iterable[Snapshot]) -> None:
        """Follow the processes that have the watched ports, and those at the end of a redirect of this machine."""
        owners = {pid for snapshot in snapshots for pid in owners_of(snapshot, self.ports)}
        self._follow(owners)
        if self._reader is None and self.helper is not None and self._is_served():
            # The look did not get as far as the owners: the helper looks for them alone.
            self._begin(())

    def _is_served(self) -> bool:
        return not self.another_network and any(
            port in self.ports for _, port, _ in procfs.listening(procfs.NET)
        )

    def step(self, trace: TraceReader) -> None:
        """Take what is told; follow who has begun to listen on a watched port."""
        if self._reader is not None:
            self._reader.read()
        if trace.began_to_listen:
            began = set(trace.began_to_listen)
            trace.began_to_listen.clear()
            self._follow(began)

    def _follow(self, pids: set[int]) -> None:
        if self.helper is None or not in_initial_pid_namespace():
            self._untold = "the trace's thread ids are not those of this pid namespace"
            return
        ids = threads_of(pids, time.monotonic() + _TREE_S) if pids else ()
        if not ids:
            self._untold = "nobody had the port" if self._reader is None else self._untold
        elif self._reader is not None:
            self._reader.follow(ids)
        else:
            self._begin(ids)

    def _begin(self, ids: Sequence[int]) -> None:
        assert self.helper is not None  # noqa: S101 - the callers looked
        try:
            handover = self.helper.follow(ids, self.ports)
        except HelperError as error:
            self._untold = str(error)
            return
        own = None if self.another_network else procfs.network("thread-self")
        self._reader = LegsReader(handover, clock_offset_ns(), network=own)

    def close(self) -> None:
        """Read the rest and let go; ``connects`` stays."""
        if self._reader is not None:
            self._reader.close()

    def connects(self, snapshots: Iterable[Snapshot] = ()) -> OwnConnects:
        """Return what is known, with the addresses behind which other network namespaces are."""
        inside = frozenset(
            address
            for snapshot in snapshots
            if isinstance(snapshot.namespaces, Namespaces)
            for address in snapshot.namespaces.addresses
        )
        if self._reader is None:
            return OwnConnects(untold=self._untold, inside=inside)
        return self._reader.connects._replace(inside=inside)


def owners_of(snapshot: Snapshot, ports: Sequence[int]) -> Iterable[int]:
    """Yield the processes that have one of the ports, or to which a rule of this machine redirects it."""
    if not isinstance(snapshot.sockets, Sockets):
        return
    wanted = {*ports, *far_ports(snapshot, ports)}
    for listener in snapshot.sockets.listeners:
        if listener.port in wanted:
            yield from (owner.pid for owner in listener.owners)


def far_ports(snapshot: Snapshot, ports: Sequence[int]) -> frozenset[int]:
    """Return the ports to which the firewall redirects the watched ones."""
    if not isinstance(snapshot.firewall, Firewall):
        return frozenset()
    ends = (
        _FAR_PORT.search(ruling.how)
        for ruling in snapshot.firewall.rulings
        if ruling.verdict is RuleVerdict.REDIRECT and ruling.port in ports
    )
    return frozenset(int(end[1]) for end in ends if end)
