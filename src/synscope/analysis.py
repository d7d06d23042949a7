"""The whole way for one capture: bytes → attempts → targets → facts → findings.

Input: a path (``-`` is standard input) and what to look at. Output: a ``Diagnosis``. A capture that cannot
be read is a ``Diagnosis`` whose health carries the error; one that is cut is analysed up to the cut.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.read.fileset import FileSet
from synscope.capture.source import CaptureError, FrameSource
from synscope.capture.write.attachments import attachments
from synscope.causes.catalogue import by_code
from synscope.causes.rank import rank
from synscope.engine import MODE
from synscope.engine.moments import Moments
from synscope.engine.names import UNREAD
from synscope.engine.tracker import Orphan
from synscope.evidence.agreement import settled
from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.packets.summary import found_targets, relevant, summarise
from synscope.evidence.path import narrowed, path_of
from synscope.evidence.setting import setting_of
from synscope.evidence.target_number import observe_request
from synscope.following import Following, health_of
from synscope.model import (
    Attempt,
    AttemptGroup,
    CaptureFile,
    CaptureHealth,
    Claim,
    Confidence,
    Diagnosis,
    Endpoint,
    Facts,
    Finding,
    Kind,
    Leg,
    Observation,
    Path,
    Role,
    State,
    Target,
    TargetDiagnosis,
    TargetSummary,
)
from synscope.reference.systems import system_named
from synscope.selection import EVERYTHING, Selection
from synscope.units import count

if TYPE_CHECKING:
    from synscope.probes.host.given import GivenSnapshot

MOST_DIAGNOSED = 256
"""Ports that are diagnosed one by one when the user named none; the others are only counted."""

_BUFFERS = 8 if MODE == "compiled" and (os.cpu_count() or 1) > 1 else 1
"""Buffers of frames read ahead: worth it where reading and tracking can overlap."""


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
    following = Following(selection=selection, on_attempt=on_attempt, moments=moments)
    try:
        end = _end(capture, files) if selection.needs_end else None
        source = _open(capture, files, following if live else None, on_read)
    except CaptureError as error:
        return _unreadable(capture, error, targets)
    with contextlib.closing(source):
        try:
            following.follow(source, end)
        except CaptureError as error:
            return _unreadable(capture, error, targets, source.files)
    return conclude(capture, source, following, targets, snapshots)


def conclude(
    capture: str,
    source: FrameSource,
    following: Following,
    targets: Sequence[Target] = (),
    snapshots: Sequence[GivenSnapshot] = (),
) -> Diagnosis:
    """Return the diagnosis of a source that has been followed to its end. Call once."""
    groups, orphans = following.finish()
    health = health_of(source, following)
    if reason := _unread(health):
        # Nothing is concluded from what could not be read.
        return Diagnosis(
            capture=capture, health=replace(health, error=reason), targets=(), watched=bool(targets)
        )
    if snapshots:
        from synscope.evidence.host.given import notes_on, observe_given  # noqa: PLC0415 - slow to import

        notes = notes_on(snapshots, health.first_ts_ns, health.last_ts_ns)
        told = system_named(snapshots[-1].snapshot.system)
        health = replace(health, notes=(*health.notes, *notes), system=health.system or told)
        more = partial(observe_given, given=snapshots)
        diagnosis = diagnose(capture, groups, orphans, health, targets, more=more)
    else:
        diagnosis = diagnose(capture, groups, orphans, health, targets)
    return diagnosis._replace(attachments=attachments(source.comments))


def diagnose(  # noqa: PLR0913 - one parameter a source of facts
    capture: str,
    groups: Sequence[AttemptGroup],
    orphans: Sequence[Orphan],
    health: CaptureHealth,
    targets: Sequence[Target] = (),
    *,
    claim: Claim = Claim.FILE,
    more: Callable[[TargetSummary], Iterable[Observation]] = lambda _: (),
    redirects: Mapping[int, Collection[Endpoint]] = MappingProxyType({}),
) -> Diagnosis:
    """From counted attempts to the diagnosis; pure, whatever source the attempts came from.

    ``claim`` is how much an absence proves. ``more`` says what else is known about a target, ``redirects`` where
    rules send what goes to its port.
    """
    end = health.last_ts_ns
    by_port: dict[int, list[AttemptGroup]] = {}
    for group in groups:
        by_port.setdefault(group.server.port, []).append(group)
    # A target that was found has attempts: only its own groups say what happened to it.
    found = [summarise(target, by_port[target.port], (), end_ts_ns=end) for target in found_targets(groups)]
    summaries = (
        [
            summarise(
                target, groups, orphans, end_ts_ns=end, claim=claim, redirects=redirects.get(target.port, ())
            )
            for target in targets
        ]
        if targets
        else found
    )
    chosen = set(map(id, _first_to_diagnose(summaries)) if not targets else map(id, summaries))
    others = relevant(found, summaries)
    facts_of = partial(_facts, others=others, health=health, more=more)
    diagnosed = tuple(
        _diagnosed(facts_of(summary), others, facts_of)
        if id(summary) in chosen
        else TargetDiagnosis(Facts(summary, {}), ())
        for summary in summaries
    )
    if len(chosen) < len(summaries):
        note = (
            f"{len(summaries):,} server ports: {len(chosen)} are diagnosed, those that failed first; the others "
            "are only counted. Name a port with -p to have it diagnosed"
        )
        health = replace(health, notes=(*health.notes, note))
    return Diagnosis(capture=capture, health=health, targets=diagnosed, watched=bool(targets))


def _open(
    capture: str,
    files: Sequence[str],
    waited_for: Following | None = None,
    on_read: Callable[[int], None] | None = None,
) -> FrameSource:
    """Open a capture. ``waited_for`` then settles attempts while a pipe is open, in its pauses too."""
    if files:
        return FileSet(capture, files, on_read)
    source = open_source(capture, on_read)
    if waited_for is None or not source.live:
        return CaptureReader(source, capture, buffers=1 if source.live else _BUFFERS)
    waited_for.settles_early = True
    return CaptureReader(source, capture, waited_for.settle_in_pause)


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
) -> Facts:
    seen = [
        *observe_request(summary.target),
        *observe_packets(
            summary,
            others,
            end_ts_ns=health.last_ts_ns,
            linktypes=health.linktypes,
            missing=missing(health),
        ),
        *more(summary),
    ]
    known = settled(seen)
    return Facts(summary, known, setting_of(summary, known, linktypes=health.linktypes, system=health.system))


def missing(health: CaptureHealth) -> str:
    """Return what a capture lacks of what was sent, in words; empty when nothing is known to be missing."""
    if health.cut is not None:
        where = f"after frame {health.cut.frame:,}" if health.cut.frame else "before its first whole frame"
        return f"the capture is cut short {where}"
    unread = sum(number for reason, number in health.undecoded.items() if reason in UNREAD)
    return f"{unread:,} of {count(health.frames, 'frame')} could not be read" if unread else ""


def _unread(health: CaptureHealth) -> str:
    """Return why nothing of a capture could be read; empty when something was."""
    reasons = {reason: number for reason, number in health.undecoded.items() if reason in UNREAD}
    if health.frames and sum(reasons.values()) == health.frames:
        why = "; ".join(f"{reason} ({number:,})" for reason, number in reasons.items())
        kinds = f", link type {', '.join(health.linktypes)}" if health.linktypes else ""
        return f"none of its {count(health.frames, 'frame')} could be read{kinds}: {why}"
    if not health.frames and health.cut is not None:
        return f"it holds no whole frame: {health.cut.reason} (at byte {health.cut.offset:,})"
    return ""


def _diagnosed(
    facts: Facts, others: Sequence[TargetSummary], facts_of: Callable[[TargetSummary], Facts]
) -> TargetDiagnosis:
    findings = rank(facts)
    path = _judged(path_of(facts, others), findings)
    legs = tuple(_child(leg, others, facts_of) if leg.role is Role.CHILD else leg for leg in path.legs)
    return TargetDiagnosis(facts, findings, path._replace(legs=legs))


def _judged(path: Path, findings: Sequence[Finding]) -> Path:
    """Return the path, narrowed to the stages of the cause that is certain, where one is."""
    failures = (finding for finding in findings if finding.kind is Kind.FAILURE)
    top = next(failures, None)
    if top is None or top.confidence is not Confidence.CERTAIN:
        return path
    return narrowed(path, by_code[top.code].stops)


def _child(leg: Leg, others: Sequence[TargetSummary], facts_of: Callable[[TargetSummary], Facts]) -> Leg:
    """Judge the server's own attempt as a target is judged, once: not what that one waited for in turn."""
    summary = next((each for each in others if each.target.port == leg.port), None)
    if summary is None or summary.label is not leg.label:
        return leg
    facts = facts_of(summary)
    path = _judged(path_of(facts), rank(facts))
    state = State.STOPPED if path.stopped_at is not None else leg.state
    return leg._replace(stages=path.possible, state=state)


def _unreadable(
    capture: str, error: CaptureError, targets: Sequence[Target], files: tuple[CaptureFile, ...] = ()
) -> Diagnosis:
    health = CaptureHealth(frames=0, error=error.reason, files=files)
    return Diagnosis(capture=capture, health=health, targets=(), watched=bool(targets))
