"""The forms of ``analyze --format`` beside the terminal's and JSON's, from captures on disk."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from synscope.cli.main import cli

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")
FINE = str(FIXTURES / "http-ok.pcap")
CUT = str(FIXTURES / "refused-cut.pcap")
MISSING = "no-such-file.pcap"


def analyze(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["analyze", *arguments])


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "jsonl", "csv", "junit"])
@pytest.mark.parametrize(("captures", "status"), [([FINE], 0), ([FINE, REFUSED], 1), ([MISSING], 3)])
def test_the_form_does_not_change_the_exit_status(form: str, captures: list[str], status: int) -> None:
    assert analyze(*captures, "--format", form).exit_code == status


def test_markdown_names_captures_where_there_are_several() -> None:
    assert analyze(REFUSED, "--format", "markdown").stdout.startswith("### `port 62893`: SYN-RST\n")
    text = analyze(REFUSED, FINE, "--format", "markdown").stdout
    assert text.startswith(f"## `{REFUSED}`\n\n### ")
    assert f"\n\n## `{FINE}`\n\n- `port 62893`: completed, healthy\n" in text


def test_markdown_lists_attempts_when_asked() -> None:
    assert "**Attempts**" not in analyze(REFUSED, "--format", "markdown").stdout
    text = analyze(REFUSED, "--format", "markdown", "--attempts", "all").stdout
    assert "```text\n#1 frame 1  127.0.0.1:40001 → 127.0.0.1:62893  SYN-RST" in text


def test_csv_has_all_attempts_of_all_captures() -> None:
    found = rows(analyze(REFUSED, FINE, "--format", "csv").stdout)
    assert [(row["capture"], row["label"]) for row in found] == [(REFUSED, "SYN-RST"), (FINE, "completed")]


@pytest.mark.parametrize(("listed", "number"), [("all", 2), ("findings", 1), ("none", 0)])
def test_csv_lists_what_is_asked_for(listed: str, number: int) -> None:
    assert len(rows(analyze(REFUSED, FINE, "--format", "csv", "--attempts", listed).stdout)) == number


def test_csv_says_on_standard_error_what_rows_cannot() -> None:
    done = analyze(MISSING, CUT, "--format", "csv")
    assert f"{MISSING} could not be read" in done.stderr
    assert "is cut short after frame" in done.stderr
    assert rows(done.stdout)


def test_junit_is_one_document() -> None:
    root = ET.fromstring(analyze(FINE, REFUSED, MISSING, "--format", "junit").stdout)
    assert [(suite.get("name"), suite.get("failures"), suite.get("errors")) for suite in root] == [
        (FINE, "0", "0"),
        (REFUSED, "1", "0"),
        (MISSING, "0", "1"),
    ]


def test_junit_follows_expect() -> None:
    done = analyze(FINE, REFUSED, "--format", "junit", "--expect", "SYN-RST")
    failures = [suite.get("failures") for suite in ET.fromstring(done.stdout)]
    assert (failures, done.exit_code) == (["1", "0"], 1)


def test_quiet_is_a_line_a_target() -> None:
    done = analyze("--quiet", REFUSED)
    assert done.stdout == "port 62893: SYN-RST, Nothing is listening on port 62893 [likely · SYN101]\n"
    assert done.exit_code == 1
    lines = analyze("-q", REFUSED, FINE, MISSING).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [REFUSED, FINE, MISSING]


@pytest.mark.parametrize("other", [["--verbose"], ["--format", "json"], ["--attempts", "all"]])
def test_quiet_excludes_what_says_more(other: list[str]) -> None:
    done = analyze("--quiet", REFUSED, *other)
    assert done.exit_code == 2
    assert "--quiet excludes" in done.stderr


def test_verbose_names_the_filters() -> None:
    assert "Wireshark      frame.number in {1, 2}" in analyze(REFUSED, "--verbose").stdout
    assert "frame.number" not in analyze(REFUSED).stdout
