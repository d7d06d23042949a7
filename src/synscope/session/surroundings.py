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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final, Self

from synscope.command.hosts import hosts_of
from synscope.command.own_end import own_end
from synscope.evidence.host.observe import observe_host
from synscope.evidence.host.view import Use, failed_within
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.kernel.record import Record
from synscope.evidence.kernel.rules import NOTHING_FAILED
from synscope.evidence.kernel.ties import STALL_NS, connect_of
from synscope.evidence.kernel.witness import sum_up
from synscope.evidence.payload.mismatch import unanswered_in
from synscope.evidence.waits import waits_of
from synscope.model import (
    FAILURES,
    PORT_MAX,
    Answer,
    Attempt,
    Diagnosis,
    Endpoint,
    Observation,
    Target,
    TargetDiagnosis,
    TargetSummary,
)
from synscope.probes.host import proxy
from synscope.probes.host.client import Client
from synscope.probes.host.collect import collect
from synscope.probes.host.snapshot import Firewall, PacketKind, RuleVerdict, Ruling, Snapshot, Sockets
from synscope.probes.host.snapshot_json import LONGEST_DOCUMENT, SnapshotError, from_json
from synscope.probes.kernel.events import Event, Kind, Task, TraceHealth
from synscope.probes.kernel.trace_reader import TraceReader
from synscope.process.elevate import Helper
from synscope.process.errors import HelperError
from synscope.process.helper import LOOK_S
from synscope.reference.loopback import parsed
from synscope.session.attribution import Attribution
from synscope.session.firewall_trace import SessionFirewallTrace
from synscope.session.server_legs import ServerLegs
from synscope.units import listed

DURING_S: Final = 0.7
"""Seconds after which what still goes on is looked at."""
_WAIT_S: Final = LOOK_S + 0.3
_READ_S: Final = 0.3
"""Seconds in which a snapshot that is ready is read."""
PATIENCE_S: Final = 1.75
"""Seconds that are spent in all on waiting for looks and for the trace. What is late is missing."""
_LEAST_S: Final = 0.02
"""Seconds that each of them gets all the same: what is ready can be read."""
_CHUNK: Final = 1 << 16
_PORT_DIGITS: Final = 5
_LEFT: Final = "kernel-saw-command-leave-network"
_ESTABLISHED: Final = "TCP_ESTABLISHED"
_PASSING: Final = "firewall-seen-passing"
_MOST_SEARCHED: Final = 2_000
"""Events in which makers are looked for while the capture goes on: more would keep it from its frames."""


class _Look:
    """One look that is being taken. Call ``result`` once."""

    def __init__(self, descriptor: int | None, future: Future[Snapshot] | None) -> None:
        self._descriptor = descriptor
        self._future = future
        self._until = time.monotonic() + _WAIT_S

    def result(self, most_s: float) -> Snapshot | None:
        """Wait for the snapshot as long as one may take, at most so many seconds; ``None`` when it did not come."""
        last = time.monotonic() + most_s
        if self._future is not None:
            try:
                return self._future.result(max(0.0, min(self._until, last) - time.monotonic()))
            except Exception:  # noqa: BLE001 - a look that failed is one that was not taken
                return None
        text = self._text(last)
        try:
            return from_json(text) if text else None
        except SnapshotError:
            return None

    def _text(self, last: float) -> bytes:
        assert self._descriptor is not None  # noqa: S101 - one of the two is there
        found = b""
        # A look that was over long ago only has to be read.
        until = min(max(self._until, time.monotonic() + _READ_S), last)
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
        trace_firewall: bool = False,
        uid: int | None = None,
        parent: int | None = None,
    ) -> None:
        """Prepare to look around, for the client of the user ``uid``.

        ``another_network`` says that the capture is of another network namespace than this process's. ``parent`` is
        the process whose child the command will be, where the command's calls are to be followed.
        """
        self._firewall = SessionFirewallTrace()
        self._traces_firewall = trace_firewall
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
        self._parent = parent
        device, source = own_end(command)
        self._client = Client(uid, device=device, source=source)
        self._looks: list[_Look] = []
        self._taken: list[Snapshot] = []
        self._began = time.monotonic()
        self._pool: ThreadPoolExecutor | None = None
        self._trace: TraceReader | None = None
        self._trace_health = TraceHealth(error="the kernel's trace needs root")
        self._settled = False
        self._legs = ServerLegs(None, self.ports, another_network)
        self._attribution = Attribution()
        self._during = False
        self._patience_s = PATIENCE_S
        self.client: str | None = None
        """The command's program, where there is a command."""
        self.own_servers: frozenset[Endpoint] = frozenset()
        """Where this program itself listens: nobody's service, so no look tells of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Look at the host for the first time, and switch the trace on meanwhile."""
        self._look()
        self._begin_trace()
        if self._traces_firewall:
            self._firewall.begin(self._helper, self.ports, self._namespace)

    def settle(self) -> None:
        """Wait for the look that was begun last: before the command starts, say."""
        for look in self._looks:
            with self._patient() as seconds:
                found = look.result(seconds)
            if found is not None:
                self._taken.append(self._without_own(found))
        self._looks.clear()
        if self._trace is not None and not self._settled:
            self._settled = True
            self._legs.begin(self._taken)
        self._attribution.looks = self._taken

    @contextlib.contextmanager
    def _patient(self, least_s: float = _LEAST_S) -> Iterator[float]:
        """Within: wait at most for the seconds that are given, ``least_s`` or more; others have so much less."""
        began = time.monotonic()
        seconds = max(self._patience_s, least_s)
        try:
            with contextlib.nullcontext() if self._helper is None else self._helper.waiting(seconds):
                yield seconds
        finally:
            self._patience_s -= time.monotonic() - began

    def _without_own(self, found: Snapshot) -> Snapshot:
        if not self.own_servers or not isinstance(found.sockets, Sockets):
            return found
        others = tuple(
            listener
            for listener in found.sockets.listeners
            if Endpoint(listener.address, listener.port) not in self.own_servers
        )
        return found._replace(sockets=found.sockets._replace(listeners=others))

    def redirects(self) -> dict[int, frozenset[Endpoint]]:
        """Return where firewall rules send what goes to the ports, by port, as far as the looks tell."""
        found: dict[int, set[Endpoint]] = {}
        for look in self._taken:
            if isinstance(look.firewall, Firewall):
                for ruling in look.firewall.rulings:
                    if ruling.verdict is RuleVerdict.REDIRECT and ruling.packet is PacketKind.SYN:
                        found.setdefault(ruling.port, set()).update(redirected_to(ruling))
        return {port: frozenset(ends) for port, ends in found.items()}

    def step(self) -> None:
        """Take what the trace says; look again once it goes on for longer."""
        if self._trace is not None:
            self._trace.read()
            self._legs.step(self._trace)
        self._firewall.read()
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

    @property
    def followed(self) -> bool:
        """Whether the calls of the command are told of."""
        return self._trace is not None and self._trace.health.denials

    def end(self) -> None:
        """Look for the last time."""
        self._look()

    def finish(self) -> None:
        """Wait for the last look, and end the trace."""
        self.settle()
        self._firewall.end()
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
        kernel = observe_kernel(
            summary.target, summary.groups, events, self._trace_health, self._firewall.trace, own=own
        )
        host = observe_host(
            summary.target,
            self._taken,
            environment_known=True,
            failed_at=sorted(failed_at),
            client=self.client,
            spoken=unanswered_in(summary),
            use=self._use(summary, events),
            waits=tuple(waits_of(summary.groups)),
            failed_within=failed_within(summary),
            left=went_elsewhere(kernel),
        )
        return (*host, *kernel)

    def _use(self, summary: TargetSummary, events: Iterable[Event]) -> Use | None:
        """Return how the command goes about a target that it did not get as far as."""
        hosts = self._used.get(summary.target.port)
        return None if hosts is None or summary.groups else Use(hosts, _tried(summary, events))

    def attributed(self, diagnosis: Diagnosis) -> Diagnosis:
        """Return the diagnosis with the processes of its attempts, and notes of who listened when, says the trace."""
        events = [] if self._trace is None else self._trace.events
        said: list[str] = []
        targets = []
        for target_diagnosis in diagnosis.targets:
            summary = target_diagnosis.summary
            witness = sum_up(summary.target, summary.groups, events, self._trace_health)
            said += _made_by(witness.processes)
            said += [f"port {summary.target.port}: {sentence}" for sentence in witness.listeners]
            if self._traces_firewall:
                said += _of_firewall(summary, target_diagnosis.facts.observations.get(_PASSING))
            targets.append(self._with_processes(target_diagnosis, witness.processes))
        diagnosis = diagnosis._replace(targets=tuple(targets))
        if not said:
            return diagnosis
        notes = (*diagnosis.health.notes, *dict.fromkeys(said))
        return diagnosis._replace(health=replace(diagnosis.health, notes=notes))

    def _with_processes(self, target: TargetDiagnosis, makers: Mapping[int, Task]) -> TargetDiagnosis:
        known = self._attribution.known
        groups = tuple(
            replace(group, examples=tuple(known(each, makers.get(each.id)) for each in group.examples))
            for group in target.summary.groups
        )
        return target._replace(facts=target.facts._replace(summary=target.summary._replace(groups=groups)))

    def named(self, attempt: Attempt) -> Attempt:
        """Return an attempt that has settled with the processes at its ends, as far as they are known by now."""
        return self._attribution.named(attempt)

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
        self._firewall.end()
        self._end_trace()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    # -- looks ----------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._helper is not None:
            with contextlib.suppress(HelperError), self._patient():
                descriptor = self._helper.look(
                    self.ports, self._hosts, self._environment, self._namespace, self._client
                )
                self._looks.append(_Look(descriptor, None))
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="synscope-look")
        self._looks.append(_Look(None, self._pool.submit(self._collect)))

    def _collect(self) -> Snapshot:
        return collect(
            self.ports,
            environment=self._environment,
            client=self._client,
            hosts=self._hosts,
            budget_s=LOOK_S,
        )

    # -- the kernel's trace ---------------------------------------------------------------------------

    def _begin_trace(self) -> None:
        if self._helper is None:
            return
        try:
            with self._patient():
                handover = self._helper.trace(self.ports, calls=self._calls, tree=self._parent)
            self._trace = TraceReader(handover, self.ports, elsewhere=self.another_network)
            self._legs.helper = self._helper
            self._attribution.trace = self._trace
        except HelperError as error:
            self._trace_health = TraceHealth(error=str(error))

    def _end_trace(self) -> None:
        if self._trace is None or self._helper is None:
            return
        self._legs.close()
        self._trace.close()
        self._trace_health = self._trace.health
        with contextlib.suppress(HelperError):  # it removes it itself when it ends
            self._helper.untrace()
        self._helper = None


def went_elsewhere(kernel: Iterable[Observation]) -> str:
    """Return the kernel's words that the command went into another network namespace; empty where it did not."""
    return next(
        (each.text for each in kernel if each.name == _LEFT and each.answer is Answer.YES),
        "",
    )


def redirected_to(ruling: Ruling) -> set[Endpoint]:
    """Return the endpoints that a redirect can mean: an IPv6 address with a port behind it is ambiguous."""
    where = ruling.how.removeprefix("port ")
    here = "::1" if ":" in ruling.address else "127.0.0.1"
    if where == "this machine":
        return {Endpoint(here, ruling.port)}
    whole = parsed(where.strip("[]"))
    found = set() if whole is None else {Endpoint(str(whole), ruling.port)}
    head, _, number = where.rpartition(":")
    address = parsed(head.strip("[]"))
    if number.isdecimal() and len(number) <= _PORT_DIGITS and int(number) <= PORT_MAX:
        if address is not None:
            found.add(Endpoint(str(address), int(number)))
        elif not head:
            found.add(Endpoint(here, int(number)))
    return found


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


def _of_firewall(summary: TargetSummary, passing: Observation | None) -> list[str]:
    """Return what the firewall's trace says where it names no rule: that there is none, or why it is not known."""
    port, failed = summary.target.port, any(group.failed for group in summary.groups)
    if passing is None or passing.answer is Answer.NO or not (failed or not summary.groups):
        return []
    if passing.answer is Answer.YES:
        return [f"port {port}: {passing.text}, says the firewall's trace"]
    if not failed and passing.text == NOTHING_FAILED:
        return []
    return [f"port {port}: whether a firewall rule stopped it could not be told: {passing.text}"]


def _made_by(processes: Mapping[int, Task]) -> list[str]:
    """Return a sentence for each process that made attempts. Its name is its own choice."""
    numbers: dict[Task, list[str]] = {}
    for attempt, task in sorted(processes.items()):
        numbers.setdefault(task, []).append(f"#{attempt}")
    return [
        f"{listed(made)} {'was' if len(made) == 1 else 'were'} made by {task}, says the kernel"
        for task, made in numbers.items()
    ]
