"""The report of a live capture, in every form and to wherever it goes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from synscope.cli.live_options import Sink, write_report
from tests.report.samples import SAMPLES


def report(tmp_path: Path, form: str) -> str:
    path = tmp_path / "report"
    write_report(Sink(str(path)), SAMPLES["refused"], form, status=1, color="auto", verbose=False)
    return path.read_text(encoding="utf-8")


def test_terminal(tmp_path: Path) -> None:
    assert report(tmp_path, "terminal").startswith(" port 62893       SYN-RST")


def test_markdown(tmp_path: Path) -> None:
    assert report(tmp_path, "markdown").startswith("### `port 62893`: SYN-RST\n")


def test_junit(tmp_path: Path) -> None:
    root = ET.fromstring(report(tmp_path, "junit"))
    assert [suite.get("failures") for suite in root] == ["1"]


@pytest.mark.parametrize(("form", "type_"), [("json", "report"), ("jsonl", "target")])
def test_records(tmp_path: Path, form: str, type_: str) -> None:
    text = report(tmp_path, form)
    assert json.loads(text if form == "json" else text.splitlines()[0])["type"] == type_
