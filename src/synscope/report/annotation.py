"""What a saved capture says about itself: the diagnosis as comments.

Input: a ``Diagnosis``. Output: comments for the file, which carry the report document of ``--format json`` and what
was known about the host, and comments for the key frames of the attempts that are reported. Pure, but for
``annotate_saved``, which puts them into the file of a live session.

Invariants: the comments for the file are few enough for every reader of this program (``MOST_COMMENTS``); with
``headers_only`` no text that may quote payload is among them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from synscope._version import VERSION
from synscope.capture.write.attachments import DIAGNOSIS, HOST_SNAPSHOT, comments
from synscope.capture.write.storage import SaveError
from synscope.engine import MODE
from synscope.model import Attachment, Attempt, Diagnosis, Finding, NearMiss, Path, TargetDiagnosis
from synscope.probes.host.snapshot_json import to_json
from synscope.report import json_report
from synscope.report.target_view import leading
from synscope.session.plan import Saving
from synscope.session.start import LiveSession

MOST_PARTS: Final = 30
"""Comments that one document may take: two fit into what is read."""
_NS: Final = 1_000_000_000
_KEY_FRAMES: Final = (
    ("syn", "SYN"),
    ("syn_ack", "SYN-ACK"),
    ("ack", "first ACK"),
    ("rst", "RST"),
    ("icmp", "ICMP error about the SYN"),
)


class Made(NamedTuple):
    """Which program made the annotation, when (ns since the epoch), and with which exit status."""

    version: str
    engine: str
    ts_ns: int
    exit_status: int


class Annotation(NamedTuple):
    """Comments for a capture file: for the whole, and by frame number; ``notes`` say what is not in them."""

    sections: tuple[str, ...]
    packets: dict[int, str]
    notes: tuple[str, ...] = ()


def annotation(
    diagnosis: Diagnosis, made: Made, *, snapshot: str | None = None, headers_only: bool = False
) -> Annotation:
    """Return the comments for the file that ``diagnosis`` was made from; ``snapshot`` is a JSON document."""
    notes = []
    told = without_payload(diagnosis) if headers_only else diagnosis
    sections = _carried(DIAGNOSIS, _document(told, made), made)
    if len(sections) > MOST_PARTS:
        fewer = _fewer_targets(told, made)
        notes.append("the saved file carries the diagnosis of only some targets: all are too many for it")
        sections = _carried(DIAGNOSIS, _document(fewer, made), made)
    if snapshot is not None:
        more = _carried(HOST_SNAPSHOT, snapshot, made)
        if len(more) > MOST_PARTS:
            notes.append("the saved file carries nothing about the host: it is too much for it")
        else:
            sections += more
    return Annotation(sections, packet_comments(_reported(diagnosis), diagnosis), tuple(notes))


def packet_comments(
    attempts: Iterable[tuple[TargetDiagnosis, Attempt]],
    diagnosis: Diagnosis,
    *,
    numbered: bool = False,
) -> dict[int, str]:
    """Return a comment for each key frame of ``attempts``; with ``numbered`` it says the frame's number."""
    found: dict[int, list[str]] = {}
    for target, attempt in attempts:
        finding = _finding(target, attempt)
        code = "" if finding is None else f", {finding.code} {finding.slug} ({finding.confidence.value})"
        for frame, what in _key_frames(attempt).items():
            text = f"{what} of attempt #{attempt.id}: {attempt.label.value}{code}"
            where = f"frame {frame} of {diagnosis.capture}, " if numbered else ""
            texts = found.setdefault(frame, [])
            if len(texts) < len(_KEY_FRAMES):
                texts.append(f"synscope: {where}{text}")
    return {frame: "\n".join(texts) for frame, texts in found.items()}


def without_payload(diagnosis: Diagnosis) -> Diagnosis:
    """Return the diagnosis without any sentence that may quote what client and server, or the command, said."""
    targets = tuple(
        target._replace(
            facts=target.facts._replace(
                summary=target.summary._replace(
                    near_misses=tuple(map(_silent_miss, target.summary.near_misses))
                )
            ),
            findings=tuple(map(_silent_finding, target.findings)),
            path=_silent_path(target.path),
        )
        for target in diagnosis.targets
    )
    command = None if diagnosis.command is None else diagnosis.command._replace(lines=())
    return diagnosis._replace(targets=targets, command=command)


def _silent_miss(miss: NearMiss) -> NearMiss:
    return miss._replace(text="")


def _silent_path(path: Path) -> Path:
    stages = tuple(
        each._replace(witnesses=tuple(witness._replace(text="") for witness in each.witnesses))
        for each in path.stages
    )
    return path._replace(stages=stages)


def _silent_finding(finding: Finding) -> Finding:
    return finding._replace(
        summary="",
        reason="",
        evidence=tuple(item._replace(text="") for item in finding.evidence),
        against=tuple(item._replace(text="") for item in finding.against),
        unknown=(),
    )


def _document(diagnosis: Diagnosis, made: Made) -> str:
    return json_report.document(
        diagnosis, version=made.version, engine=made.engine, exit_status=made.exit_status
    )


def _carried(kind: str, text: str, made: Made) -> tuple[str, ...]:
    when = datetime.fromtimestamp(made.ts_ns // _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return comments(Attachment(kind, made.version, when, text))


def _fewer_targets(diagnosis: Diagnosis, made: Made) -> Diagnosis:
    """Return the diagnosis of as many targets as fit, those that failed first."""
    targets = sorted(diagnosis.targets, key=lambda target: not target.failed)
    note = f"the first of {len(targets):,} targets: all are too many for comments"
    health = replace(diagnosis.health, notes=(*diagnosis.health.notes, note))
    fewer = diagnosis
    while targets and len(_carried(DIAGNOSIS, _document(fewer, made), made)) > MOST_PARTS:
        targets = targets[: len(targets) // 2]
        fewer = diagnosis._replace(targets=tuple(targets), health=health)
    return fewer


def _reported(diagnosis: Diagnosis) -> Iterable[tuple[TargetDiagnosis, Attempt]]:
    """Yield the examples of every way in which attempts to a target ended."""
    for target in diagnosis.targets:
        for group in target.summary.groups:
            for attempt in group.examples:
                yield target, attempt


def _finding(target: TargetDiagnosis, attempt: Attempt) -> Finding | None:
    """Return the finding that explains an attempt: the target's best one, if the attempt shows its label."""
    return leading(target) if attempt.label is target.summary.label else None


def _key_frames(attempt: Attempt) -> Mapping[int, str]:
    numbers = attempt.frames._asdict()
    return {numbers[name]: what for name, what in _KEY_FRAMES if numbers[name] is not None}


def annotate_saved(
    diagnosis: Diagnosis, session: LiveSession, saving: Saving | None, *, status: int
) -> Diagnosis:
    """Put the diagnosis, and the last look at the host, into the saved file; return it with what could not be.

    ``status`` is the program's exit status.
    """
    if session.saver is None or saving is None:
        return diagnosis
    made = Made(VERSION, str(MODE), time.time_ns(), status)
    looks = session.surroundings.snapshots
    snapshot = to_json(looks[-1]) if looks else None
    found = annotation(diagnosis, made, snapshot=snapshot, headers_only=saving.headers_only)
    notes = [*found.notes]
    try:
        session.saver.annotate(found.packets, found.sections)
    except SaveError as error:
        notes.append(str(error))
    if not notes:
        return diagnosis
    health = replace(diagnosis.health, notes=(*diagnosis.health.notes, *notes))
    return diagnosis._replace(health=health)
