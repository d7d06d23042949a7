"""Reads the trace as it comes, within bounds: of memory, and of events a second.

Input: the descriptors that ``instance`` hands over. Output: events in the order of time, and the trace's health.
Needs no privilege. The calls of the watched command have a reader of their own (``call_reader``), with bounds of its
own. When more than ``MOST_A_SECOND`` events come in one second of the trace's clock it switches the events off, for
everybody's sake, and says so; when it holds ``MOST_EVENTS`` it forgets the oldest. Listeners on ports that are not
watched are kept apart, and of those on ephemeral ports apart again, so that a program that opens many crowds out
nobody. What this process itself listens on is left out, and so is a thread in another network namespace: its
``/proc/TID/net/tcp`` is another file, for which anybody may ask while the thread lives.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.identity import Identities
from synscope.probes.kernel.call_reader import CallReader
from synscope.probes.kernel.events import EPHEMERAL, Event, Kind, Task, TraceHealth
from synscope.probes.kernel.filters import BIND
from synscope.probes.kernel.instance import Handover
from synscope.probes.kernel.lines import Parser, names_resets
from synscope.probes.kernel.stream import Stream

MOST_EVENTS: Final = 20_000
"""Kept at once: about 20 MB."""
MOST_OTHERS: Final = 500
"""Events kept about listeners on other ports than the watched ones, as many about ephemeral ports, and as many about
binds that failed."""
MOST_A_SECOND: Final = 10_000
"""Reading this many takes about a quarter of one core."""

_MOST_NAMES: Final = 256
_TRIES: Final = 5
_INITIAL_PID_NAMESPACE: Final = 0xEFFFFFFC
"""PROC_PID_INIT_INO of linux/proc_ns.h."""
_ELSEWHERE: Final = "the trace does not say who is in the network namespace that is captured"


class TraceReader:
    """The unprivileged half: reads, keeps, counts. Owns the two descriptors until ``close``."""

    def __init__(
        self,
        handover: Handover,
        ports: Collection[int],
        *,
        most_events: int = MOST_EVENTS,
        most_a_second: int = MOST_A_SECOND,
        elsewhere: bool = False,
    ) -> None:
        """Start to observe ``ports`` (none: all) with what the privileged half handed over.

        ``elsewhere`` says that the capture is of another network namespace than the calling thread's.
        """
        self._ports = frozenset(ports)
        self._offset_ns = clock_offset_ns()
        parser = Parser(handover.formats, self._offset_ns)
        self._stream = Stream(handover.pipe, handover.switch, parser.event, most_a_second)
        self._kept: deque[Event] = deque(maxlen=most_events)
        self._others: dict[bool | Kind, deque[Event]] = {
            crowd: deque(maxlen=MOST_OTHERS) for crowd in (False, True, Kind.UNBOUND)
        }
        self.began_to_listen: deque[int] = deque(maxlen=_MOST_NAMES)
        """Threads that began to listen on a watched port; whoever uses them takes them out."""
        self._forgotten = self._crowded = 0
        self._names: dict[int, str | None] = {}
        self._ids_are_ours = in_initial_pid_namespace()
        self.identities = Identities()
        """Who the threads that connect belong to, asked as soon as their connect is read."""
        self._network = None if elsewhere else procfs.network("thread-self")
        self._calls = (
            None if handover.calls is None else CallReader(handover.calls, self._offset_ns, named=self._named)
        )
        calls = self._calls
        self._overflows = _overflows()
        self._health = TraceHealth(
            start_ts_ns=time.time_ns(),
            missing={**handover.missing, **parser.missing},
            names_resets=names_resets(handover.formats),
            beside=self._blind_beside(),
            binds=BIND in handover.formats and BIND not in parser.missing,
            denials=calls is not None and calls.tells_calls,
            leaves=calls is not None and calls.tells_leaving,
            missing_calls={} if calls is None else calls.missing,
            no_calls=handover.no_calls or _missing_calls(calls),
        )

    def fileno(self) -> int:
        """Return the pipe's descriptor, for a selector: readable when there are events."""
        return self._stream.pipe

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is to come."""
        return self._stream.pipe < 0

    @property
    def events(self) -> list[Event]:
        """What is kept, in the order of time."""
        calls = self._calls
        own = () if calls is None else calls.events
        threads = frozenset() if calls is None else calls.threads
        kept = (
            event._replace(of_command=True)
            if event.task.tid in threads and event.kind in (Kind.CONNECT, Kind.UNBOUND)
            else event
            for event in itertools.chain(self._kept, *self._others.values())
        )
        return sorted(itertools.chain(kept, own), key=lambda event: event.ts_ns)

    @property
    def health(self) -> TraceHealth:
        """How complete the trace is so far."""
        start = self._kept[0].ts_ns if self._forgotten else self._health.start_ts_ns
        stream, calls = self._stream, self._calls
        return replace(
            self._health,
            start_ts_ns=start,
            end_ts_ns=self._health.end_ts_ns if stream.off_ts_ns is None else stream.off_ts_ns,
            lost=stream.lost,
            forgotten=self._forgotten,
            crowded=self._crowded,
            unread=stream.unread,
            switched_off=stream.switched_off,
            calls_gaps=None if calls is None else calls.gaps,
            beside_calls="" if calls is None else calls.beside,
        )

    def watch(self, pid: int) -> None:
        """Learn who the watched command's process is. Call before ``read``."""
        if self._ids_are_ours:
            self.identities.meet(pid, None)

    def read(self, timeout_s: float = 0.0) -> None:
        """Take what has come, waiting up to ``timeout_s`` seconds for the first of it that is of no call."""
        for event in self._stream.read(timeout_s):
            self._keep(event if event.task.comm else event._replace(task=self._named(event.task)))
        if self._calls is not None:
            self._calls.read()

    def close(self) -> None:
        """Read the rest, switch the events off, close the descriptors; may be called again."""
        if self._stream.pipe < 0:
            return
        end_ts_ns = time.time_ns()
        self._stream.turn_off()
        self.read()
        if self._calls is not None:
            self._calls.close()
        step = clock_offset_ns() - self._offset_ns
        after = _overflows()
        rise = None if after is None or self._overflows is None else after - self._overflows
        self._health = replace(self._health, end_ts_ns=end_ts_ns, clock_step_ns=step, overflows=rise)
        self._stream.close()

    def _keep(self, event: Event) -> None:
        if event.kind is Kind.UNBOUND:
            self._keep_other(event, Kind.UNBOUND)
            return
        if self._ports and event.server is not None and event.server.port not in self._ports:
            if event.kind in (Kind.LISTEN, Kind.UNLISTEN):
                self._keep_other(event, event.server.port in EPHEMERAL)
            return
        if event.kind is Kind.LISTEN and self._ports:
            self.began_to_listen.append(event.task.tid)
        if len(self._kept) == self._kept.maxlen:
            self._forgotten += 1
        if event.kind is Kind.CONNECT and self._ids_are_ours and not event.interrupt:
            self.identities.meet(*event.task)
        self._kept.append(event)

    def _blind_beside(self) -> str | None:
        if not self._ports:
            return "every port is watched"
        if not self._ids_are_ours:
            return "the trace's thread ids are not those of this pid namespace"
        return _ELSEWHERE if self._network is None else None

    def _keep_other(self, event: Event, crowd: bool | Kind) -> None:  # noqa: FBT001 - which of the queues
        tid = event.task.tid
        if self._health.beside or _is_own(tid):
            return
        network = procfs.network(tid)
        if network not in (None, self._network):
            return
        kept = self._others[crowd]
        self._crowded += len(kept) == kept.maxlen
        kept.append(event._replace(unplaced=network is None))

    def _named(self, task: Task) -> Task:
        """Return the thread with its name, which the kernel learns when it leaves the CPU, /proc perhaps before."""
        if not self._ids_are_ours:
            return task
        if task.tid not in self._names:
            if len(self._names) == _MOST_NAMES:
                self._names.clear()
            self._names[task.tid] = _comm(task.tid)
        return task._replace(comm=self._names[task.tid])


def _missing_calls(calls: CallReader | None) -> str:
    """Return why the calls of the command are not told of, where they were asked for."""
    if calls is None or calls.tells_calls:
        return ""
    return "; ".join(f"{event}: {why}" for event, why in calls.missing.items())


def clock_offset_ns() -> int:
    """Return what to add to CLOCK_MONOTONIC to get nanoseconds since the epoch: the tightest of a few readings."""
    return min(_offset_once() for _ in range(_TRIES))[1]


def _overflows() -> int | None:
    """Return how many SYNs of this network namespace met a full accept queue: the kernel's only word on them.

    The kernel drops such a SYN without an event. Source: Documentation/networking/snmp_counter.rst.
    """
    return procfs.counters("netstat").get("TcpExtListenOverflows")


def in_initial_pid_namespace() -> bool:
    """Whether the ids in the trace are those of our ``/proc``."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == _INITIAL_PID_NAMESPACE
    except OSError:
        return False


def _is_own(tid: int) -> bool:
    return Path(f"/proc/self/task/{tid}").exists()


def _comm(tid: int) -> str | None:
    try:
        name = Path(f"/proc/{tid}/comm").read_bytes()
    except OSError:
        return None
    return name.decode("utf-8", "replace").rstrip("\n") or None


def _offset_once() -> tuple[int, int]:
    before = time.monotonic_ns()
    wall = time.time_ns()
    after = time.monotonic_ns()
    return after - before, wall - (before + after) // 2
