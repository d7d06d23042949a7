"""One document, whatever is put into it."""

from __future__ import annotations

import json

from synscope.report.json_report import JsonReport
from synscope.report.writer import ReportSettings

from .samples import SAMPLES, refused


def test_no_capture_is_a_document_too() -> None:
    report = JsonReport(ReportSettings(listed="all"), version="1.2.3", engine="compiled")
    found = json.loads(report.begin() + report.end(3))
    assert found == {
        "type": "report",
        "schema": "urn:synscope:report:1",
        "schema_version": "1.0",
        "synscope": "1.2.3",
        "engine": "compiled",
        "captures": [],
        "exit_status": 3,
    }


def test_captures_stand_side_by_side() -> None:
    report = JsonReport(ReportSettings(listed="all"), version="0", engine="interpreted")
    text = report.begin()
    for name in ("refused", "unreadable", "many-ports"):
        diagnosis = SAMPLES[name]
        text += report.begin_capture(diagnosis.capture)
        for number in (1, 2):
            text += report.attempt(diagnosis.capture, refused(number))
        text += report.end_capture(diagnosis)
    found = json.loads(text + report.end(1))
    assert [one["capture"] for one in found["captures"]] == ["refused.pcap", "notes.txt", "refused.pcap"]
    assert [[one["id"] for one in capture["attempts"]] for capture in found["captures"]] == [[1, 2]] * 3
    assert "error" in found["captures"][1]["health"]


def test_groups_count_what_is_not_listed() -> None:
    report = JsonReport(ReportSettings(listed="all"), version="0", engine="interpreted")
    diagnosis = SAMPLES["refused-often"]
    text = report.begin() + report.begin_capture("x") + report.end_capture(diagnosis) + report.end(1)
    (capture,) = json.loads(text)["captures"]
    assert capture["attempts"] == []
    assert [(one["outcome"], one["count"], one["examples"]) for one in capture["groups"]] == [
        ("refused", 1200, [1, 2, 8]),
        ("unanswered", 150, [90]),
        ("client-vanished", 150, [95]),
    ]
