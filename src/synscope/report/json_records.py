"""The records of a diagnosis, as plain JSON values: what ``json_report`` and ``jsonl`` both write.

One function a record type. ``schema`` publishes the shape; names are fixed, fields may be added and are
never retyped. Numbers are integers, times are nanoseconds since the epoch, absent frames are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from synscope.model import (
    Attachment,
    Attempt,
    AttemptGroup,
    CaptureFile,
    CaptureHealth,
    Check,
    Claim,
    Command,
    Cut,
    Diagnosis,
    Endpoint,
    Evidence,
    Finding,
    Frames,
    Label,
    NearMiss,
    Outcome,
    Source,
    Target,
    TargetDiagnosis,
    Times,
)
from synscope.report import display_filter
from synscope.report.escape import well_formed

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
Record = dict[str, JsonValue]


def attempt(capture: str, one: Attempt) -> Record:
    """Return the record of one attempt."""
    record: Record = {
        "type": "attempt",
        "capture": capture,
        "id": one.id,
        "client": _endpoint(one.client),
        "server": _endpoint(one.server),
        "first_ts_ns": one.first_ts_ns,
        "label": one.label.value,
        "outcome": one.outcome.value,
        "syn_count": one.syn_count,
        "syn_ack_count": one.syn_ack_count,
        "frames": _present(one.frames),
        "times": _present(one.times),
        "events": [*sorted(one.events)],
        "client_bytes": one.client_bytes,
        "server_bytes": one.server_bytes,
        "recovered": one.recovered,
        "display_filter": display_filter.attempt(one),
    }
    if one.reset is not None:
        record["reset"] = {
            "from_server": one.reset.from_server,
            "window": one.reset.window,
            "ip_id": one.reset.ip_id,
            "seq": one.reset.seq,
            "has_ack": one.reset.has_ack,
            "checksum": one.reset.checksum.value,
        }
    if one.icmp is not None:
        record["icmp"] = {
            "version": one.icmp.version,
            "type": one.icmp.type,
            "code": one.icmp.code,
            "sender": one.icmp.sender,
        }
    return record


def target(capture: str, one: TargetDiagnosis) -> Record:
    """Return the record of one target: its label, and how many attempts had which."""
    summary = one.summary
    record: Record = {
        "type": "target",
        "capture": capture,
        "target": summary.target.text,
        "port": summary.target.port,
        "host": summary.target.host,
        "given": summary.target.given,
        "label": summary.label.value,
        "counts": {label.value: summary.counts[label] for label in Label if summary.counts.get(label)},
        "outcomes": _outcomes(summary.groups),
        "recovered": sum(group.count for group in summary.groups if group.recovered),
        "failed": one.failed,
    }
    if summary.label is Label.CLIENT_NEVER_SENT:
        record["claim"] = (summary.claim or Claim.FILE).value
        record["near_misses"] = [_near_miss(miss) for miss in summary.near_misses]
    return record


def finding(capture: str, about: Target, one: Finding) -> Record:
    """Return the record of one finding about a target."""
    return {
        "type": "finding",
        "capture": capture,
        "target": about.text,
        "code": one.code,
        "slug": one.slug,
        "kind": one.kind.value,
        "confidence": one.confidence.value,
        "title": one.title,
        "summary": one.summary,
        "reason": one.reason,
        "evidence": [_evidence(item) for item in one.evidence],
        "against": [_evidence(item) for item in one.against],
        "unknown": [*one.unknown],
        "decided_by": one.decided_by,
        "look_alikes": [*one.look_alikes],
        "checks": [check(item) for item in one.checks],
        "fixes": [*one.fixes],
        "display_filter": display_filter.finding(about, one),
    }


def health(capture: str, one: CaptureHealth) -> Record:
    """Return the record of how complete a capture was."""
    record: Record = {
        "type": "health",
        "capture": capture,
        "format": one.format,
        "frames": one.frames,
        "tcp_segments": one.tcp_segments,
        "undecoded": {reason: one.undecoded[reason] for reason in sorted(one.undecoded)},
        "skipped": {reason: one.skipped[reason] for reason in sorted(one.skipped)},
        "truncated": one.truncated,
        "linktypes": [*one.linktypes],
        "duplicates": one.duplicates,
        "strays": one.strays,
        "snapped": one.snapped,
        "aggregated": one.aggregated,
        "dropped": one.dropped,
        "first_ts_ns": one.first_ts_ns,
        "last_ts_ns": one.last_ts_ns,
        "notes": [*one.notes],
    }
    if one.cut is not None:
        record["cut"] = _cut(one.cut)
    if one.error is not None:
        record["error"] = one.error
    if one.files:
        record["files"] = [_file(file) for file in one.files]
    if one.live is not None:
        record |= {
            "interface": one.live.interface,
            "received": one.live.received,
            "canary": one.live.canary.value,
            "canary_text": one.live.canary_text,
            "ring_percent": round(100 * one.live.ring_use),
            "saved": [*one.live.saved],
        }
    return record


def command(capture: str, one: Command) -> Record:
    """Return the record of the command that was watched."""
    record: Record = {
        "type": "command",
        "capture": capture,
        "argv": [*one.argv],
        "exit_status": one.exit_status,
        "ended": one.ended,
        "last_lines": [*one.lines],
    }
    if one.target_from is not None:
        record["target_from"] = one.target_from
    return record


def attachment(capture: str, one: Attachment) -> Record:
    """Return the record of a document that the capture file carries: a claim, which nothing else rests on."""
    return {
        "type": "attachment",
        "capture": capture,
        "kind": one.kind,
        "version": one.version,
        "made": one.made,
        "text": one.text,
    }


def group(target_text: str, one: AttemptGroup) -> Record:
    """Return how many attempts to one server endpoint ended one way, with the ids of examples."""
    return {
        "target": target_text,
        "server": _endpoint(one.server),
        "label": one.label.value,
        "outcome": one.outcome.value,
        "recovered": one.recovered,
        "count": one.count,
        "first_ts_ns": one.first_ts_ns,
        "last_ts_ns": one.last_ts_ns,
        "examples": [example.id for example in one.examples],
    }


def check(one: Check) -> Record:
    """Return a deciding command with what its results mean."""
    return {"os": one.os, "command": one.command, "expect": one.expect, "then": one.then}


def conclusions(diagnosis: Diagnosis) -> Iterator[Record]:
    """Yield what is said of one capture once it is read: its targets, its findings, its health."""
    for one in diagnosis.targets:
        yield target(diagnosis.capture, one)
    yield from findings(diagnosis)
    if diagnosis.command is not None:
        yield command(diagnosis.capture, diagnosis.command)
    for document in diagnosis.attachments:
        yield attachment(diagnosis.capture, document)
    yield health(diagnosis.capture, diagnosis.health)


def findings(diagnosis: Diagnosis) -> Iterator[Record]:
    """Yield the findings of every target in order, best first for each."""
    for one in diagnosis.targets:
        for item in one.findings:
            yield finding(diagnosis.capture, one.summary.target, item)


def line(record: Mapping[str, JsonValue]) -> str:
    """Return ``record`` as one line of JSON, ASCII only, without the newline."""
    return json.dumps(_clean(record), separators=(",", ":"))


def _clean(value: object) -> object:
    """Spell out lone surrogates everywhere: in keys (undecoded reasons) as well as in values."""
    if isinstance(value, str):
        return value if value.isascii() else well_formed(value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _cut(one: Cut) -> Record:
    return {"offset": one.offset, "frame": one.frame, "reason": one.reason}


def _file(one: CaptureFile) -> Record:
    record: Record = {"path": one.path, "frames": one.frames}
    if one.first_frame is not None:
        record["first_frame"] = one.first_frame
    if one.cut is not None:
        record["cut"] = _cut(one.cut)
    if one.error is not None:
        record["error"] = one.error
    return record


def _endpoint(one: Endpoint) -> Record:
    return {"address": one.address, "port": one.port}


def _present(numbers: Frames | Times) -> Record:
    """Return the fields that are there; ``None`` ones are left out."""
    return {name: value for name, value in numbers._asdict().items() if value is not None}


def _outcomes(groups: Iterable[AttemptGroup]) -> Record:
    counts: dict[Outcome, int] = {}
    for item in groups:
        counts[item.outcome] = counts.get(item.outcome, 0) + item.count
    return {outcome.value: counts[outcome] for outcome in Outcome if outcome in counts}


def _near_miss(miss: NearMiss) -> Record:
    return {"kind": miss.kind, "text": miss.text, "port": miss.port, "frames": [*miss.frames]}


def _evidence(one: Evidence) -> Record:
    source = Source.PACKETS if one.source is Source.REQUEST else one.source
    return {"source": source.value, "text": one.text, "frames": [*one.frames]}
