"""The events of one trace, found by what ties them to an attempt. Pure.

Input: events, the trace's health. Output: look-ups by endpoints, thread and time; each takes time in proportion to
the events of that key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.model import AttemptGroup, Endpoint, Label, Target

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event, OwnConnects, TraceHealth
    from synscope.probes.kernel.firewall_walks import FirewallTrace

PAIR_NS: Final = 1_000_000
"""The SYN's buffer is dropped some 10 µs after the RST that answers it; its address is soon another frame's."""


_CONNECT: Final = "connect"
_SETTLED: Final = "settled"
_DROP: Final = "drop"
_RESET: Final = "reset"
_LISTEN: Final = "listen"
_UNLISTEN: Final = "unlisten"
_LISTENERS: Final = "listeners"
_BUFFER: Final = "skb"


class Record:
    """Events by what identifies them."""

    def __init__(
        self,
        events: Iterable[Event],
        health: TraceHealth,
        firewall: FirewallTrace | None = None,
        own: OwnConnects | None = None,
    ) -> None:
        """Index ``events``; any order. ``firewall`` is what its trace says, ``None`` where nobody asked for it.

        ``own`` are the connects of the servers themselves, where they were followed.
        """
        self.health = health
        self.firewall = firewall
        self.own = own
        self._by: dict[Hashable, list[Event]] = defaultdict(list)
        keys = _keys()
        for event in sorted(events, key=lambda event: event.ts_ns):
            for key in keys(event):
                self._by[key].append(event)

    def connects(self, port: int, start_ns: int = 0, end_ns: int | None = None) -> list[Event]:
        """Connects to any address's ``port``."""
        return self._within((_CONNECT, port), start_ns, end_ns)

    def connects_of(self, tid: int, start_ns: int, end_ns: int) -> list[Event]:
        """Connects of one thread, to any port that is watched."""
        return self._within((_CONNECT, "tid", tid), start_ns, end_ns)

    def settled(self, client: Endpoint, server: Endpoint, start_ns: int, end_ns: int | None) -> list[Event]:
        """Ends of connects between two endpoints; the client's port is 0 when it never got one."""
        return self._within((_SETTLED, client, server), start_ns, end_ns)

    def drops(self, tid: int, start_ns: int, end_ns: int) -> list[Event]:
        """Drops in one thread's context."""
        return self._within((_DROP, tid), start_ns, end_ns)

    def resets(self, client: Endpoint, server: Endpoint, start_ns: int, end_ns: int) -> list[Event]:
        """RSTs the stack sent from ``server`` to ``client``."""
        return self._within((_RESET, client, server), start_ns, end_ns)

    def drop_beside(self, reset: Event) -> Event | None:
        """Return the drop of the buffer that ``reset`` answers: the next one of that address, by the same thread."""
        near = self._within((_BUFFER, reset.skb), reset.ts_ns, reset.ts_ns + PAIR_NS)
        return near[0] if reset.skb and near and near[0].task.tid == reset.task.tid else None

    def openings(self, port: int) -> list[Event]:
        """When a socket of ``port`` began to listen."""
        return self._within((_LISTEN, port), 0, None)

    def closings(self, port: int) -> list[Event]:
        """When a socket of ``port`` ceased to listen."""
        return self._within((_UNLISTEN, port), 0, None)

    def all_listening(self) -> list[Event]:
        """When sockets of any port began or ceased to listen, in the order of time."""
        return self._within(_LISTENERS, 0, None)

    def unbound(self) -> list[Event]:
        """Binds that failed, to whatever port: the kernel does not say which."""
        from synscope.probes.kernel.events import Kind

        return self._within(Kind.UNBOUND, 0, None)

    def leaving(self) -> list[Event]:
        """When a thread of the watched command went into another network namespace, or started one there."""
        from synscope.probes.kernel.events import Kind

        return self._within(Kind.LEAVES, 0, None)

    def calls(self, *names: str) -> list[Event]:
        """Calls of the watched command with these names, in the order of time."""
        from synscope.probes.kernel.events import Kind

        found = self._within(Kind.CALL, 0, None)
        return [event for event in found if event.call is not None and event.call.name in names]

    def killed(self) -> list[Event]:
        """Processes of the watched command that a filter of system calls ended."""
        from synscope.probes.kernel.events import Kind

        return self._within(Kind.KILLED, 0, None)

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

    @property
    def calls_missing(self) -> str | None:
        """Why a call that is not among the command's may have been made all the same; ``None`` if it was not."""
        health = self.health
        if not health.denials:
            return health.no_calls or "the calls of the command's own processes are not traced"
        if health.end_ts_ns is None or health.calls_gaps:
            return health.calls_gaps or "the trace of calls is not over"
        return None

    def _within(self, key: Hashable, start_ns: int, end_ns: int | None) -> list[Event]:
        found = self._by.get(key, [])
        first = bisect_left(found, start_ns, key=lambda event: event.ts_ns)
        last = len(found) if end_ns is None else bisect_right(found, end_ns, key=lambda event: event.ts_ns)
        return found[first:last]


def _keys() -> Callable[[Event], list[Hashable]]:
    """Return the function that tells under which keys an event is found."""
    from synscope.probes.kernel.events import Kind

    def keys(event: Event) -> list[Hashable]:
        if event.kind is Kind.DROP:
            return [(_DROP, event.task.tid), (_BUFFER, event.skb)]
        if event.server is None:
            return [event.kind]
        if event.kind is Kind.CONNECT:
            return [(_CONNECT, event.server.port), (_CONNECT, "tid", event.task.tid)]
        if event.kind in (Kind.LISTEN, Kind.UNLISTEN):
            name = _LISTEN if event.kind is Kind.LISTEN else _UNLISTEN
            return [(name, event.server.port), _LISTENERS]
        if event.kind is Kind.CALL:
            return [event.kind]
        name = _SETTLED if event.kind is Kind.SETTLED else _RESET
        return [(name, event.client, event.server)]

    return keys


class KernelView(NamedTuple):
    """A target and what the trace recorded around it."""

    target: Target
    groups: Sequence[AttemptGroup]
    record: Record

    def failing(self, *labels: Label) -> list[AttemptGroup]:
        """Return the groups that failed with one of ``labels``."""
        return [group for group in self.groups if group.failed and group.label in labels]
