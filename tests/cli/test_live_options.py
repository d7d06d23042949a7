"""The report of a live capture, in every form and to wherever it goes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from synscope.cli.live_options import Sink, rows, write_report
from tests.report.samples import SAMPLES, refused


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


def test_csv_is_written_as_attempts_settle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report"
    sink = Sink(str(path))
    row = rows("csv", sink, "=loopback")
    assert row is not None
    row(refused(3))
    written = path.read_text(encoding="utf-8")
    assert [line["capture"] for line in csv.DictReader(io.StringIO(written), strict=True)] == ["'=loopback"]
    lossy = SAMPLES["cut"]
    write_report(sink, lossy, "csv", status=1, color="auto", verbose=False)
    assert path.read_text(encoding="utf-8") == written
    assert "rows may be missing: 12 frames were lost" in capsys.readouterr().err


def test_jsonl_is_written_as_attempts_settle(tmp_path: Path) -> None:
    path = tmp_path / "report"
    row = rows("jsonl", Sink(str(path)), "lo")
    assert row is not None
    row(refused(3))
    assert json.loads(path.read_text(encoding="utf-8"))["id"] == 3


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "junit"])
def test_other_forms_have_no_rows(tmp_path: Path, form: str) -> None:
    assert rows(form, Sink(str(tmp_path / "report")), "lo") is None


OBSERVED = """
import sys
from synscope.cli.live_options import preload
preload()
from tests.evidence.host.builders import observed, listener, rulings, snapshot
from synscope.evidence.command.observe import observe_command
from synscope.evidence.kernel.observe import observe_kernel
from synscope.probes.host.snapshot import Firewall, Verdict
from tests.evidence.builders import attempt, group
from tests.evidence.kernel.events import WHOLE, listener as listens, OTHER, START
from synscope.probes.kernel.events import Event, Kind
from synscope.model import Outcome, Target

loaded = set(sys.modules)
for verdict in Verdict:
    observed(snapshot(listener(), firewall=Firewall(("nft",), rulings(verdict, rule="r"))))
    observed(snapshot(proxy=()))
target = Target("localhost:62893", 62893, "localhost")
refused = [group(attempt(Outcome.REFUSED))]
unbound = Event(START, Kind.UNBOUND, OTHER, 0, False, reason="EACCES")
observe_kernel(target, refused, [listens(-1000, Kind.LISTEN, port=8080), unbound], WHOLE)
observe_command(("curl", "http://localhost:62893/"), target, lines=("Connection refused",), status=7, exit_status=7)
print(sorted(name for name in set(sys.modules) - loaded if name.startswith("synscope")))
"""


def test_what_is_observed_at_the_end_loads_nothing_more() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", OBSERVED], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
