"""The program as a shell sees it: version, help, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from synscope._version import VERSION
from synscope.cli import main
from synscope.engine import MODE

FIXTURES = Path(__file__).parents[2] / "fixtures"
REFUSED = str(FIXTURES / "refused.pcap")


def shell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "synscope", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=60, check=False
    )


def test_version_names_the_engine() -> None:
    found = CliRunner().invoke(main.cli, ["--version"])
    assert found.exit_code == 0
    assert found.output.startswith(f"synscope {VERSION} (engine: {MODE}; Python 3.")


@pytest.mark.parametrize("command", ["", "analyze", "explain", "causes"])
def test_help_has_examples_and_fits(command: str) -> None:
    found = CliRunner().invoke(main.cli, [*command.split(), "--help"])
    assert found.exit_code == 0
    assert "synscope " in found.output.split("\n", 2)[2]
    assert all(len(line) <= 100 for line in found.output.splitlines())


def test_run_returns_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["analyze", REFUSED]) == 1
    assert main.run(["explain", "SYN101"]) == 0
    capsys.readouterr()
    assert main.run(["explain", "nonsense"]) == 2
    assert main.run(["analyze", REFUSED, "-p", "localhost"]) == 2
    errors = capsys.readouterr().err
    assert "Nothing is known about 'nonsense'" in errors
    assert "'localhost' names no port; write localhost:PORT" in errors


def test_messages_do_not_repeat_escape_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["analyze", REFUSED, "--format", "\x1b[31mred"]) == 2
    assert main.run(["\x1b[31mred"]) == 2
    errors = capsys.readouterr().err
    assert "\x1b" not in errors
    assert "\\x1b[31mred" in errors


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise interruption

    monkeypatch.setattr("synscope.analysis.analyze", interrupted)
    assert main.run(["analyze", REFUSED]) == 130


def test_an_engine_that_is_not_there_is_said_clearly() -> None:
    found = shell("analyze", REFUSED, SYNSCOPE_ENGINE="turbo")
    assert found.returncode == 2
    assert found.stderr.startswith("synscope: SYNSCOPE_ENGINE='turbo'")
    assert "Traceback" not in found.stderr


def test_a_reader_that_stops_early_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "synscope", "analyze", *[REFUSED] * 50, "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert process.returncode == 141
    assert errors == b""


def test_ascii_terminals_get_ascii() -> None:
    found = shell("analyze", REFUSED, PYTHONIOENCODING="ascii")
    assert found.returncode == 1
    assert found.stdout.isascii()
    assert "SYN -->" in found.stdout


def test_json_does_without_rich() -> None:
    code = (
        "import sys; from synscope.cli.main import run; "
        f"run(['analyze', {REFUSED!r}, '--format', 'jsonl']); sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", [*main.cli.commands])
def test_the_help_command_shows_the_help_of_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["help", name]) == 0
    text = capsys.readouterr().out
    assert main.run([name, "--help"]) == 0
    assert capsys.readouterr().out == text


def test_the_help_command_shows_the_help_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["help"]) == 0
    text = capsys.readouterr().out
    assert main.run(["--help"]) == 0
    assert capsys.readouterr().out == text


def test_the_help_command_says_which_commands_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["help", "analyse"]) == 2
    assert "'analyse' is not one of" in capsys.readouterr().err
