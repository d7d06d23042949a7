"""``synscope help COMMAND`` is ``synscope COMMAND --help``."""

from __future__ import annotations

import pytest

from synscope.cli.main import cli, run


@pytest.mark.parametrize("name", [*cli.commands])
def test_help_of_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", name]) == 0
    text = capsys.readouterr().out
    assert run([name, "--help"]) == 0
    assert capsys.readouterr().out == text


def test_help_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help"]) == 0
    text = capsys.readouterr().out
    assert run(["--help"]) == 0
    assert capsys.readouterr().out == text


def test_help_of_what_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "analyse"]) == 2
    assert "'analyse' is not one of" in capsys.readouterr().err
