"""One live capture: frames from the ring through the engine, until it is stopped, and then the diagnosis.

Input: a ring, the targets, and who is told what. Output: counts and the newest attempts while it goes, a
``Diagnosis`` at the end. Runs in the process that has given up its privileges.

Invariants: every frame of the ring gets a number, whether it is followed or not, so that numbers agree with what
is saved; the capture's own self-test is no part of the results; of a port that is not watched only the SYN, FIN
and RST are captured, so that its handshakes are near misses and never judged.
"""

from __future__ import annotations

import os
import sys
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from synscope.analysis import diagnose
from synscope.capture.live.self_test import SelfTestConnection, SelfTestResult, listeners
from synscope.capture.source import LiveSource, RingState
from synscope.capture.write.save import Saver
from synscope.capture.write.storage import SaveError
from synscope.engine.batch import Batch
from synscope.engine.follower import Copies
from synscope.engine.moments import Moments
from synscope.engine.names import linktype_name
from synscope.engine.outcome import OUTCOME_RULES
from synscope.following import Following
from synscope.model import (
    FAILURES,
    PORT_MAX,
    Attempt,
    AttemptGroup,
    Canary,
    CaptureHealth,
    Claim,
    Command,
    Diagnosis,
    Endpoint,
    Label,
    Live,
    Observation,
    Outcome,
    Target,
    TargetSummary,
)
from synscope.reference.systems import system_named
from synscope.units import count

WAIT_S: Final = 0.05
"""Seconds a step waits for frames at most."""
REFUSED_NS: Final = 1_000_000_000
"""How long a refused try may still get through at another address."""
SILENT_NS: Final = 3_000_000_000
"""How long an unanswered SYN waits until it counts as failed while the capture still runs."""

_MOST_OWED: Final = 16
"""Of so many attempts at most, the newest, a late answer is waited for."""

_LABELS: Final = {rule.outcome: rule.label for rule in OUTCOME_RULES}
_WAITING: Final = frozenset({Label.SYN_NO_REPLY, Label.HALF_OPEN, Label.ODD_REPLY, Label.ONE_SIDED})


@dataclass(frozen=True, slots=True)
class Stop:
    """When a capture ends by itself; nothing set: never."""

    duration: float | None = None
    """Seconds."""
    attempts: int | None = None
    on_failure: bool = False
    on_success: bool = False


class LiveAnalysis:
    """A capture that runs. Owns ``ring``; ends ``saver``, but leaves closing it to others.

    ``interface`` is its name as the user knows it. ``covered`` says that no client can reach a target without being
    seen there.
    """

    def __init__(  # noqa: PLR0913 - what is captured, for whom
        self,
        ring: LiveSource,
        interface: str,
        targets: Sequence[Target],
        *,
        covered: bool = True,
        saver: Saver | None = None,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self._ring = ring
        self._interface = interface
        self._targets = targets
        self._saver = saver
        self._covered = covered
        self._told = on_attempt
        self._following = Following(on_attempt=None if on_attempt is None else self._tell)
        self._ports = _marks(targets)
        self._everything = not targets
        self._copies = (
            Copies(seed=int.from_bytes(os.urandom(8)), loopback=ring.loopback) if ring.several else None
        )
        self._linktypes: dict[int, None] = {}
        self._began = time.monotonic()
        self._notes: list[str] = []
        self._seen_of_self_test: set[tuple[Endpoint, Endpoint]] = set()
        self.self_test: tuple[SelfTestConnection, ...] = ()
        """Its connections; none where the capture leaves out the loopback interface."""
        self.redirects: Mapping[int, Collection[Endpoint]] = {}
        """Where firewall rules send what goes to a target's port; the ports there are watched."""
        self.late_redirects: Mapping[int, Collection[Endpoint]] = {}
        """The same as looks told later, when no more ports could be watched."""
        self.named: Callable[[Attempt], Attempt] = lambda attempt: attempt
        """Adds to an attempt that is told what else is known about it."""
        self.own_servers: frozenset[Endpoint] = frozenset()
        """Servers of this program's own beside the self-test's: no part of the results either."""

    def count_moments(self, moments: Moments) -> None:
        """Count from now on when attempts began."""
        self._following.tracker.moments = moments

    # -- while it goes --------------------------------------------------------------------------------

    def step(self, wait: float = WAIT_S) -> None:
        """Follow the frames that wait, or wait for some; settle what is over now and then."""
        once = None if self._copies is None else self._once
        for data, batch in self._following.followed(self._ring.batches(wait), once=once):
            self._note_linktypes(batch)
            if self._saver is not None and self._saver.error is None:
                try:
                    self._saver.write(data, batch, self._ring.unfilled, self._ring.ifindex)
                except SaveError as error:
                    self._notes.append(str(error))
        last = self._following.last_ts_ns
        self._following.settle(0 if last is None else max(0, time.time_ns() - last))

    def _note_linktypes(self, batch: Batch) -> None:
        if batch.count:
            found = batch.linktype[: batch.count]
            # Nearly always all the same: compared as a whole, for one by one takes longer than all else here.
            alike = found == array("I", [found[0]]) * batch.count
            self._linktypes.update(dict.fromkeys(found[:1] if alike else found))

    def _once(self, batch: Batch) -> None:
        assert self._copies is not None  # noqa: S101 - only then is this called
        self._copies.leave_out(batch, self._ring.unfilled, self._ring.ifindex)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def frames(self) -> int:
        """Frames followed so far."""
        return self._following.frames

    @property
    def interface(self) -> str:
        """The interface's name as the user knows it."""
        return self._interface

    @property
    def ring(self) -> LiveSource:
        """The ring, for its health."""
        return self._ring

    def counts(self, before_ns: int | None = None) -> dict[Outcome, int]:
        """Count the attempts to the targets so far by outcome; with a time, those that began before it."""
        return self._following.tracker.tally(self._ports, (1 << 63) - 1 if before_ns is None else before_ns)

    def newest(self, most: int) -> list[Attempt]:
        """Return the newest attempts to the targets that are not settled, newest first, as they stand."""
        found = self._following.tracker.newest(self._ports, most)
        own = self._own()
        return [attempt for attempt in found if attempt.server not in own]

    def owes_answer(self) -> bool:
        """Whether a server has taken a request whose client has left, and may still answer it."""
        return any(
            attempt.client_bytes
            and not attempt.server_bytes
            and attempt.reset is None
            and "client-fin" in attempt.events
            and "server-fin" not in attempt.events
            for attempt in self.newest(_MOST_OWED)
        )

    def self_test_result(self) -> tuple[Canary, str]:
        """Return what the self-test proves so far, where attempts are told: it settles after some two seconds."""
        return _self_test_result(self.self_test, self._seen_of_self_test)

    def is_over(self, stop: Stop) -> bool:
        """Whether the capture has seen what it was to wait for."""
        if stop.duration is not None and self.elapsed >= stop.duration:
            return True
        if stop.attempts is None and not stop.on_failure and not stop.on_success:
            return False
        now = time.time_ns()
        everything = self.counts()
        refused, silent = self.counts(now - REFUSED_NS), self.counts(now - SILENT_NS)
        decided = failed = succeeded = 0
        for outcome, number in everything.items():
            label = _LABELS[outcome]
            ripe = (silent if label in _WAITING else refused).get(outcome, 0)
            if label is Label.COMPLETED:
                succeeded += number
                decided += number
            elif label in FAILURES:
                failed += ripe
                decided += ripe
        return (
            (stop.attempts is not None and decided >= stop.attempts)
            or (stop.on_failure and failed > 0)
            or (stop.on_success and succeeded > 0)
        )

    # -- at the end -----------------------------------------------------------------------------------

    def finish(
        self,
        name: str,
        *,
        command: Command | None = None,
        more: Callable[[TargetSummary], Iterable[Observation]] = lambda _: (),
    ) -> Diagnosis:
        """Take what still waits in the ring, end the capture and diagnose. ``name`` is the capture's."""
        self.step(0)
        groups, orphans = self._following.finish()
        own = self._own()
        syns = {
            (attempt.client, attempt.server)
            for group in groups
            if group.server in own
            for attempt in group.examples
        }
        self._end_saving()
        health = self._health(_self_test_result(self.self_test, syns))
        self._close()
        kept = [self._near(group) for group in groups if group.server not in own]
        diagnosis = diagnose(
            name,
            kept,
            orphans,
            health,
            self._targets,
            claim=self._claim(health),
            more=more,
            redirects={**self.redirects, **self.late_redirects},
        )
        return diagnosis._replace(command=command)

    def close(self) -> None:
        """End the capture without a diagnosis."""
        self._close()

    def _close(self) -> None:
        self._end_saving()
        self._ring.close()

    def _end_saving(self) -> None:
        """End the file, which stays open: a copy with comments may follow."""
        if self._saver is not None:
            try:
                self._saver.end()
            except SaveError as error:
                self._notes.append(str(error))

    def _own(self) -> frozenset[Endpoint]:
        return listeners(self.self_test) | self.own_servers

    def _tell(self, attempt: Attempt) -> None:
        if attempt.server in self._own():
            ends = (attempt.client, attempt.server)
            if any((connection.client, connection.server) == ends for connection in self.self_test):
                self._seen_of_self_test.add(ends)
        elif self._told is not None and (self._everything or self._ports[attempt.server.port]):
            self._told(self.named(attempt))

    def _near(self, group: AttemptGroup) -> AttemptGroup:
        """Take a half-open group of a port that is not watched for completed: only its SYN-ACKs are captured."""
        watched = self._everything or self._ports[group.server.port] or self._is_redirected(group.server)
        if watched or group.label is not Label.HALF_OPEN:
            return group
        return replace(group, label=Label.COMPLETED, outcome=Outcome.STILL_OPEN)

    def _is_redirected(self, server: Endpoint) -> bool:
        return any(server in ends for ends in self.redirects.values())

    def _claim(self, health: CaptureHealth) -> Claim:
        """Return how much it proves that nothing was seen: see ``model.Claim``."""
        live = health.live
        awake = live is not None and live.canary is Canary.SEEN and not self._ring.interruptions
        return Claim.STRONG if awake and self._covered and health.dropped == 0 else Claim.LIVE

    def _looked_at(self) -> str:
        """Return the name of the interface of which the source tells whether it is up."""
        ring = self._ring
        return (ring.several and ring.interface_name(ring.loopback)) or self._interface

    @property
    def trouble(self) -> str:
        """Why nothing comes, in words; empty where all is well."""
        ring = self._ring
        if ring.state is RingState.CAPTURING:
            return ""
        return f"{self._looked_at()}: {ring.state.value}" if ring.several else ring.state.value

    def _health(self, self_test: tuple[Canary, str]) -> CaptureHealth:
        ring, counted = self._ring, self._following.counted()
        notes = list(self._notes)
        if ring.state is not RingState.CAPTURING:
            notes.append(f"{self._looked_at()}: {ring.state.value}")
        elif ring.interruptions:
            notes.append(f"{self._looked_at()} went down {count(ring.interruptions, 'time')} meanwhile")
        if ring.damaged:
            notes.append(f"{count(ring.damaged, 'block')} of the ring could not be read to the end")
        undecoded = dict(counted.undecoded)
        if ring.unknown:
            undecoded["link layer not known"] = ring.unknown
        copies = 0 if self._copies is None else self._copies.segments
        return replace(
            counted,
            undecoded=undecoded,
            tcp_segments=counted.tcp_segments - copies,
            linktypes=tuple(linktype_name(number) for number in self._linktypes),
            system=system_named(sys.platform),
            format="live",
            snapped=ring.snapped,
            last_ts_ns=max(counted.last_ts_ns or 0, time.time_ns()),
            aggregated=0,
            dropped=ring.dropped,
            notes=tuple(notes),
            live=Live(
                self._interface,
                ring.received,
                *self_test,
                ring_use=ring.fullest,
                saved=() if self._saver is None else tuple(str(path) for path in self._saver.files),
            ),
        )


def _marks(targets: Sequence[Target]) -> array[int]:
    """Return a mark for each port that a client of a target may go to; without targets for every port."""
    if not targets:
        return array("I", b"\1\0\0\0" * (PORT_MAX + 1))
    marks = array("I", bytes(4 * (PORT_MAX + 1)))
    for target in targets:
        marks[target.wrapped] = 1
    return marks


def label_counts(counts: Mapping[Outcome, int]) -> dict[Label, int]:
    """Return counts by label, from counts by outcome."""
    found: dict[Label, int] = {}
    for outcome, number in counts.items():
        label = _LABELS[outcome]
        found[label] = found.get(label, 0) + number
    return found


def _self_test_result(
    connections: Sequence[SelfTestConnection], syns: set[tuple[Endpoint, Endpoint]]
) -> tuple[Canary, str]:
    """Return what the connections of both families prove; without any, loopback is not captured."""
    if not connections:
        return Canary.UNSENT, "the test connection goes over the loopback interface, which is not captured"
    results = [(connection, connection.result(syns)) for connection in connections]
    missed = [connection for connection, result in results if result is SelfTestResult.NOT_SEEN]
    if missed:
        families = " and ".join(f"IPv{connection.family}" for connection in missed)
        return Canary.NOT_SEEN, f"the capture did not see its own test connection over {families}"
    unsent = "; ".join(
        f"IPv{connection.family}: {connection.text}"
        for connection, result in results
        if result is SelfTestResult.UNSENT
    )
    if any(result is SelfTestResult.SEEN for _, result in results):
        return Canary.SEEN, unsent
    return Canary.UNSENT, unsent
