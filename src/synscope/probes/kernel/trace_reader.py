"""Reads the trace as it comes, within bounds: of memory, and of events a second.

Input: the descriptors that ``instance`` hands over. Output: events in the order of time, and the trace's health.
Needs no privilege. When more than ``MOST_A_SECOND`` events come in one second of the trace's clock it switches
the events off, for everybody's sake, and says so; when it holds ``MOST_EVENTS`` it forgets the oldest. Listeners on
ports that are not watched are kept apart, and of those on ephemeral ports apart again, so that a program that opens
many crowds out nobody. What this process itself listens on is left out, and so is a thread in another network
namespace: its ``/proc/TID/net/tcp`` is another file, for which anybody may ask while the thread lives.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import time
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.kernel.events import EPHEMERAL, Event, Kind, Task, TraceHealth
from synscope.probes.kernel.filters import BIND, CONNECT, FORK, SOCKET, TO_FILE, UNSHARE
from synscope.probes.kernel.instance import Handover
from synscope.probes.kernel.lines import Parser, lost_in, names_resets

MOST_EVENTS: Final = 20_000
"""Kept at once: about 20 MB."""
MOST_OTHERS: Final = 500
"""Events kept about listeners on other ports than the watched ones, as many about ephemeral ports, and as many about
binds that failed and about what was denied to the watched command."""
MOST_THREADS: Final = 20_000
"""Threads of the watched command that are known at once."""
MOST_A_SECOND: Final = 10_000
"""Reading this many takes about a quarter of one core."""

_CHUNK: Final = 1 << 16
_READS: Final = 256
"""Reads in one go, so that a flood cannot keep the caller."""
_MOST_NAMES: Final = 256
_LONGEST_LINE: Final = 4096
_SECOND: Final = 1_000_000_000
_TRIES: Final = 5
_AT_ONCE_NS: Final = 60_000
"""A connect to a Unix socket that is denied ends this soon, some 15 µs, after it began."""
_CALLS_OF_COMMAND: Final = frozenset({Kind.DENIED, Kind.NO_SOCKET, Kind.FILTERED, Kind.LEAVES})
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
        self._pipe, self._switch = handover.pipe, handover.switch
        self._ports = frozenset(ports)
        self._offset_ns = clock_offset_ns()
        self._formats = frozenset(handover.formats)
        self._parser = Parser(handover.formats, self._offset_ns)
        self._kept: deque[Event] = deque(maxlen=most_events)
        self._others: dict[bool | Kind, deque[Event]] = {
            crowd: deque(maxlen=MOST_OTHERS) for crowd in (False, True, Kind.UNBOUND, Kind.DENIED)
        }
        self._threads: set[int] = set()
        self.began_to_listen: deque[int] = deque(maxlen=_MOST_NAMES)
        """Threads that began to listen on a watched port; whoever uses them takes them out."""
        self._to_file: dict[int, int] = {}
        self._most_a_second = most_a_second
        self._second, self._in_second = -1, 0
        self._tail = b""
        self._lost = self._forgotten = self._crowded = self._unread = 0
        self._names: dict[int, str | None] = {}
        self._ids_are_ours = in_initial_pid_namespace()
        self._network = None if elsewhere else _network_of("thread-self")
        self._overflows = _overflows()
        self._health = TraceHealth(
            start_ts_ns=time.time_ns(),
            missing={**handover.missing, **self._parser.missing},
            names_resets=names_resets(handover.formats),
            beside=self._blind_beside(),
            binds=BIND in handover.formats and BIND not in self._parser.missing,
        )

    def fileno(self) -> int:
        """Return the pipe's descriptor, for a selector: readable when there are events."""
        return self._pipe

    @property
    def events(self) -> list[Event]:
        """What is kept, in the order of time."""
        kept = itertools.chain(self._kept, *self._others.values())
        return sorted(kept, key=lambda event: event.ts_ns)

    @property
    def health(self) -> TraceHealth:
        """How complete the trace is so far."""
        start = self._kept[0].ts_ns if self._forgotten else self._health.start_ts_ns
        return replace(
            self._health,
            start_ts_ns=start,
            lost=self._lost,
            forgotten=self._forgotten,
            crowded=self._crowded,
            unread=self._unread,
        )

    def watch(self, pid: int) -> None:
        """Count this process, and all that it starts from now on, as the watched command's. Call before ``read``."""
        formats = self._formats
        known = {CONNECT, SOCKET, TO_FILE, FORK} <= formats - self._parser.missing.keys()
        if self._ids_are_ours and known:
            self._threads = {pid}
            leaves = UNSHARE in formats - self._parser.missing.keys()
            self._health = replace(self._health, denials=True, leaves=leaves)

    def read(self, timeout_s: float = 0.0) -> None:
        """Take what has come, waiting up to ``timeout_s`` seconds for the first of it."""
        if self._pipe < 0 or not select.select([self._pipe], [], [], timeout_s)[0]:
            return
        for _ in range(_READS):
            data = self._chunk()
            if not data:
                return
            # Once switched off, what is left is thrown away: a readable pipe would keep its reader awake.
            if not self._health.switched_off:
                self._take(data)

    def close(self) -> None:
        """Read the rest, switch the events off, close the descriptors; may be called again."""
        if self._pipe < 0:
            return
        end_ts_ns = time.time_ns()
        self._turn_off()
        self.read()
        step = clock_offset_ns() - self._offset_ns
        after = _overflows()
        rise = None if after is None or self._overflows is None else after - self._overflows
        self._health = replace(
            self._health,
            end_ts_ns=self._health.end_ts_ns or end_ts_ns,
            clock_step_ns=step,
            overflows=rise,
        )
        os.close(self._pipe)
        os.close(self._switch)
        self._pipe = self._switch = -1

    def _chunk(self) -> bytes:
        try:
            return os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return b""

    def _take(self, data: bytes) -> None:
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()[-_LONGEST_LINE:]
        for line in lines:
            if self._health.switched_off:
                return
            self._take_line(line.decode("utf-8", "replace"))

    def _take_line(self, line: str) -> None:
        if lost := lost_in(line):
            self._lost += lost
            return
        try:
            event = self._parser.event(line)
        except ValueError:
            self._unread += bool(line.strip())
            return
        if event is not None:
            self._guard(event.ts_ns)
            self._keep(event if event.task.comm else event._replace(task=self._named(event.task)))

    def _guard(self, ts_ns: int) -> None:
        second = ts_ns // _SECOND
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second > self._most_a_second:
            self._turn_off()
            reason = f"switched off above {self._most_a_second:,} events/s"
            self._health = replace(self._health, switched_off=reason, end_ts_ns=ts_ns)

    def _keep(self, event: Event) -> None:
        if event.kind in (Kind.FORK, Kind.TO_FILE):
            self._follow(event)
            return
        if event.kind in _CALLS_OF_COMMAND:
            self._keep_denial(event)
            return
        if event.kind is Kind.UNBOUND:
            self._keep_other(event._replace(of_command=event.task.tid in self._threads), Kind.UNBOUND)
            return
        if self._ports and event.server is not None and event.server.port not in self._ports:
            if event.kind in (Kind.LISTEN, Kind.UNLISTEN):
                self._keep_other(event, event.server.port in EPHEMERAL)
            return
        if event.kind is Kind.LISTEN and self._ports:
            self.began_to_listen.append(event.task.tid)
        if len(self._kept) == self._kept.maxlen:
            self._forgotten += 1
        is_own = event.kind is Kind.CONNECT and event.task.tid in self._threads
        self._kept.append(event._replace(of_command=True) if is_own else event)

    def _follow(self, event: Event) -> None:
        """Learn of the command's new threads, and when one of them connects to a Unix socket."""
        if event.task.tid not in self._threads:
            return
        if event.kind is Kind.TO_FILE:
            self._to_file[event.task.tid] = event.ts_ns
        elif len(self._threads) < MOST_THREADS:
            self._threads.add(event.child)

    def _keep_denial(self, event: Event) -> None:
        """Keep what was denied to the command, but for Unix sockets."""
        tid = event.task.tid
        is_of_file = event.kind is Kind.DENIED and event.ts_ns - self._to_file.get(tid, 0) < _AT_ONCE_NS
        if tid in self._threads and not is_of_file:
            self._others[Kind.DENIED].append(event._replace(of_command=True))

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
        network = _network_of(str(tid))
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

    def _turn_off(self) -> None:
        # The instance may be gone already.
        with contextlib.suppress(OSError):
            os.write(self._switch, b"0")


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


def _network_of(thread: str) -> int | None:
    """Return what tells a thread's network namespace from others; ``None`` once the thread is gone."""
    try:
        return Path(f"/proc/{thread}/net/tcp").stat().st_ino
    except OSError:
        return None


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
