"""``synscope doctor``: what is told, in which form, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from synscope.cli.main import cli
from synscope.process.errors import ElevationError, HelperError
from synscope.report.schema import document
from synscope.session import doctor

REFUSING = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _without_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process must keep its rights: nothing is captured here."""

    def start_session(*_: object, **__: object) -> None:
        raise ElevationError("capturing needs a privilege. Type one of:", ("sudo synscope doctor",))

    monkeypatch.setattr(doctor, "start_session", start_session)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments])


def test_a_report_without_a_capture() -> None:
    result = run(REFUSING)
    assert result.exit_code == 1, result.output
    assert f"connecting to {REFUSING}: TCP handshake only, then close" in result.stderr
    assert result.stdout.splitlines()[1].startswith(" SYN-RST · ")
    assert "nothing was captured: capturing needs a privilege; to have it" in " ".join(result.stdout.split())
    assert "Connection refused" in result.stdout
    assert "no SYN to it in this capture" not in result.stdout


def test_json_is_as_published() -> None:
    result = run(REFUSING, "--format", "json")
    report = json.loads(result.stdout)
    Draft202012Validator(document()).validate(report)
    assert report["exit_status"] == result.exit_code == 1
    (capture,) = report["captures"]
    assert capture["capture"] == f"doctor {REFUSING}"
    assert capture["health"]["frames"] == 0
    assert {one["source"] for one in capture["findings"][0]["evidence"]} == {"host"}


def test_quiet_is_one_line() -> None:
    result = run(REFUSING, "--quiet")
    assert result.exit_code == 1
    assert result.stdout.startswith("127.0.0.1:1: SYN-RST, ")
    assert len(result.stdout.splitlines()) == 1
    assert "--quiet excludes" in run(REFUSING, "--quiet", "--format", "json").stderr


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    result = run(REFUSING, "--output", str(path))
    assert result.stdout == ""
    assert " SYN-RST · " in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["619009", "0", "http://localhost:65536/"])
def test_no_port(text: str) -> None:
    result = run(text, "--probe")
    assert result.exit_code == 1
    assert "connecting to nothing" in result.stderr
    assert "SYN141" in result.stdout
    assert "own connect" not in result.stdout


def test_a_name_without_address() -> None:
    result = run("no-such-host.invalid:80")
    assert result.exit_code == 1
    assert "no-such-host.invalid has no address: connecting to nothing" in result.stderr
    assert "SYN144" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["80", "81"], ["80", "--format", "jsonl"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Callable[[], None]:
        raise HelperError("the helper is\x1b[2J gone")

    monkeypatch.setattr(doctor, "examine", fail)
    result = run(REFUSING)
    assert result.exit_code == 125
    assert result.stderr == "synscope: the helper is\\x1b[2J gone\n"


def test_the_target_cannot_steer_a_terminal() -> None:
    result = run("http://localhost:1/\x1b[31m\u202e")
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
