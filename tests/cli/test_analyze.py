"""``synscope analyze``: options, exit status, the three formats."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from synscope.cli.main import cli
from synscope.model import CaptureHealth, Diagnosis, Target
from synscope.report.schema import document
from tests import wire
from tests.story import frames

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")
FINE = str(FIXTURES / "http-ok.pcap")
NO_TCP = str(FIXTURES / "udp-only.pcap")
CUT = str(FIXTURES / "refused-cut.pcap")
WRAPPED = str(FIXTURES / "wrapped-port.pcap")
STARTUP = str(FIXTURES / "startup-race.pcap")
MISSING = "no-such-file.pcap"


def analyze(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(cli, ["analyze", *arguments], **options)


def jsonl(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in analyze(*arguments, "--format", "jsonl").stdout.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([FINE], 0),
        ([NO_TCP], 0),
        ([REFUSED], 1),
        ([CUT], 1),
        ([FINE, REFUSED], 1),
        ([FINE, MISSING], 0),
        ([MISSING, REFUSED], 1),
        ([MISSING], 3),
        ([MISSING, str(FIXTURES)], 1),
        ([str(FIXTURES.parent / "docs" / "schema")], 3),
        ([FINE, REFUSED, "--as-one"], 1),
        ([MISSING, FINE, "--as-one"], 0),
        ([MISSING, MISSING, "--as-one"], 3),
        ([str(FIXTURES / "README.md")], 3),
        ([FINE, "-p", "9"], 1),
        ([NO_TCP, "-p", "9"], 1),
        ([FINE, "-p", "619009"], 1),
        ([MISSING, "-p", "9"], 3),
        ([], 2),
        ([FINE, "-p", "localhost"], 2),
        ([FINE, "--expect", "refused"], 2),
        ([FINE, "--format", "xml"], 2),
        (["-", "-"], 2),
    ],
)
@pytest.mark.parametrize("form", ["terminal", "json", "jsonl"])
def test_exit_status(arguments: list[str], status: int, form: str) -> None:
    found = analyze("--format", form, *arguments)
    assert found.exit_code == status, found.output
    assert found.exception is None or isinstance(found.exception, SystemExit)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([REFUSED, "--expect", "SYN-RST"], 0, ""),
        ([REFUSED, "--expect", "syn-rst"], 0, ""),
        ([FINE, "--expect", "completed"], 0, ""),
        ([REFUSED, "--expect", "completed"], 1, "expected completed, but 62893 is SYN-RST"),
        ([REFUSED, "-p", "62893", "-p", "80", "--expect", "SYN-RST"], 1, "80 is client-never-sent"),
        ([REFUSED, "-p", "619009", "--expect", "client-never-sent"], 0, ""),
        ([REFUSED, FINE, "--expect", "SYN-RST"], 1, "is completed in"),
        ([NO_TCP, "--expect", "completed"], 1, "holds no attempt to connect"),
        ([NO_TCP, "-p", "80", "--expect", "client-never-sent"], 0, ""),
        ([MISSING, "--expect", "completed"], 3, ""),
        ([MISSING, REFUSED, "--expect", "SYN-RST"], 0, ""),
    ],
)
def test_expect(arguments: list[str], status: int, said: str) -> None:
    found = analyze(*arguments)
    assert found.exit_code == status
    assert said in found.stderr
    assert bool(found.stderr) is bool(said)


def test_terminal_report_of_one_capture() -> None:
    text = analyze(REFUSED, "-p", "62893").stdout
    assert text.startswith(" Nothing is listening on port 62893.\n")
    assert text.splitlines()[1] == " SYN-RST · likely · SYN101 service-not-running"
    assert re.search(rf"^ Capture\s+{re.escape(REFUSED)}", text, re.MULTILINE)


def test_several_captures_have_headers() -> None:
    text = analyze(REFUSED, MISSING).stdout
    assert f" ── {REFUSED} ──\n" in text
    assert f"── {MISSING} ──" in text
    assert "could not be read" in text


def test_no_colour_when_piped_but_on_request() -> None:
    assert "\x1b" not in analyze(REFUSED).stdout
    assert "\x1b[" in analyze(REFUSED, "--color", "always", color=True).stdout
    assert "\x1b" not in analyze(REFUSED, "--color", "never", color=True).stdout


def test_verbose_lists_attempts() -> None:
    assert "Attempts " not in analyze(STARTUP).stdout
    text = analyze(STARTUP, "--verbose").stdout
    assert "Attempts         4, in the order" in text
    assert "Attempts         4, in the order" in analyze(STARTUP, "--attempts", "all").stdout
    assert "Attempts " not in analyze(STARTUP, "--verbose", "--attempts", "none").stdout


def test_listed_attempts_are_those_asked_about() -> None:
    text = analyze(STARTUP, "--attempts", "all", "-p", "80", "-p", "62893").stdout
    assert "Attempts         4, in the order" in text
    assert "Attempts " not in analyze(STARTUP, "--attempts", "all", "-p", "80").stdout


def test_jsonl_order_and_contract() -> None:
    records = jsonl(STARTUP, "-p", "62893")
    kinds = [record["type"] for record in records]
    assert kinds == sorted(kinds, key=["attempt", "target", "finding", "health"].index)
    assert kinds.count("attempt") == 4
    assert [record["id"] for record in records if record["type"] == "attempt"] == [1, 2, 3, 4]
    assert {record["capture"] for record in records} == {STARTUP}
    for record in records:
        Draft202012Validator(document()).validate(record)


@pytest.mark.parametrize(("listed", "number"), [("findings", 4), ("all", 4), ("none", 0)])
def test_jsonl_attempts_on_request(listed: str, number: int) -> None:
    records = jsonl(STARTUP, "--attempts", listed)
    assert [record["type"] for record in records].count("attempt") == number


@pytest.mark.parametrize("listed", ["findings", "all", "none"])
def test_json_is_one_document(listed: str) -> None:
    found = analyze(REFUSED, MISSING, FINE, "--format", "json", "--attempts", listed)
    report = json.loads(found.stdout)
    Draft202012Validator(document()).validate(report)
    assert report["exit_status"] == found.exit_code == 1
    assert [capture["capture"] for capture in report["captures"]] == [REFUSED, MISSING, FINE]
    numbers = [len(capture["attempts"]) for capture in report["captures"]]
    assert numbers == {"findings": [1, 0, 0], "all": [1, 0, 1], "none": [0, 0, 0]}[listed]
    assert report["captures"][1]["health"]["error"]


def test_no_byte_order_mark() -> None:
    for form in ("json", "jsonl"):
        assert analyze(REFUSED, "--format", form).stdout_bytes.startswith(b"{")


def test_out_of_range_names_the_wrapped_port() -> None:
    (target,) = [record for record in jsonl(WRAPPED, "-p", "619009") if record["type"] == "target"]
    assert (target["target"], target["port"], target["claim"]) == ("619009", 619009, "file")
    assert any(miss["kind"] == "wrapped-port" and miss["port"] == 29185 for miss in target["near_misses"])
    assert "29185" in analyze(WRAPPED, "-p", "619009").stdout


def test_standard_input() -> None:
    command = [sys.executable, "-m", "synscope", "analyze", "-", "--format", "jsonl"]
    with Path(REFUSED).open("rb") as capture:
        found = subprocess.run(command, stdin=capture, capture_output=True, check=False, timeout=60)
    assert found.returncode == 1
    assert json.loads(found.stdout.splitlines()[0])["capture"] == "-"


def test_targets_and_choices_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Sequence[Target], bool]] = []

    def spy(capture: str, targets: Sequence[Target], *, on_attempt: object, **_: object) -> Diagnosis:
        calls.append((capture, targets, on_attempt is not None))
        return Diagnosis(capture, CaptureHealth(frames=0), (), watched=True)

    monkeypatch.setattr("synscope.analysis.analyze", spy)
    analyze("a", "b", "-p", "1", "-p", "http://localhost:2/", "--format", "jsonl")
    wanted = (Target("1", 1), Target("http://localhost:2/", 2, "localhost", "http"))
    assert calls == [("a", wanted, True), ("b", wanted, True)]


def test_attempts_are_written_as_they_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr("synscope.cli.output.write", written.append)
    analyze(STARTUP, "--format", "jsonl")
    *attempts, conclusions = written
    assert all(text.startswith('{"type":"attempt",') and text.endswith("}\n") for text in attempts)
    assert [text for text in attempts if text.count("\n") > 1] == []
    assert '"type":"attempt"' not in conclusions


def test_names_that_are_no_text_are_shown_and_valid(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9\x1b[31m.pcap"
    path.write_bytes(Path(REFUSED).read_bytes())
    text = analyze(str(path)).stdout
    assert "caf\\xe9\\x1b[31m.pcap" in text
    found = analyze(str(path), "--format", "jsonl")
    json.loads(found.stdout_bytes.decode("utf-8", "strict").splitlines()[0])
    assert b"caf\\\\xe9\\u001b[31m.pcap" in found.stdout_bytes


def _folder(tmp_path: Path, *names: str) -> str:
    """A directory with copies of fixtures, and what has no business there."""
    folder = tmp_path / "captures"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes((FIXTURES / name).read_bytes())
    (folder / ".hidden.pcap").write_bytes(b"not looked at")
    (folder / "deeper").mkdir()
    return str(folder)


def test_a_directory_stands_for_its_files(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "refused.pcap", "http-ok.pcap")
    (tmp_path / "captures" / "notes.txt").write_text("no capture")
    records = [record for record in jsonl(folder) if record["type"] == "health"]
    assert [Path(record["capture"]).name for record in records] == [
        "http-ok.pcap",
        "notes.txt",
        "refused.pcap",
    ]
    assert ["error" in record for record in records] == [False, True, False]
    assert analyze(folder).exit_code == 1


def test_a_directory_without_files(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (record,) = jsonl(folder)
    assert (record["capture"], record["error"]) == (folder, "is a directory without files")
    assert analyze(folder).exit_code == 3


def test_several_files_as_one(tmp_path: Path) -> None:
    """Attempts of all files under one name, and each frame number leads back to its file."""
    folder = _folder(tmp_path, "refused.pcap", "http-ok.pcap", "refused-cut.pcap")
    (tmp_path / "captures" / "notes.txt").write_text("no capture")
    records = jsonl(folder, "--as-one")
    for record in records:
        Draft202012Validator(document()).validate(record)
        assert record["capture"] == folder
    health = records[-1]
    files = {Path(file["path"]).name: file for file in health["files"]}
    assert sum(file["frames"] for file in files.values()) == health["frames"]
    assert health["files"][0]["first_frame"] == 1
    assert "error" in files["notes.txt"]
    assert files["refused-cut.pcap"]["cut"]["frame"] == 2
    assert health["truncated"]
    assert "cut" not in health
    notes = " ".join(health["notes"])
    assert "notes.txt was left out: is no pcap" in notes
    assert "refused-cut.pcap is cut short after its frame 2, at byte 168" in notes
    text = analyze(folder, "--as-one").stdout
    assert "4 files as one" in text
    assert "left out" in text


def test_one_file_as_one_is_that_file() -> None:
    alone = [record for record in jsonl(REFUSED) if record["type"] != "health"]
    assert [record for record in jsonl(REFUSED, "--as-one") if record["type"] != "health"] == alone


def test_selection() -> None:
    """Options reach the analysis, and the report says what was left out."""
    whole = jsonl(STARTUP)
    records = jsonl(STARTUP, "--since", "+1ms", "--until", "-0.1s", "--host", "192.0.2.1")
    for record in records:
        Draft202012Validator(document()).validate(record)
    assert records[-1]["frames"] == whole[-1]["frames"]
    assert sum(records[-1]["skipped"].values()) == records[-1]["frames"]
    assert whole[-1]["skipped"] == {}
    text = analyze(STARTUP, "--host", "192.0.2.1").stdout
    assert re.search(r"^ *left out +[0-9]+ other addresses$", text, re.MULTILINE)
    assert "no attempt to connect" in text


@pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be waited for")
def test_a_live_pipe_shows_attempts_while_it_is_open() -> None:
    """A closed connection is told in a pause, a refused one once its try is over."""
    closed = frames(
        "C S | S SA | C A | C PA len=5 | S PA len=7 | C FA | S FA | C A", client=("10.0.0.1", 4001)
    )
    refused = frames("C S | S RA", client=("10.0.0.1", 4002))
    still_open = frames("C S | S SA | C A", client=("10.0.0.1", 4003), start=wire.START + 30 * 10**9)
    command = [sys.executable, "-m", "synscope", "analyze", "-", "--format", "jsonl"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(wire.pcap(closed + refused))
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert (first["type"], first["outcome"], first["client"]["port"]) == ("attempt", "closed", 4001)
        process.stdin.write(b"".join(wire.pcap_record(ts, frame) for ts, frame in still_open))
        process.stdin.flush()
        second = json.loads(process.stdout.readline())
        assert (second["type"], second["outcome"], second["client"]["port"]) == ("attempt", "refused", 4002)
        rest, _ = process.communicate(timeout=60)
    records = [json.loads(line) for line in rest.splitlines()]
    assert [one["client"]["port"] for one in records if one["type"] == "attempt"] == [4003]
    assert records[-1]["frames"] == 13
    assert (records[-1]["strays"], records[-1]["aggregated"]) == (0, 0)


SLOW = """C S | C S dt=1000 | S SA | C A | C PA len=5 | S PA len=7 | C F | S F"""


@pytest.mark.parametrize(("choice", "status"), [("failure", 0), ("warning", 1)])
def test_warnings_count_where_that_is_asked_for(tmp_path: Path, choice: str, status: int) -> None:
    capture = tmp_path / "slow.pcap"
    capture.write_bytes(wire.pcap(frames(SLOW)))
    found = analyze(str(capture), "--fail-on", choice, "--format", "json")
    report = json.loads(found.stdout)
    (warning,) = report["captures"][0]["findings"]
    assert (warning["code"], warning["kind"]) == ("SYN172", "warning")
    assert (report["exit_status"], found.exit_code) == (status, status)
    assert analyze(str(capture), "--fail-on", "warning", "--expect", "completed").exit_code == 0
