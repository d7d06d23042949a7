"""The whole way for one capture: bytes → attempts → targets → facts → findings.

Input: a path (``-`` is standard input) and what to look at. Output: a ``Diagnosis``. A capture that cannot
be read is a ``Diagnosis`` whose health carries the error; one that is cut is analysed up to the cut.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from synscope.capture.errors import CaptureError
from synscope.capture.files import open_source
from synscope.capture.reader import Reader
from synscope.causes import ports
from synscope.diagnosis import rank
from synscope.engine.follower import Follower
from synscope.engine.tracker import Orphan
from synscope.evidence.packets import observe_packets
from synscope.evidence.request import observe_request
from synscope.evidence.targets import found_targets, relevant, summarise
from synscope.model import (
    Attempt,
    AttemptGroup,
    CaptureHealth,
    Diagnosis,
    Facts,
    Target,
    TargetDiagnosis,
    TargetSummary,
)

MOST_DIAGNOSED = 256
"""Ports that are diagnosed one by one when the user named none; the others are only counted."""

_SEED_BITS = 64


def analyze(
    capture: str,
    targets: Sequence[Target] = (),
    *,
    on_attempt: Callable[[Attempt], None] | None = None,
    attempts: str = "findings",
) -> Diagnosis:
    """Analyse one capture.

    ``targets`` are what the user named; without any, every server port in the capture is a target.
    ``on_attempt`` receives every attempt as it settles. ``attempts`` says which ones a report lists; it
    changes nothing here but is taken so that callers can pass their choice on.
    """
    del attempts
    # Keyed hashing: a capture must not be able to choose its own collisions.
    follower = Follower(seed=secrets.randbits(_SEED_BITS), on_attempt=on_attempt)
    try:
        source = open_source(capture)
    except CaptureError as error:
        return _unreadable(capture, error, targets)
    reader = Reader(source, capture)
    follower.tracker.odd_times = reader.odd_times
    first: int | None = None
    last: int | None = None
    try:
        for data, batch in reader.batches():
            first = batch.ts_ns[0] if first is None else first
            last = max(last or 0, batch.ts_ns[batch.count - 1])
            follower.feed(data, batch)
    except CaptureError as error:
        return _unreadable(capture, error, targets)
    finally:
        source.close()
    groups = follower.tracker.finish()
    health = _health(reader, follower, first, last)
    return diagnose(capture, groups, follower.tracker.orphans(), health, targets)


def diagnose(
    capture: str,
    groups: Sequence[AttemptGroup],
    orphans: Sequence[Orphan],
    health: CaptureHealth,
    targets: Sequence[Target] = (),
) -> Diagnosis:
    """From counted attempts to the diagnosis; pure, whatever source the attempts came from."""
    by_port: dict[int, list[AttemptGroup]] = {}
    for group in groups:
        by_port.setdefault(group.server.port, []).append(group)
    # A target that was found has attempts: only its own groups say what happened to it.
    found = [summarise(target, by_port[target.port], ()) for target in found_targets(groups)]
    summaries = [summarise(target, groups, orphans) for target in targets] if targets else found
    chosen = set(map(id, _first_to_diagnose(summaries)) if not targets else map(id, summaries))
    others = relevant(found, summaries)
    diagnosed = tuple(
        TargetDiagnosis(facts, rank(facts)) if id(summary) in chosen else TargetDiagnosis(facts, ())
        for summary in summaries
        for facts in [_facts(summary, others, health, observed=id(summary) in chosen)]
    )
    if len(chosen) < len(summaries):
        note = (
            f"{len(summaries):,} server ports: {len(chosen)} are diagnosed, those that failed first; the others "
            "are only counted. Name a port with -p to have it diagnosed"
        )
        health = replace(health, notes=(*health.notes, note))
    return Diagnosis(capture=capture, health=health, targets=diagnosed, watched=bool(targets))


def _first_to_diagnose(summaries: Sequence[TargetSummary]) -> Iterable[TargetSummary]:
    """Those that failed before those that did not, as many as are diagnosed one by one."""
    if len(summaries) <= MOST_DIAGNOSED:
        return summaries
    return sorted(summaries, key=lambda summary: summary.failed == 0)[:MOST_DIAGNOSED]


def _facts(
    summary: TargetSummary, others: Sequence[TargetSummary], health: CaptureHealth, *, observed: bool
) -> Facts:
    if not observed:
        return Facts(summary, {})
    roles = {
        summary.target.port: frozenset(tag for use in ports.usual(summary.target.port) for tag in use.tags)
    }
    seen = [
        *observe_request(summary.target, blocked=ports.BLOCKED_BY_BROWSERS, roles=roles),
        *observe_packets(summary, others, end_ts_ns=health.last_ts_ns, linktypes=health.linktypes),
    ]
    return Facts(summary, {observation.name: observation for observation in seen})


def _unreadable(capture: str, error: CaptureError, targets: Sequence[Target]) -> Diagnosis:
    health = CaptureHealth(frames=0, error=error.reason)
    return Diagnosis(capture=capture, health=health, targets=(), watched=bool(targets))


def _health(reader: Reader, follower: Follower, first: int | None, last: int | None) -> CaptureHealth:
    tracker = follower.tracker
    notes = []
    if reader.odd_times:
        notes.append(
            f"{len(reader.odd_times):,} time stamps lie outside any calendar: waits are not reliable"
        )
    if tracker.merged:
        notes.append("too many servers to tell apart: most are counted together under the address ::")
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
    )
