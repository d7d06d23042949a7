"""The processes at the ends of attempts: the client's by the kernel's trace, the server's by looks at the machine.

Input: the trace, as far as it has been read, and the looks that were taken. Output: attempts with their processes.
While the capture goes on, the trace is searched anew only so often that it costs little.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from synscope.evidence.host.server_process import server_process
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.ties import connect_of
from synscope.model import Attempt, EndProcess, EndProcesses, ProcessSource
from synscope.probes.host.snapshot import Snapshot
from synscope.probes.kernel.events import Task
from synscope.probes.kernel.trace_reader import TraceReader

_SHARE: Final = 20
"""Making the trace's record takes at most one part in so many of the time."""


class Attribution:
    """Names the processes of attempts."""

    def __init__(self) -> None:
        self.trace: TraceReader | None = None
        self.looks: Sequence[Snapshot] = ()
        """In order of time."""
        self._record: Record | None = None
        self._next = 0.0

    def named(self, attempt: Attempt) -> Attempt:
        """Return an attempt that has just settled, with what is known by now."""
        record = self._current()
        tied = None if record is None else connect_of(record, attempt).connect
        return self.known(attempt, None if tied is None else tied.task)

    def known(self, attempt: Attempt, maker: Task | None) -> Attempt:
        """Return an attempt with its processes. ``maker`` is the thread that made it, where that is known."""
        ends = EndProcesses(self._client(maker), server_process(attempt, self.looks))
        return attempt if ends == EndProcesses() else attempt._replace(process=ends)

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

    def _current(self) -> Record | None:
        """Return the trace's record, a new one where that is worth its time."""
        began = time.monotonic()
        if self.trace is not None and (began >= self._next or self.trace.is_closed):
            self._record = Record(self.trace.events, self.trace.health)
            now = time.monotonic()
            self._next = now + _SHARE * (now - began)
        return self._record
