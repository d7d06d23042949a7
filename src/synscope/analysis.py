"""The whole way for one capture: bytes → attempts → targets → facts → findings.

Input: a path (``-`` is standard input) and what to look at. Output: a ``Diagnosis``. A capture that cannot
be read is a ``Diagnosis`` whose health carries the error; one that is cut is analysed up to the cut.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from synscope.capture.errors import CaptureError
from synscope.capture.read.ahead import read_ahead
from synscope.capture.read.files import open_source
from synscope.capture.read.fileset import FileSet
from synscope.capture.read.reader import Reader
from synscope.capture.read.time_range import within
from synscope.capture.source import FrameSource
from synscope.capture.write.attachments import attachments
from synscope.causes.rank import rank
from synscope.engine import MODE
from synscope.engine.batch import Batch
from synscope.engine.follower import Follower
from synscope.engine.moments import Moments
from synscope.engine.tracker import Orphan
from synscope.evidence.agreement import settled
from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.packets.summary import found_targets, relevant, summarise
from synscope.evidence.target_number import observe_request
from synscope.model import (
    Attempt,
    AttemptGroup,
    CaptureFile,
    CaptureHealth,
    Claim,
    Diagnosis,
    Facts,
    Observation,
    Target,
    TargetDiagnosis,
    TargetSummary,
)
from synscope.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from synscope.probes.host.given import GivenSnapshot

MOST_DIAGNOSED = 256
"""Ports that are diagnosed one by one when the user named none; the others are only counted."""

_SEED_BYTES = 8
_SETTLE_EVERY = 0.5
_SETTLE_SHARE = 20
"""Settling takes at most one part in so many of the time."""
_ROOMS = 8 if MODE == "compiled" and (os.cpu_count() or 1) > 1 else 1
"""Buffers of frames read ahead: worth it where reading and tracking can overlap."""
_PAUSE = 10.0
"""Seconds without a frame after which all that is over has been settled."""


def analyze(  # noqa: PLR0913 - one parameter a choice
    capture: str,
    targets: Sequence[Target] = (),
    *,
    files: Sequence[str] = (),
    selection: Selection = EVERYTHING,
    on_attempt: Callable[[Attempt], None] | None = None,
    live: bool = False,
    on_read: Callable[[int], None] | None = None,
    snapshots: Sequence[GivenSnapshot] = (),
    moments: Moments | None = None,
) -> Diagnosis:
    """Analyse one capture.

    With ``files``, those together are the capture, in order of time, and ``capture`` is only its name.
    ``selection`` says which part of it is looked at.

    ``targets`` are what the user named; without any, every server port in the capture is a target.
    ``on_attempt`` receives every attempt as it settles; with ``live``, those of a pipe soon after they are
    over. ``on_read`` is told of each read how many bytes it brought. ``snapshots`` are what is known about
    the host, in order of time. ``moments`` counts when attempts began, for a timeline.
    """
    # Keyed hashing: a capture must not be able to choose its own collisions.
    follower = Follower(
        seed=int.from_bytes(os.urandom(_SEED_BYTES)), on_attempt=on_attempt, hosts=selection.hosts
    )
    try:
        end = _end(capture, files) if selection.needs_end else None
        settle = _Settle(follower) if live else None
        reader = _open(capture, files, settle, on_read)
    except CaptureError as error:
        return _unreadable(capture, error, targets)
    follower.tracker.odd_times = reader.odd_times
    follower.tracker.moments = moments
    first: int | None = None
    last: int | None = None
    try:
        with contextlib.closing(_decoded(reader, follower, selection, end)) as batches:
            for data, batch in batches:
                first = batch.ts_ns[0] if first is None else first
                last = max(last or 0, batch.ts_ns[batch.count - 1])
                follower.track(data, batch)
                if settle is not None:
                    settle.now_and_then()
    except CaptureError as error:
        return _unreadable(capture, error, targets, reader.files)
    finally:
        reader.close()
    groups = follower.tracker.finish()
    health = health_of(reader, follower, first, last)
    diagnosed = partial(diagnose, capture, groups, follower.tracker.orphans())
    if snapshots:
        from synscope.evidence.host.given import notes_on, observe_given  # noqa: PLC0415 - slow to import

        health = replace(health, notes=(*health.notes, *notes_on(snapshots, first, last)))
        diagnosis = diagnosed(health, targets, more=partial(observe_given, given=snapshots))
    else:
        diagnosis = diagnosed(health, targets)
    return diagnosis._replace(attachments=attachments(reader.comments))


def diagnose(  # noqa: PLR0913 - one parameter a source of facts
    capture: str,
    groups: Sequence[AttemptGroup],
    orphans: Sequence[Orphan],
    health: CaptureHealth,
    targets: Sequence[Target] = (),
    *,
    claim: Claim = Claim.FILE,
    more: Callable[[TargetSummary], Iterable[Observation]] = lambda _: (),
) -> Diagnosis:
    """From counted attempts to the diagnosis; pure, whatever source the attempts came from.

    ``claim`` is how much an absence proves. ``more`` says what else is known about a target.
    """
    end = health.last_ts_ns
    by_port: dict[int, list[AttemptGroup]] = {}
    for group in groups:
        by_port.setdefault(group.server.port, []).append(group)
    # A target that was found has attempts: only its own groups say what happened to it.
    found = [summarise(target, by_port[target.port], (), end_ts_ns=end) for target in found_targets(groups)]
    summaries = (
        [summarise(target, groups, orphans, end_ts_ns=end, claim=claim) for target in targets]
        if targets
        else found
    )
    chosen = set(map(id, _first_to_diagnose(summaries)) if not targets else map(id, summaries))
    others = relevant(found, summaries)
    diagnosed = tuple(
        TargetDiagnosis(facts, rank(facts)) if id(summary) in chosen else TargetDiagnosis(facts, ())
        for summary in summaries
        for facts in [_facts(summary, others, health, more, observed=id(summary) in chosen)]
    )
    if len(chosen) < len(summaries):
        note = (
            f"{len(summaries):,} server ports: {len(chosen)} are diagnosed, those that failed first; the others "
            "are only counted. Name a port with -p to have it diagnosed"
        )
        health = replace(health, notes=(*health.notes, note))
    return Diagnosis(capture=capture, health=health, targets=diagnosed, watched=bool(targets))


def _decoded(
    reader: FrameSource, follower: Follower, selection: Selection, end: int | None
) -> Generator[tuple[bytearray, Batch]]:
    """The selected frames of a source in decoded batches."""
    batches = reader.batches()
    if reader.rooms > 1 and not selection.timed:
        yield from read_ahead(batches, follower.decode, reader.rooms)
        return
    if selection.timed:
        batches = within(batches, selection, end, follower.skip)
    for data, batch in batches:
        follower.decode(data, batch)
        yield data, batch


class _Settle:
    """Settles attempts that are over while a pipe is still open: in its pauses, and now and then between."""

    def __init__(self, follower: Follower) -> None:
        self._tracker = follower.tracker
        self._next = 0.0
        self.wanted = False

    def in_pause(self, quiet: float) -> None:
        """Settle what has been over for long enough, given that nothing came for ``quiet`` seconds."""
        if quiet <= _PAUSE:  # nothing changes after that
            self._tracker.settle_over(int(quiet * 1e9))

    def now_and_then(self) -> None:
        """Settle, but not so often that it would cost much of the time."""
        began = time.monotonic()
        if self.wanted and began >= self._next:
            self._tracker.settle_over()
            ended = time.monotonic()
            self._next = ended + max(_SETTLE_EVERY, _SETTLE_SHARE * (ended - began))


def _open(
    capture: str,
    files: Sequence[str],
    settle: _Settle | None = None,
    on_read: Callable[[int], None] | None = None,
) -> FrameSource:
    if files:
        return FileSet(capture, files, on_read)
    source = open_source(capture, on_read)
    if settle is None or not source.live:
        return Reader(source, capture, rooms=1 if source.live else _ROOMS)
    settle.wanted = True
    return Reader(source, capture, settle.in_pause)


def _end(capture: str, files: Sequence[str]) -> int | None:
    """The latest time stamp of a capture, which is read once for it."""
    if not all(map(os.path.isfile, files or [capture])):
        raise CaptureError(
            capture, "has no end that is known before it is read: count from its beginning (+2.5s) instead"
        )
    with contextlib.closing(_open(capture, files)) as reader:
        return max((max(batch.ts_ns[: batch.count]) for _, batch in reader.batches()), default=None)


def _first_to_diagnose(summaries: Sequence[TargetSummary]) -> Iterable[TargetSummary]:
    """Those that failed before those that did not, as many as are diagnosed one by one."""
    if len(summaries) <= MOST_DIAGNOSED:
        return summaries
    return sorted(summaries, key=lambda summary: summary.failed == 0)[:MOST_DIAGNOSED]


def _facts(
    summary: TargetSummary,
    others: Sequence[TargetSummary],
    health: CaptureHealth,
    more: Callable[[TargetSummary], Iterable[Observation]],
    *,
    observed: bool,
) -> Facts:
    if not observed:
        return Facts(summary, {})
    seen = [
        *observe_request(summary.target),
        *observe_packets(summary, others, end_ts_ns=health.last_ts_ns, linktypes=health.linktypes),
        *more(summary),
    ]
    return Facts(summary, settled(seen))


def _unreadable(
    capture: str, error: CaptureError, targets: Sequence[Target], files: tuple[CaptureFile, ...] = ()
) -> Diagnosis:
    health = CaptureHealth(frames=0, error=error.reason, files=files)
    return Diagnosis(capture=capture, health=health, targets=(), watched=bool(targets))


def health_of(reader: FrameSource, follower: Follower, first: int | None, last: int | None) -> CaptureHealth:
    """How complete a capture was that has been followed to its end, from its first and last time stamp."""
    tracker = follower.tracker
    notes = _notes_on_files(reader)
    if reader.odd_times:
        notes.append(
            f"{len(reader.odd_times):,} time stamps lie outside any calendar: waits are not reliable"
        )
    if tracker.merged:
        notes.append("too many servers to tell apart: most are counted together under the address ::")
    skipped = (
        ("outside the selected time", follower.skipped),
        ("other addresses", follower.other_hosts),
    )
    return CaptureHealth(
        frames=reader.frames,
        undecoded=follower.undecoded(),
        cut=reader.cut,
        linktypes=reader.linktypes,
        format=reader.format,
        tcp_segments=follower.segments,
        duplicates=tracker.duplicates,
        strays=tracker.strays,
        snapped=reader.snapped,
        first_ts_ns=first,
        last_ts_ns=last,
        aggregated=tracker.aggregated,
        dropped=reader.dropped,
        notes=tuple(notes),
        files=reader.files,
        skipped={reason: number for reason, number in skipped if number},
    )


def _notes_on_files(reader: FrameSource) -> list[str]:
    """What is wrong with files of a set; nothing about a single capture, whose cut stands by itself."""
    notes = []
    for file in reader.files:
        if file.error is not None:
            notes.append(f"{file.path} was left out: {file.error}")
        elif file.cut is not None:
            where = f"after its frame {file.cut.frame}" if file.cut.frame else "before its first whole frame"
            notes.append(f"{file.path} is cut short {where}, at byte {file.cut.offset:,}: {file.cut.reason}")
    if isinstance(reader, FileSet) and reader.overlap:
        notes.append("files overlap in time: frames are counted in order of time, across all of them")
    return notes
