"""A record a line."""

from __future__ import annotations

import json

from synscope.report import jsonl

from .samples import SAMPLES, refused


def test_every_line_is_one_record() -> None:
    lines = [jsonl.attempt("x.pcap", refused()), *jsonl.conclusions(SAMPLES["refused"])]
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert [json.loads(line)["type"] for line in lines][:2] == ["attempt", "target"]


def test_supporting_attempts_are_lines_too() -> None:
    lines = list(jsonl.supporting_attempts(SAMPLES["refused"]))
    assert [json.loads(line)["id"] for line in lines] == [1, 2]
