"""The processes at the ends of attempts, by what frames claim of them.

Input: claims with the frames that they are about. Output: attempts with their processes. Bounded in memory: of a
capture with very many connections the later ones have none.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from synscope.capture.read.process_claims import Claim
from synscope.engine.batch import KIND_TCP, Batch
from synscope.engine.tracker import address_text
from synscope.model import Attempt, Endpoint, EndProcesses

_MOST_ENDS: Final = 65_536
_MOST_RUNS: Final = 64
_SYN_ONLY: Final = 0x02
_SYN_ACK: Final = 0x12


class _Run:
    """Frames of one end that have the same process, with no other one of it between them."""

    __slots__ = ("first", "last", "of_flow", "process")

    def __init__(self, claim: Claim) -> None:
        self.first = self.last = claim.frame
        self.process = claim.process
        self.of_flow = claim.of_flow


class ClaimedProcesses:
    """The processes of attempts, by what their frames claim."""

    def __init__(self) -> None:
        self._runs: dict[tuple[Endpoint, Endpoint], list[_Run]] = {}

    def take(self, claims: deque[Claim], batch: Batch, first: int) -> None:
        """Take the claims of a decoded batch, whose first frame has the number ``first``, off the queue."""
        while claims and claims[0].frame < first + batch.count:
            claim = claims.popleft()
            i = claim.frame - first
            if i < 0 or batch.kind[i] != KIND_TCP:
                continue
            if claim.sent and not batch.length[i] and batch.flags[i] & _SYN_ACK != _SYN_ONLY:
                continue
            source = Endpoint(address_text(batch.src_high[i], batch.src_low[i]), batch.ports[i] >> 16)
            target = Endpoint(address_text(batch.dst_high[i], batch.dst_low[i]), batch.ports[i] & 0xFFFF)
            self._note((source, target) if claim.of_source else (target, source), claim)

    def _note(self, ends: tuple[Endpoint, Endpoint], claim: Claim) -> None:
        if ends not in self._runs and len(self._runs) == _MOST_ENDS:
            return
        runs = self._runs.setdefault(ends, [])
        if runs and runs[-1].process == claim.process:
            runs[-1].last = claim.frame
        elif len(runs) < _MOST_RUNS:
            runs.append(_Run(claim))

    def named(self, attempt: Attempt) -> Attempt:
        """Return the attempt with the processes at its ends; frames that disagree say nothing."""
        last = max(number for number in attempt.frames if number is not None)
        client = self._run((attempt.client, attempt.server), attempt.frames.first, last)
        server = self._run((attempt.server, attempt.client), attempt.frames.first, last)
        if server is not None and server.of_flow and (client is None or client.process == server.process):
            server = None
        if client is None and server is None:
            return attempt
        ends = [None if run is None else run.process for run in (client, server)]
        return attempt._replace(process=EndProcesses(*ends))

    def _run(self, ends: tuple[Endpoint, Endpoint], first: int, last: int) -> _Run | None:
        runs = [run for run in self._runs.get(ends, ()) if run.last >= first and run.first <= last]
        told = {(run.process.pid, run.process.name) for run in runs}
        return runs[0] if len(told) == 1 else None
