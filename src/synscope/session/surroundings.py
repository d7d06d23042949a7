"""What else is known around a live observation: looks at the host, and the kernel's own word.

Input: the plan, the helper (or none), and when things happen. Output: observations for each target. Looks are
taken before, during (when it goes on for a while) and after; each is bounded, and while one is taken the capture
goes on. What cannot be had is an observation that says why.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self

from synscope.command.hosts import hosts_of
from synscope.evidence.host.observe import observe_host
from synscope.evidence.host.view import Use
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.ties import STALL_NS, connect_of
from synscope.evidence.kernel.witness import sum_up
from synscope.evidence.payload.mismatch import unanswered_in
from synscope.evidence.waits import waits_of
from synscope.model import FAILURES, Attempt, Diagnosis, Endpoint, Observation, Target, TargetSummary
from synscope.probes.host import proxy
from synscope.probes.host.collect import collect
from synscope.probes.host.snapshot import Snapshot, Sockets
from synscope.probes.host.snapshot_json import LONGEST_DOCUMENT, SnapshotError, from_json
from synscope.probes.kernel.events import Event, Kind, Task, TraceHealth
from synscope.probes.kernel.trace_reader import TraceReader
from synscope.process.elevate import Helper
from synscope.process.errors import HelperError
from synscope.process.helper import LOOK_S
from synscope.reference.loopback import parsed
from synscope.session.server_legs import ServerLegs
from synscope.units import listed

DURING_S: Final = 0.7
"""Seconds after which what still goes on is looked at."""
_WAIT_S: Final = LOOK_S + 0.3
_READ_S: Final = 0.3
"""Seconds in which a snapshot that is ready is read."""
_CHUNK: Final = 1 << 16
_ESTABLISHED: Final = "TCP_ESTABLISHED"
_MOST_SEARCHED: Final = 2_000
"""Events in which makers are looked for while the capture goes on: more would keep it from its frames."""


class _Look:
    """One look that is being taken. Call ``result`` once."""

    def __init__(self, descriptor: int | None, future: Future[Snapshot] | None) -> None:
        self._descriptor = descriptor
        self._future = future
        self._until = time.monotonic() + _WAIT_S

    def result(self) -> Snapshot | None:
        """Wait for the snapshot as long as one may take; return ``None`` when it did not come."""
        if self._future is not None:
            try:
                return self._future.result(max(0.0, self._until - time.monotonic()))
            except Exception:  # noqa: BLE001 - a look that failed is one that was not taken
                return None
        text = self._text()
        try:
            return from_json(text) if text else None
        except SnapshotError:
            return None

    def _text(self) -> bytes:
        assert self._descriptor is not None  # noqa: S101 - one of the two is there
        found = b""
        # A look that was over long ago only has to be read.
        until = max(self._until, time.monotonic() + _READ_S)
        with os.fdopen(self._descriptor, "rb", buffering=0) as pipe:
            while len(found) <= LONGEST_DOCUMENT:
                left = until - time.monotonic()
                if left <= 0 or not select.select([pipe], [], [], left)[0]:
                    return b""
                piece = pipe.read(_CHUNK)
                if not piece:
                    return found
                found += piece
        return b""


class Surroundings:
    """Observes everything but packets. Use as a context manager."""

    def __init__(  # noqa: PLR0913 - what is looked at, from where, and for whom
        self,
        helper: Helper | None,
        targets: Sequence[Target],
        environment: Mapping[str, str],
        *,
        namespace: str | None = None,
        another_network: bool = False,
        command: Sequence[str] = (),
    ) -> None:
        """``another_network`` says that the capture is of another network namespace than this process's."""
        self._helper = helper
        self.ports = sorted({target.wrapped for target in targets})
        self._used = {target.port: hosts_of(command, target.port) for target in targets} if command else {}
        own = {"localhost", *(target.host for target in targets if target.host is not None)}
        more = (host for hosts in self._used.values() for host in hosts if parsed(host) is None)
        self._hosts = list(dict.fromkeys((*sorted(own), *more)))
        self._environment = proxy.of_environment(environment)
        self._namespace = namespace
        self.another_network = another_network
        self._calls = bool(command)
        self._looks: list[_Look] = []
        self._taken: list[Snapshot] = []
        self._began = time.monotonic()
        self._pool: ThreadPoolExecutor | None = None
        self._trace: TraceReader | None = None
        self._trace_health = TraceHealth(error="the kernel's trace needs root")
        self._settled = False
        self._legs = ServerLegs(None, self.ports, another_network)
        self._during = False
        self.client: str | None = None
        """The command's program, where there is a command."""
        self.own_servers: frozenset[Endpoint] = frozenset()
        """Where this program itself listens: nobody's service, so no look tells of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Switch the trace on and look at the host for the first time."""
        self._begin_trace()
        self._look()

    def settle(self) -> None:
        """Wait for the look that was begun last: before the command starts, say."""
        looked = [look.result() for look in self._looks]
        self._taken += [self._without_own(found) for found in looked if found is not None]
        self._looks.clear()
        if self._trace is not None and not self._settled:
            self._settled = True
            self._legs.begin(self._taken)

    def _without_own(self, found: Snapshot) -> Snapshot:
        if not self.own_servers or not isinstance(found.sockets, Sockets):
            return found
        others = tuple(
            listener
            for listener in found.sockets.listeners
            if Endpoint(listener.address, listener.port) not in self.own_servers
        )
        return found._replace(sockets=found.sockets._replace(listeners=others))

    def step(self) -> None:
        """Take what the trace says; look again once it goes on for longer."""
        if self._trace is not None:
            self._trace.read()
            self._legs.step(self._trace)
        if not self._during and time.monotonic() - self._began > DURING_S:
            self._during = True
            self._look()

    def restart(self) -> None:
        """Count the time from now on: the command starts."""
        self._began = time.monotonic()

    def started(self, pid: int) -> None:
        """Tell the trace which process the command is: call before the next step."""
        if self._trace is not None:
            self._trace.watch(pid)

    def end(self) -> None:
        """Look for the last time."""
        self._look()

    def finish(self) -> None:
        """Wait for the last look, and end the trace."""
        self.settle()
        self._end_trace()

    def observe(self, summary: TargetSummary) -> Iterable[Observation]:
        """Return what is known about one target besides its packets."""
        failed_at = {
            group.server.address
            for group in summary.groups
            if group.label in FAILURES and not group.recovered
        }
        events = [] if self._trace is None else self._trace.events
        own = self._legs.connects(self._taken)
        kernel = observe_kernel(summary.target, summary.groups, events, self._trace_health, own)
        host = observe_host(
            summary.target,
            self._taken,
            environment_known=True,
            failed_at=sorted(failed_at),
            client=self.client,
            spoken=unanswered_in(summary),
            use=self._use(summary, events),
            waits=tuple(waits_of(summary.groups)),
        )
        return (*host, *kernel)

    def _use(self, summary: TargetSummary, events: Iterable[Event]) -> Use | None:
        """Return how the command goes about a target that it did not get as far as."""
        hosts = self._used.get(summary.target.port)
        return None if hosts is None or summary.groups else Use(hosts, _tried(summary, events))

    def attributed(self, diagnosis: Diagnosis) -> Diagnosis:
        """Return the diagnosis with notes of who made the attempts, and who listened when, says the trace."""
        events = [] if self._trace is None else self._trace.events
        said: list[str] = []
        for target_diagnosis in diagnosis.targets:
            summary = target_diagnosis.summary
            witness = sum_up(summary.target, summary.groups, events, self._trace_health)
            said += _made_by(witness.processes)
            said += [f"port {summary.target.port}: {sentence}" for sentence in witness.listeners]
        if not said:
            return diagnosis
        notes = (*diagnosis.health.notes, *dict.fromkeys(said))
        return diagnosis._replace(health=replace(diagnosis.health, notes=notes))

    def makers(self, attempts: Sequence[Attempt]) -> dict[int, Task]:
        """Return the threads that made these attempts, by attempt, as far as the trace tells it by now."""
        if self._trace is None or not attempts:
            return {}
        start = min(attempt.first_ts_ns for attempt in attempts) - STALL_NS
        events = [event for event in self._trace.events if event.ts_ns >= start]
        if len(events) > _MOST_SEARCHED:
            return {}
        record = Record(events, self._trace.health)
        tied = ((attempt.id, connect_of(record, attempt).connect) for attempt in attempts)
        return {number: connect.task for number, connect in tied if connect is not None}

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The looks that were taken, in order of time."""
        return tuple(self._taken)

    def close(self) -> None:
        """Release everything, whatever state it is in."""
        self._end_trace()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    # -- looks ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._helper is not None:
            with contextlib.suppress(HelperError):
                descriptor = self._helper.look(self.ports, self._hosts, self._environment, self._namespace)
                self._looks.append(_Look(descriptor, None))
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="synscope-look")
        self._looks.append(_Look(None, self._pool.submit(self._collect)))

    def _collect(self) -> Snapshot:
        return collect(self.ports, environment=self._environment, hosts=self._hosts, budget_s=LOOK_S)

    # -- the kernel's trace ---------------------------------------------------------------------------

    def _begin_trace(self) -> None:
        if self._helper is None:
            return
        try:
            handover = self._helper.trace(self.ports, calls=self._calls)
            self._trace = TraceReader(handover, self.ports, elsewhere=self.another_network)
            self._legs.helper = self._helper
        except HelperError as error:
            self._trace_health = TraceHealth(error=str(error))

    def _end_trace(self) -> None:
        if self._trace is None or self._helper is None:
            return
        self._legs.close()
        self._trace.close()
        self._trace_health = self._trace.health
        helper, self._helper = self._helper, None
        with contextlib.suppress(HelperError):  # it removes the instance itself when it ends
            helper.untrace()


def _tried(summary: TargetSummary, events: Iterable[Event]) -> dict[str, bool]:
    """Return the addresses at which connects to the target's port ended, and whether one was made there."""
    found = [(miss.address, miss.completed) for miss in summary.near_misses if miss.kind == "other-address"]
    port = summary.target.port
    found += [
        (event.server.address, event.reason == _ESTABLISHED)
        for event in events
        if event.kind is Kind.SETTLED and event.server is not None and event.server.port == port
    ]
    tried: dict[str, bool] = {}
    for address, made in found:
        tried[address] = made or tried.get(address, False)
    return tried


def _made_by(processes: Mapping[int, Task]) -> list[str]:
    """Return a sentence for each process that made attempts. Its name is its own choice."""
    numbers: dict[Task, list[str]] = {}
    for attempt, task in sorted(processes.items()):
        numbers.setdefault(task, []).append(f"#{attempt}")
    return [
        f"{listed(made)} {'was' if len(made) == 1 else 'were'} made by {task}, says the kernel"
        for task, made in numbers.items()
    ]
