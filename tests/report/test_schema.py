"""The published schema is the one in the code, and what the reports write keeps to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from synscope.model import Attachment, Diagnosis, Label
from synscope.report import json_records, json_report
from synscope.report.schema import FILE_NAME, document, text
from synscope.report.writer import supporting_attempts

from .samples import SAMPLES, written

FILE = Path(__file__).parents[2] / "docs" / "schema" / FILE_NAME


def validator() -> Draft202012Validator:
    return Draft202012Validator(document())


def test_file_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), (
        "the schema changed: write it with python -c "
        f"'from synscope.report import schema; print(schema.text(), end=\"\")' > docs/schema/{FILE_NAME}"
    )


def test_is_a_schema() -> None:
    Draft202012Validator.check_schema(document())


@pytest.mark.parametrize("name", SAMPLES)
def test_documents_and_lines_keep_to_it(name: str) -> None:
    diagnosis = SAMPLES[name]
    for line in written("jsonl", diagnosis).splitlines():
        validator().validate(json.loads(line))
    validator().validate(whole_document(diagnosis))


@pytest.mark.parametrize(
    ("field", "value"),
    [("label", "SYN_RST"), ("frames", {}), ("id", "1"), ("first_ts_ns", 1.5), ("client", "127.0.0.1:1")],
)
def test_refuses_what_is_not_a_record(field: str, value: object) -> None:
    one = supporting_attempts(SAMPLES["refused"])[0]
    record = dict(json_records.attempt("x", one))
    assert validator().is_valid(record)
    assert not validator().is_valid(record | {field: value})


def test_readers_may_meet_new_fields() -> None:
    record = json_records.health("x", SAMPLES["cut"].health)
    assert validator().is_valid({**record, "added_later": 1})


def test_labels_are_spelled_as_published() -> None:
    definitions = document()["$defs"]
    assert isinstance(definitions, dict)
    assert definitions["label"]["enum"] == [label.value for label in Label]


def whole_document(diagnosis: Diagnosis) -> object:
    found: object = json.loads(written("json", diagnosis))
    return found


def test_what_a_file_carries_keeps_to_it() -> None:
    one = Attachment("diagnosis", "0.1.0", "2026-01-31T12:00:00Z", '"\ud800')
    diagnosis = SAMPLES["refused"]._replace(attachments=(one,))
    lines = [json.loads(line) for line in written("jsonl", diagnosis, listed="none").splitlines()]
    assert [line["type"] for line in lines][-2:] == ["attachment", "health"]
    for line in lines:
        validator().validate(line)
    found = json.loads(json_report.document(diagnosis, version="0", engine="compiled", exit_status=255))
    validator().validate(found)
    assert found["captures"][0]["attachments"][0]["kind"] == "diagnosis"
