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
    EndProcess,
    Evidence,
    Finding,
    Frames,
    Label,
    Leg,
    NearMiss,
    Outcome,
    Setting,
    Source,
    StageState,
    Target,
    TargetDiagnosis,
    Times,
    Witness,
)
from synscope.report import display_filter, why_records
from synscope.report.escape import well_formed

SCHEMA_ID = "urn:synscope:report:1"
SCHEMA_VERSION = "1.0"
"""Of the schema that these records keep to."""

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
Record = dict[str, JsonValue]


def attempt(capture: str, attempt: Attempt) -> Record:
    """Return the record of one attempt."""
    record: Record = {
        "type": "attempt",
        "capture": capture,
        "id": attempt.id,
        "client": _endpoint(attempt.client),
        "server": _endpoint(attempt.server),
        "first_ts_ns": attempt.first_ts_ns,
        "label": attempt.label.value,
        "outcome": attempt.outcome.value,
        "syn_count": attempt.syn_count,
        "syn_ack_count": attempt.syn_ack_count,
        "frames": _present(attempt.frames),
        "times": _present(attempt.times),
        "events": [*sorted(attempt.events)],
        "client_bytes": attempt.client_bytes,
        "server_bytes": attempt.server_bytes,
        "recovered": attempt.recovered,
        "process": {
            "client": _process(attempt.process.client),
            "server": _process(attempt.process.server),
        },
        "display_filter": display_filter.attempt(attempt),
    }
    if attempt.reset is not None:
        record["reset"] = {
            "from_server": attempt.reset.from_server,
            "window": attempt.reset.window,
            "ip_id": attempt.reset.ip_id,
            "seq": attempt.reset.seq,
            "has_ack": attempt.reset.has_ack,
            "checksum": attempt.reset.checksum.value,
        }
    if attempt.icmp is not None:
        record["icmp"] = {
            "version": attempt.icmp.version,
            "type": attempt.icmp.type,
            "code": attempt.icmp.code,
            "sender": attempt.icmp.sender,
        }
    return record


def target(capture: str, target: TargetDiagnosis, *, why: bool = False) -> Record:
    """Return the record of one target: its label, and how many attempts had which.

    ``why`` adds how the order of its causes was computed.
    """
    summary = target.summary
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
        "failed": target.failed,
    }
    if summary.label is Label.CLIENT_NEVER_SENT:
        record["claim"] = (summary.claim or Claim.FILE).value
        record["near_misses"] = [_near_miss(miss) for miss in summary.near_misses]
    record["path"] = [_stage(each) for each in target.path.stages]
    record["legs"] = [_leg(leg) for leg in target.path.legs]
    record["setting"] = _setting(target.facts.setting)
    if why:
        record["why"] = why_records.record(target.facts)
    return record


def _setting(setting: Setting) -> Record:
    """Return where a failure plays, as far as it is known."""
    parts = {"transport": setting.transport, "protocol": setting.protocol, "system": setting.system}
    return {name: str(part) for name, part in parts.items() if part}


def finding(capture: str, about: Target, finding: Finding) -> Record:
    """Return the record of one finding about a target."""
    return {
        "type": "finding",
        "capture": capture,
        "target": about.text,
        "code": finding.code,
        "slug": finding.slug,
        "kind": finding.kind.value,
        "confidence": finding.confidence.value,
        "title": finding.title,
        "summary": finding.summary,
        "reason": finding.reason,
        "evidence": [_evidence(item) for item in finding.evidence],
        "against": [_evidence(item) for item in finding.against],
        "unknown": [*finding.unknown],
        "decided_by": finding.decided_by,
        "look_alikes": [*finding.look_alikes],
        "checks": [check(item) for item in finding.checks],
        "fixes": [*finding.fixes],
        "display_filter": display_filter.finding(about, finding),
    }


def health(capture: str, health: CaptureHealth) -> Record:
    """Return the record of how complete a capture was."""
    record: Record = {
        "type": "health",
        "capture": capture,
        "format": health.format,
        "frames": health.frames,
        "tcp_segments": health.tcp_segments,
        "undecoded": {reason: health.undecoded[reason] for reason in sorted(health.undecoded)},
        "skipped": {reason: health.skipped[reason] for reason in sorted(health.skipped)},
        "truncated": health.truncated,
        "linktypes": [*health.linktypes],
        "duplicates": health.duplicates,
        "strays": health.strays,
        "snapped": health.snapped,
        "aggregated": health.aggregated,
        "dropped": health.dropped,
        "first_ts_ns": health.first_ts_ns,
        "last_ts_ns": health.last_ts_ns,
        "notes": [*health.notes],
    }
    if health.cut is not None:
        record["cut"] = _cut(health.cut)
    if health.error is not None:
        record["error"] = health.error
    if health.files:
        record["files"] = [_file(file) for file in health.files]
    if health.live is not None:
        record |= {
            "interface": health.live.interface,
            "received": health.live.received,
            "canary": health.live.canary.value,
            "canary_text": health.live.canary_text,
            "ring_percent": round(100 * health.live.ring_use),
            "saved": [*health.live.saved],
        }
    return record


def command(capture: str, command: Command) -> Record:
    """Return the record of the command that was watched."""
    record: Record = {
        "type": "command",
        "capture": capture,
        "argv": [*command.argv],
        "exit_status": command.exit_status,
        "ended": command.ended,
        "last_lines": [*command.lines],
    }
    if command.target_from is not None:
        record["target_from"] = command.target_from
    return record


def attachment(capture: str, attachment: Attachment) -> Record:
    """Return the record of a document that the capture file carries: a claim, which nothing else rests on."""
    return {
        "type": "attachment",
        "capture": capture,
        "kind": attachment.kind,
        "version": attachment.version,
        "made": attachment.made,
        "text": attachment.text,
    }


def group(target_text: str, group: AttemptGroup) -> Record:
    """Return how many attempts to one server endpoint ended one way, with the ids of examples."""
    return {
        "target": target_text,
        "server": _endpoint(group.server),
        "label": group.label.value,
        "outcome": group.outcome.value,
        "recovered": group.recovered,
        "count": group.count,
        "first_ts_ns": group.first_ts_ns,
        "last_ts_ns": group.last_ts_ns,
        "examples": [example.id for example in group.examples],
    }


def check(check: Check) -> Record:
    """Return a deciding command with what its results mean."""
    return {"os": check.os, "command": check.command, "expect": check.expect, "then": check.then}


def conclusions(diagnosis: Diagnosis, *, why: bool = False) -> Iterator[Record]:
    """Yield what is said of one capture once it is read: its targets, its findings, its health."""
    for diagnosed in diagnosis.targets:
        yield target(diagnosis.capture, diagnosed, why=why)
    yield from findings(diagnosis)
    if diagnosis.command is not None:
        yield command(diagnosis.capture, diagnosis.command)
    for document in diagnosis.attachments:
        yield attachment(diagnosis.capture, document)
    yield health(diagnosis.capture, diagnosis.health)


def findings(diagnosis: Diagnosis) -> Iterator[Record]:
    """Yield the findings of every target in order, best first for each."""
    for diagnosed in diagnosis.targets:
        for item in diagnosed.findings:
            yield finding(diagnosis.capture, diagnosed.summary.target, item)


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


def _cut(cut: Cut) -> Record:
    return {"offset": cut.offset, "frame": cut.frame, "reason": cut.reason}


def _file(file: CaptureFile) -> Record:
    record: Record = {"path": file.path, "frames": file.frames}
    if file.first_frame is not None:
        record["first_frame"] = file.first_frame
    if file.cut is not None:
        record["cut"] = _cut(file.cut)
    if file.error is not None:
        record["error"] = file.error
    return record


def _endpoint(endpoint: Endpoint) -> Record:
    return {"address": endpoint.address, "port": endpoint.port}


def _process(process: EndProcess | None) -> Record | None:
    return None if process is None else {**process._asdict(), "source": process.source.value}


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


def _stage(each: StageState) -> Record:
    record: Record = {
        "stage": each.stage.value,
        "state": each.state.value,
        "witnesses": [_witness(witness) for witness in each.witnesses],
    }
    if each.took_ns is not None:
        record["took_ns"] = each.took_ns
    return record


def _witness(witness: Witness) -> Record:
    source = Source.PACKETS if witness.source is Source.REQUEST else witness.source
    return {
        "source": source.value,
        "text": witness.text,
        "frames": [*witness.frames],
        "says": witness.says.value,
        "direct": witness.direct,
    }


def _leg(leg: Leg) -> Record:
    record: Record = {
        "address": leg.address,
        "port": leg.port,
        "label": leg.label.value,
        "state": leg.state.value,
        "role": leg.role.value,
        "stages": [stage.value for stage in leg.stages],
        "frames": [*leg.frames],
    }
    if leg.maker:
        record["maker"] = leg.maker
    if leg.took_ns is not None:
        record["took_ns"] = leg.took_ns
    return record


def _evidence(evidence: Evidence) -> Record:
    source = Source.PACKETS if evidence.source is Source.REQUEST else evidence.source
    return {"source": source.value, "text": evidence.text, "frames": [*evidence.frames]}
