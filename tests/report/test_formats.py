"""Every format of the list is written by every command that reports; some things ``analyze`` writes in each."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from synscope.analysis import analyze as analyze_capture
from synscope.cli.live_report import LiveReport, Sink
from synscope.cli.main import cli
from synscope.report import formats
from synscope.report.formats import FORMATS

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")
FINE = str(FIXTURES / "http-ok.pcap")
CUT = str(FIXTURES / "refused-cut.pcap")
MISSING = "no-such-file.pcap"


def analyze(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["analyze", *arguments])


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True))


@pytest.mark.parametrize("form", FORMATS)
def test_a_live_capture_has_the_report_that_analyze_writes(form: str, tmp_path: Path) -> None:
    path = tmp_path / "report"
    report = LiveReport(form, Sink(str(path)), color="auto", verbose=False)
    tell = report.stream(REFUSED)
    assert (tell is not None) == report.format.streams_attempts
    moments = report.format.moments(())
    diagnosis = analyze_capture(REFUSED, on_attempt=tell, moments=moments)
    assert bool(path.read_bytes()) == report.format.streams_attempts
    report.write(diagnosis, 1, moments)
    text = path.read_text(encoding="utf-8")
    assert "62893" in text
    assert text == analyze(REFUSED, "--format", form).stdout


def test_the_list_knows_what_each_format_is_called() -> None:
    assert all(known.name == name and known.about for name, known in FORMATS.items())
    assert len({known.writer for known in FORMATS.values()}) == len(FORMATS)
    assert formats.named("json") is FORMATS["json"]


def test_a_format_that_there_is_not() -> None:
    with pytest.raises(formats.UnknownFormatError, match="the format 'yaml'; there are terminal, html, "):
        formats.preload("yaml")


_LISTED = """
import sys
from synscope.cli import analyze, doctor, live, run
from synscope.report import formats
assert len(formats.FORMATS) > 5
print([name for name in ("rich", "jinja2", "synscope.report.writer") if name in sys.modules])
"""


def test_asking_the_list_imports_no_format() -> None:
    assert _program(_LISTED) == "[]\n"


_CLOSED = """
import sys
from pathlib import Path
from tests.report.samples import SAMPLES
form, closed = sys.argv[1:]
for name in [name for name in sys.modules if name.startswith(("synscope.report.", "rich", "jinja2"))]:
    if name not in ("synscope.report.formats", "synscope.report.writer", "synscope.report.wording"):
        del sys.modules[name]  # what the samples or the commands happened to load
from synscope.report import formats
from synscope.report.writer import ReportSettings
formats.preload(form)
from synscope.report.page import Look
writer = formats.named(form).load()
roots = tuple({str(Path(folder).resolve()) for folder in sys.path if folder})

def refuse(event, arguments):
    if event == "import" and arguments[0] not in sys.builtin_module_names:
        raise RuntimeError(f"imports {arguments[0]}")
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(roots):
        raise RuntimeError(f"opens {arguments[0]}")

def report(color, verbose, diagnosis):
    look = Look(color=color, verbose=verbose, docs="file:///docs" if color else "")
    settings = ReportSettings(look=lambda: look, verbose=verbose)
    return writer(settings).whole(diagnosis, 1)

if closed == "closed":
    sys.addaudithook(refuse)
for diagnosis in SAMPLES.values():
    wide = diagnosis._replace(capture="\N{CJK UNIFIED IDEOGRAPH-65E5}.pcap")
    for color in (False, True):
        for verbose in (False, True):
            report(color, verbose, diagnosis)
            report(color, verbose, wide)
print("written")
"""


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_loaded_once_the_format_is(form: str) -> None:
    assert _program(_CLOSED, form, "closed") == "written\n"


def test_the_test_would_notice() -> None:
    unprepared = _CLOSED.replace("formats.preload(form)", "")
    done = _run(unprepared, "html", "closed")
    assert "RuntimeError: " in done.stderr


def _program(script: str, *arguments: str) -> str:
    done = _run(script, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("form", FORMATS)
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
