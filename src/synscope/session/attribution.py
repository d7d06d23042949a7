"""The processes at the ends of attempts: the client's by the kernel's trace, the server's by looks at the machine.

Input: the trace, as far as it has been read, and the looks that were taken. Output: attempts with their processes.
Tying attempts to the trace takes a small share of the time; clients of attempts that do not fit into it stay unknown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from synscope.evidence.host.server_process import looks_around, server_process
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.ties import connect_of
from synscope.model import Attempt, Endpoint, EndProcess, EndProcesses, ProcessSource
from synscope.probes.host.snapshot import Snapshot
from synscope.probes.kernel.events import Task
from synscope.probes.kernel.trace_reader import TraceReader

_SHARE: Final = 20
"""What ties attempts to the trace takes at most one part in so many of the time."""
_AT_ONCE_S: Final = 0.1
"""Seconds that it may take before that."""
_MOST_SERVERS: Final = 1024


class Attribution:
    """Names the processes of attempts."""

    def __init__(self) -> None:
        self.trace: TraceReader | None = None
        self.looks: Sequence[Snapshot] = ()
        """In order of time."""
        self._record: Record | None = None
        self._is_last = False
        self._next = 0.0
        self._began = time.monotonic()
        self._spent_s = 0.0
        self._servers: dict[tuple[Endpoint, bool, int, int], EndProcess | None] = {}

    def named(self, attempt: Attempt) -> Attempt:
        """Return an attempt that has just settled, with what is known by now."""
        return self.known(attempt, self._maker(attempt))

    def known(self, attempt: Attempt, maker: Task | None) -> Attempt:
        """Return an attempt with its processes. ``maker`` is the thread that made it, where that is known."""
        client, server = self._client(maker), self._server(attempt)
        if client is None and server is None:
            return attempt
        return attempt._replace(process=EndProcesses(client, server))

    def _client(self, maker: Task | None) -> EndProcess | None:
        if maker is None:
            return None
        who = None if self.trace is None else self.trace.identities.of(*maker)
        if who is None:
            return EndProcess(maker.tid, maker.comm, None, None, None, ProcessSource.KERNEL)
        return EndProcess(
            who.pid,
            who.name or maker.comm,
            who.uid,
            who.container or None,
            who.unit or None,
            ProcessSource.KERNEL,
        )

    def _server(self, attempt: Attempt) -> EndProcess | None:
        """Return the server's process: the same looks say the same of every attempt to an endpoint."""
        before, after = looks_around(attempt, self.looks)
        answered = attempt.syn_ack_count > 0
        key = attempt.server, answered, id(before), id(after)
        if key not in self._servers:
            if len(self._servers) == _MOST_SERVERS:
                self._servers.clear()
            self._servers[key] = server_process(attempt.server, before, after, answered=answered)
        return self._servers[key]

    def _maker(self, attempt: Attempt) -> Task | None:
        """Return the thread that made an attempt, where the trace tells and there is time for it."""
        began = time.monotonic()
        if self.trace is None or self._spent_s > _AT_ONCE_S + (began - self._began) / _SHARE:
            return None
        record = self._current(self.trace, began)
        connect = connect_of(record, attempt).connect
        self._spent_s += time.monotonic() - began
        return None if connect is None else connect.task

    def _current(self, trace: TraceReader, now: float) -> Record:
        """Return the trace's record: a new one where that is worth its time, and once when the trace is over."""
        if self._record is None or (not self._is_last and (trace.is_closed or now >= self._next)):
            self._is_last = trace.is_closed
            self._record = Record(trace.events, trace.health)
            ended = time.monotonic()
            self._next = ended + _SHARE * (ended - now)
        return self._record
