"""``--format html`` of the commands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from synscope.analysis import analyze as analyze_capture
from synscope.cli.live_report import LiveReport, Sink
from synscope.cli.main import cli
from synscope.engine.moments import Moments
from synscope.model import Attempt, Target
from synscope.report import formats
from synscope.report.html import document

from .samples import SAMPLES

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")
FINE = str(FIXTURES / "http-ok.pcap")


def analyze(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["analyze", *arguments, "--format", "html"])


@pytest.mark.parametrize(("captures", "status"), [([FINE], 0), ([FINE, REFUSED], 1), (["no-such-file"], 3)])
def test_the_exit_status_is_that_of_the_other_forms(captures: list[str], status: int) -> None:
    done = analyze(*captures)
    assert done.exit_code == status
    assert done.stdout.count("<!doctype html>") == 1


def test_attempts_are_listed_when_asked() -> None:
    line = "#1 frame 1  127.0.0.1:40001 → 127.0.0.1:62893  SYN-RST"
    assert line not in analyze(REFUSED).stdout
    assert line in analyze(REFUSED, "--attempts", "all").stdout
    assert line not in analyze(REFUSED, "--attempts", "all", "-p", "1").stdout


def test_attempts_are_listed_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_ATTEMPTS", 1)
    two = str(FIXTURES / "happy-eyeballs.pcap")
    assert "and 1 more: --format csv writes all" in analyze(two, "--attempts", "all").stdout


@pytest.mark.parametrize("command", ["live", "run", "doctor"])
def test_every_command_that_reports_has_it(command: str) -> None:
    text = CliRunner().invoke(cli, [command, "--help"]).stdout
    assert re.search(r"--format\s+\[[a-z|\s]*html", text)


def test_a_live_capture_is_written_as_html(tmp_path: Path) -> None:
    path = tmp_path / "report"
    report = LiveReport("html", Sink(str(path)), color="auto", verbose=False)
    moments = report.format.moments([Target("62893", 62893)])
    assert moments is not None
    assert formats.named("json").moments([]) is None
    report.preload()
    report.write(SAMPLES["refused"], 1, moments)
    assert "<h1" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["refused", "http-ok", "happy-eyeballs", "merged-files", "mid-stream"])
def test_moments_are_those_of_the_attempts(name: str) -> None:
    path = FIXTURES / f"{name}.pcap"
    attempts: list[Attempt] = []
    moments = Moments()
    analyze_capture(str(path), on_attempt=attempts.append, moments=moments)
    found: Counter[tuple[str, bool]] = Counter()
    for one in moments.bins():
        found[one.outcome, one.recovered] += one.number
    assert found == Counter((one.outcome, one.recovered) for one in attempts)
    assert moments.total == len(attempts) > 0
    assert sorted(moments.kept) == sorted(attempts)
    assert moments.first_ts_ns == min(one.first_ts_ns for one in attempts)
