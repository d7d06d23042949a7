"""Reads what ``legs_instance`` hands over: connects that the processes behind a watched port make, and their ends.

Output: ``OwnConnects``. Needs no privilege. Bounded like the other reader: it keeps the newest ``MOST_CONNECTS``, and
above ``MOST_A_SECOND`` events in a second it switches the events off and says so. An end is tied to its connect by
both ends' addresses; the kernel has not chosen the client's port yet when a connect begins.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable
from typing import Final

from synscope.model import Endpoint
from synscope.probes.host import procfs
from synscope.probes.kernel.events import Event, Kind, OwnConnect, OwnConnects, Task
from synscope.probes.kernel.filters import STATE
from synscope.probes.kernel.legs_instance import LegsHandover
from synscope.probes.kernel.lines import Parser
from synscope.probes.kernel.stream import Stream

MOST_CONNECTS: Final = 1_000
MOST_A_SECOND: Final = 2_000

_MOST_THREADS: Final = 512
_MOST_RESETS: Final = 256
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, never bound
_ESTABLISHED: Final = "TCP_ESTABLISHED"


class LegsReader:
    """Reads, pairs, keeps. Owns the three descriptors until ``close``."""

    def __init__(
        self,
        handover: LegsHandover,
        offset_ns: int,
        *,
        network: int | None,
        most_a_second: int = MOST_A_SECOND,
    ) -> None:
        """``offset_ns`` turns the trace's clock into the epoch's; ``network`` tells the captured namespace."""
        trace = handover.trace
        parser = Parser(trace.formats, offset_ns)
        self._stream = Stream(trace.pipe, trace.switch, parser.event, most_a_second)
        self._ids = handover.ids
        self._network = network
        self._most_a_second = most_a_second
        self._made: deque[OwnConnect] = deque(maxlen=MOST_CONNECTS)
        self._resets: deque[tuple[Endpoint | None, Endpoint | None]] = deque(maxlen=_MOST_RESETS)
        self._threads: dict[int, tuple[int, bool | None]] = {}
        self._start_ts_ns = time.time_ns()
        self._forgotten = 0
        self._blind = STATE not in trace.formats

    def follow(self, ids: Iterable[int]) -> None:
        """Follow more threads, and what they start from now on."""
        for number in ids:
            with contextlib.suppress(OSError):
                os.write(self._ids, b"%d\n" % number)

    def read(self) -> None:
        """Take what has come."""
        for event in self._stream.read():
            self._take(event)

    @property
    def connects(self) -> OwnConnects:
        """What is known so far."""
        lost, much = self._stream.lost, f"{self._most_a_second:,} changes of connections a second"
        parts = [
            "this kernel does not tell of connects" if self._blind else "",
            f"the server made more than {much}" if self._stream.switched_off else "",
            f"the trace of the server's connects lost {lost:,} events" if lost else "",
            f"{self._forgotten:,} connects of the server were not kept" if self._forgotten else "",
        ]
        made = sorted(self._made, key=lambda connect: connect.began_ns)
        return OwnConnects(tuple(made), self._start_ts_ns, "; ".join(filter(None, parts)))

    def close(self) -> None:
        """Read the rest, switch the events off, close the descriptors; may be called again."""
        if self._stream.pipe < 0:
            return
        self.read()
        self._stream.turn_off()
        self._stream.close()
        os.close(self._ids)

    def _take(self, event: Event) -> None:
        if event.kind is Kind.CONNECT and event.server is not None:
            self._begin(event)
        elif event.kind is Kind.SETTLED:
            self._settle(event)
        elif event.kind is Kind.LEFT:
            self._end(event)
        elif event.kind is Kind.RESET:
            self._resets.append((event.client, event.server))

    def _begin(self, event: Event) -> None:
        assert event.server is not None  # noqa: S101 - the caller looked
        pid, elsewhere = self._thread(event.task.tid)
        task = event.task if event.task.comm else Task(event.task.tid, procfs.program(pid) or None)
        self._forgotten += len(self._made) == self._made.maxlen
        self._made.append(OwnConnect(task, pid, event.server, event.ts_ns, event.client, elsewhere=elsewhere))

    def _settle(self, event: Event) -> None:
        """Tie an end to the connect of the same thread, or to the oldest that fits."""
        fitting = [
            at
            for at, made in enumerate(self._made)
            if made.settled_ns is None and made.server == event.server and _may_be(made.client, event.client)
        ]
        own = [at for at in fitting if self._made[at].task.tid == event.task.tid]
        for at in (own or fitting)[:1]:
            refused = (event.client, event.server) in self._resets
            self._made[at] = self._made[at]._replace(
                client=event.client,
                settled_ns=event.ts_ns,
                established=event.reason == _ESTABLISHED,
                refused=refused,
            )

    def _end(self, event: Event) -> None:
        for at, made in enumerate(self._made):
            if made.established and (made.client, made.server) == (event.client, event.server):
                self._made[at] = made._replace(left_ns=event.ts_ns)

    def _thread(self, tid: int) -> tuple[int, bool | None]:
        """Return a thread's process, and whether it is in another network namespace."""
        if tid not in self._threads:
            if len(self._threads) >= _MOST_THREADS:
                self._threads.clear()
            pid = procfs.status(tid).get("Tgid", "")
            network = procfs.network(tid)
            known = network is not None and self._network is not None
            self._threads[tid] = (
                int(pid) if pid.isdigit() else tid,
                network != self._network if known else None,
            )
        return self._threads[tid]


def _may_be(begun: Endpoint | None, ended: Endpoint | None) -> bool:
    """Whether the address that a connect began with is that of its end; before the route is known it has none."""
    if begun is None or ended is None:
        return True
    return begun.address in _ANY or begun.address == ended.address


def threads_of(pids: Iterable[int], until: float) -> tuple[int, ...]:
    """Return the threads of processes and of what they started, until the time (``time.monotonic``) is up.

    The first process started everything: of it only the threads.
    """
    wanted = set(pids)
    children: dict[int, list[int]] = {}
    for pid in procfs.processes(until):
        fields = (procfs.text(f"{pid}/stat") or "").rpartition(")")[2].split()
        if len(fields) > 1 and fields[1].isdigit():
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    queue = sorted(wanted)
    while queue and len(found) < _MOST_THREADS:
        pid = queue.pop(0)
        with contextlib.suppress(OSError), os.scandir(procfs.PROC / str(pid) / "task") as entries:
            found += [int(entry.name) for entry in entries]
        more = [child for child in children.get(pid, ()) if child not in wanted] if pid != 1 else []
        wanted.update(more)
        queue += more
    return tuple(found[:_MOST_THREADS])
