"""The events of one trace, found by what ties them to an attempt. Pure.

Input: events, the trace's health. Output: look-ups by endpoints, thread and time; each takes time in proportion to
the events of that key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Final

from synscope.model import Endpoint
from synscope.probes.kernel.events import Event, Kind, TraceHealth

PAIR_NS: Final = 1_000_000
"""The SYN's buffer is dropped some 10 µs after the RST that answers it; its address is soon another frame's."""


class Record:
    """Events by what identifies them."""

    def __init__(self, events: Iterable[Event], health: TraceHealth) -> None:
        """Index ``events``; any order."""
        self.health = health
        self._by: dict[Hashable, list[Event]] = defaultdict(list)
        for event in sorted(events, key=lambda event: event.ts_ns):
            for key in _keys(event):
                self._by[key].append(event)

    def connects(self, port: int, start_ns: int = 0, end_ns: int | None = None) -> list[Event]:
        """Connects to any address's ``port``."""
        return self._within((Kind.CONNECT, port), start_ns, end_ns)

    def connects_of(self, tid: int, start_ns: int, end_ns: int) -> list[Event]:
        """Connects of one thread, to any port that is watched."""
        return self._within((Kind.CONNECT, "tid", tid), start_ns, end_ns)

    def settled(self, client: Endpoint, server: Endpoint, start_ns: int, end_ns: int | None) -> list[Event]:
        """Ends of connects between two endpoints; the client's port is 0 when it never got one."""
        return self._within((Kind.SETTLED, client, server), start_ns, end_ns)

    def drops(self, tid: int, start_ns: int, end_ns: int) -> list[Event]:
        """Drops in one thread's context."""
        return self._within((Kind.DROP, tid), start_ns, end_ns)

    def resets(self, client: Endpoint, server: Endpoint, start_ns: int, end_ns: int) -> list[Event]:
        """RSTs the stack sent from ``server`` to ``client``."""
        return self._within((Kind.RESET, client, server), start_ns, end_ns)

    def drop_beside(self, reset: Event) -> Event | None:
        """Return the drop of the buffer that ``reset`` answers: the next one of that address, by the same thread."""
        near = self._within(("skb", reset.skb), reset.ts_ns, reset.ts_ns + PAIR_NS)
        return near[0] if reset.skb and near and near[0].task.tid == reset.task.tid else None

    def listening(self, port: int, kind: Kind) -> list[Event]:
        """When a socket of ``port`` began (LISTEN) or ceased (UNLISTEN) to listen."""
        return self._within((kind, port), 0, None)

    def all_listening(self) -> list[Event]:
        """When sockets of any port began or ceased to listen, in the order of time."""
        return self._within("listeners", 0, None)

    def unbound(self) -> list[Event]:
        """Binds that failed, to whatever port: the kernel does not say which."""
        return self._within(Kind.UNBOUND, 0, None)

    def complete(self, start_ns: int, end_ns: int) -> bool:
        """Whether the trace ran all that time and has no holes: then what it lacks did not happen."""
        health = self.health
        if health.error or health.holes or health.start_ts_ns is None or health.start_ts_ns > start_ns:
            return False
        return health.end_ts_ns is None or end_ns <= health.end_ts_ns

    @property
    def whole(self) -> bool:
        """Whether the trace is over and nothing is missing from all of the observation."""
        health = self.health
        return (
            health.end_ts_ns is not None
            and not health.gaps
            and self.complete(health.end_ts_ns, health.end_ts_ns)
        )

    def _within(self, key: Hashable, start_ns: int, end_ns: int | None) -> list[Event]:
        found = self._by.get(key, [])
        first = bisect_left(found, start_ns, key=lambda event: event.ts_ns)
        last = len(found) if end_ns is None else bisect_right(found, end_ns, key=lambda event: event.ts_ns)
        return found[first:last]


def _keys(event: Event) -> list[Hashable]:
    if event.kind is Kind.DROP:
        return [(Kind.DROP, event.task.tid), ("skb", event.skb)]
    if event.kind is Kind.UNBOUND:
        return [Kind.UNBOUND]
    if event.server is None:
        return []
    if event.kind is Kind.CONNECT:
        return [(Kind.CONNECT, event.server.port), (Kind.CONNECT, "tid", event.task.tid)]
    if event.kind in (Kind.LISTEN, Kind.UNLISTEN):
        return [(event.kind, event.server.port), "listeners"]
    return [(event.kind, event.client, event.server)]
