"""The report of a live capture, in every format and to wherever it goes."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from synscope.cli.live_report import LiveReport, Sink
from synscope.model import Canary, Diagnosis, Live
from tests.report.samples import HEALTH, SAMPLES, refused


def report(path: Path, form: str, *, verbose: bool = False) -> LiveReport:
    return LiveReport(form, Sink(str(path)), color="auto", verbose=verbose)


def at_the_end(tmp_path: Path, form: str, *, verbose: bool = False) -> str:
    path = tmp_path / "report"
    report(path, form, verbose=verbose).write(SAMPLES["refused"], 1)
    return path.read_text(encoding="utf-8")


def test_terminal(tmp_path: Path) -> None:
    assert at_the_end(tmp_path, "terminal").startswith(" Nothing is listening on port 62893.\n SYN-RST")
    assert "Wireshark" in at_the_end(tmp_path, "terminal", verbose=True)


def test_markdown(tmp_path: Path) -> None:
    assert at_the_end(tmp_path, "markdown").startswith("### `port 62893`: SYN-RST\n")


def test_junit(tmp_path: Path) -> None:
    root = ET.fromstring(at_the_end(tmp_path, "junit"))
    assert [suite.get("failures") for suite in root] == ["1"]


def test_json_has_the_attempts_that_support_a_finding(tmp_path: Path) -> None:
    found = json.loads(at_the_end(tmp_path, "json"))
    assert found["type"] == "report"
    assert [attempt["id"] for attempt in found["captures"][0]["attempts"]] == [1, 2]
    assert found["exit_status"] == 1


def test_jsonl_has_only_what_follows_the_attempts(tmp_path: Path) -> None:
    types = [json.loads(line)["type"] for line in at_the_end(tmp_path, "jsonl").splitlines()]
    assert "attempt" not in types
    assert {types[0], types[-1]} == {"target", "health"}


def lossy() -> Diagnosis:
    live = Live("lo", 10, Canary.SEEN, "")
    return Diagnosis("loopback", dataclasses.replace(HEALTH, dropped=12, live=live), (), watched=True)


def test_csv_is_written_as_attempts_settle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report"
    table = report(path, "csv")
    row = table.stream("=loopback")
    assert row is not None
    row(refused(3))
    written = path.read_text(encoding="utf-8")
    assert [line["capture"] for line in csv.DictReader(io.StringIO(written), strict=True)] == ["'=loopback"]
    table.write(lossy(), 1)
    assert path.read_text(encoding="utf-8") == written
    assert "rows may be missing: 12 frames were lost" in capsys.readouterr().err


def test_jsonl_is_written_as_attempts_settle(tmp_path: Path) -> None:
    path = tmp_path / "report"
    row = report(path, "jsonl").stream("lo")
    assert row is not None
    row(refused(3))
    assert json.loads(path.read_text(encoding="utf-8"))["id"] == 3


@pytest.mark.parametrize("form", ["terminal", "html", "markdown", "json", "junit"])
def test_other_formats_wait_for_the_end(tmp_path: Path, form: str) -> None:
    path = tmp_path / "report"
    assert report(path, form).stream("lo") is None
    assert not path.read_bytes()
