"""A record a line."""

from __future__ import annotations

import json

from synscope.report.jsonl import JsonlReport
from synscope.report.writer import ReportSettings

from .samples import SAMPLES, refused


def test_every_line_is_one_record() -> None:
    report = JsonlReport(ReportSettings(listed="all"))
    text = report.attempt("x.pcap", refused()) + report.end_capture(SAMPLES["refused"])
    assert text.endswith("\n")
    assert [json.loads(line)["type"] for line in text.splitlines()][:2] == ["attempt", "target"]


def test_supporting_attempts_are_lines_too() -> None:
    lines = map(json.loads, JsonlReport(ReportSettings()).whole(SAMPLES["refused"], 1).splitlines())
    assert [line["id"] for line in lines if line["type"] == "attempt"] == [1, 2]
