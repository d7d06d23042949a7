"""What is written of every fixture, of a saved capture and of a live one keeps to the published schemas."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from synscope.analysis import analyze
from synscope.capture.write.annotate import annotate
from synscope.model import Attempt, Canary, Command, Diagnosis, Label, Live
from synscope.probes.host.snapshot_json import to_json
from synscope.report import annotation, csv_report, json_report, jsonl, junit
from synscope.report import json_records as records
from synscope.report.schema import FILE_NAME
from synscope.targets import parse
from tests.evidence.host import builders as hosts

from .test_junit import keeps_to_schema

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
MANIFEST: list[dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))
REPRESENTATIVE = {
    (
        *sorted(f"{one['label']} {one['outcome']}" for one in entry["attempts"]),
        *sorted(entry["target_labels"].values()),
    ): entry
    for entry in MANIFEST
}
"""A fixture for each way in which attempts and targets ended."""


@cache
def validator() -> Draft202012Validator:
    """The published schema, which here allows no field that it does not name."""
    document = json.loads((ROOT / "docs" / "schema" / FILE_NAME).read_text(encoding="utf-8"))
    return Draft202012Validator(_closed(document))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(item) for name, item in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed


def keep(diagnosis: Diagnosis, attempts: list[Attempt]) -> None:
    """Assert that every form for programs keeps to its schema."""
    document = json.loads(json_report.document(diagnosis, version="0", engine="compiled", exit_status=1))
    validator().validate(document)
    assert document["captures"][0]["capture"] == diagnosis.capture
    records_of = {name: list(document["captures"][0][name]) for name in ("targets", "findings")}
    for line in map(json.loads, jsonl.conclusions(diagnosis)):
        if (same := records_of.get(f"{line['type']}s")) is None:
            validator().validate(line)
        else:
            assert line == same.pop(0)
    for one in attempts[:5]:
        validator().validate(json.loads(jsonl.attempt(diagnosis.capture, one)))
    for expected in (None, Label.HALF_OPEN):
        assert keeps_to_schema(junit.begin() + junit.suite(diagnosis, expected) + junit.end())
    table = csv_report.header() + "".join(csv_report.attempt(diagnosis.capture, one) for one in attempts)
    rows = list(csv.DictReader(io.StringIO(table), strict=True))
    assert [row["label"] for row in rows] == [one.label.value for one in attempts]
    assert not [row for row in rows if None in row or None in row.values()]


@pytest.mark.parametrize("entry", REPRESENTATIVE.values(), ids=lambda entry: str(entry["file"]))
def test_fixtures(entry: dict[str, Any]) -> None:
    attempts: list[Attempt] = []
    wanted = [parse(text) for text in entry["targets"]]
    keep(analyze(str(FIXTURES / entry["file"]), wanted, on_attempt=attempts.append), attempts)


def test_a_number_that_is_no_port_and_no_attempt() -> None:
    keep(
        analyze(str(FIXTURES / "wrapped-port.pcap"), [parse("http://localhost:619009/"), parse("[::1]:9")]),
        [],
    )


def test_a_record_with_a_field_nobody_published_is_noticed() -> None:
    diagnosis = analyze(str(FIXTURES / "refused.pcap"))
    record = records.health("x", diagnosis.health)
    assert validator().is_valid(record)
    assert not validator().is_valid({**record, "unheard_of": 1})


def test_a_live_capture() -> None:
    """What ``live``, ``run`` and ``doctor`` write, and what is carried by the file they save."""
    attempts: list[Attempt] = []
    found = analyze(str(FIXTURES / "refused.pcap"), [parse("62893")], on_attempt=attempts.append)
    live = Live("lo", 12, Canary.UNSENT, "why", 0.25, ("a.pcapng", "b.pcapng"))
    health = dataclasses.replace(found.health, live=live, dropped=3, notes=("said",), skipped={"other": 1})
    for command in (
        Command(("curl", "-s"), 7, "exit status 7", ("said",), "the URL"),
        Command((), 0, "", ()),
    ):
        keep(found._replace(capture="loopback", health=health, command=command), attempts)


def test_an_annotated_capture(tmp_path: Path) -> None:
    """A file that carries a diagnosis and a snapshot of the host is read again, and both are in the report."""
    source, copy = FIXTURES / "pcapng-little.pcapng", tmp_path / "carrying.pcapng"
    found = analyze(str(source), [parse("62893")])
    made = annotation.Made("0", "compiled", 1_700_000_000_000_000_000, 1)
    said = annotation.annotation(found, made, snapshot=to_json(hosts.snapshot(hosts.listener())))
    assert annotate(str(source), copy, said.packets, said.sections) == ()
    again = analyze(str(copy), [parse("62893")])
    assert [one.kind for one in again.attachments] == ["diagnosis", "host-snapshot"]
    validator().validate(json.loads(again.attachments[0].text))
    keep(again, [])
