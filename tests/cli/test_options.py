"""Options that take their defaults from files, and help texts that list them by section."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from synscope.cli import options
from synscope.cli.config_values import SETTINGS
from synscope.cli.main import cli

_NO_FILE = {"NO_COLOR": None, "SYNSCOPE_CONFIG": os.devnull}


@options.option("--netns", section=options.CAPTURED)
@options.option(
    "--interface",
    section=options.CAPTURED,
    setting="interface",
    default="lo",
    show_default=True,
    counts=lambda given: not given.get("netns"),
    help="Where.",
)
@options.option("--linger", setting="run.linger", type=click.FloatRange(0, 5))
@options.option("--bare/--full", setting="save.headers-only", default=False)
@click.command(cls=options.SectionedCommand)
def command(**values: Any) -> None:
    click.echo(sorted(values.items()))


def values(tmp_path: Path, text: str, *arguments: str) -> str:
    path = tmp_path / "synscope.toml"
    path.write_text(text)
    found = CliRunner().invoke(command, arguments, env={"SYNSCOPE_CONFIG": str(path)})
    return found.output


def test_what_is_typed_comes_before_the_file_and_that_before_what_is_built_in(tmp_path: Path) -> None:
    assert "('interface', 'lo')" in values(tmp_path, "")
    assert "('interface', 'any')" in values(tmp_path, 'interface = "any"')
    assert "('interface', 'eth0')" in values(tmp_path, 'interface = "any"', "--interface", "eth0")


def test_flags_can_be_taken_back(tmp_path: Path) -> None:
    text = "[save]\nheaders-only = true"
    assert "('bare', True)" in values(tmp_path, text)
    assert "('bare', False)" in values(tmp_path, text, "--full")
    assert "('bare', False)" in values(tmp_path, "")


def test_a_setting_gives_way_to_what_makes_it_meaningless(tmp_path: Path) -> None:
    assert "('interface', 'lo')" in values(tmp_path, 'interface = "any"', "--netns", "x")


def test_values_are_checked_as_if_typed_and_the_error_names_the_file(tmp_path: Path) -> None:
    assert "('linger', 1.0)" in values(tmp_path, "[run]\nlinger = 1")
    text = values(tmp_path, "[run]\nlinger = 9")
    assert text == f"synscope: {tmp_path / 'synscope.toml'}: run.linger: 9.0 is not in the range 0<=x<=5.\n"


def test_help_does_not_depend_on_files(tmp_path: Path) -> None:
    text = values(tmp_path, "broken", "--help")
    assert "[default: lo]" in text
    assert values(tmp_path, 'interface = "any"', "--help") == text


def test_help_has_sections() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert text.index(f"{options.CAPTURED}:\n") < text.index("--interface") < text.index("Options:\n")
    assert text.index("Options:\n") < text.index("--linger") < text.index("--help")


def all_options() -> list[options.Option]:
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.commands]
    return [one for found in commands if found for one in found.params if isinstance(one, options.Option)]


def test_every_setting_is_the_default_of_an_option_of_its_name() -> None:
    found = {(one.setting, one.opts[-1]) for one in all_options() if one.setting}
    assert {setting for setting, _ in found} == set(SETTINGS)
    assert all(setting.rpartition(".")[2] == name.removeprefix("--") for setting, name in found)


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", [*cli.commands])
def test_help_fits_and_explains_every_option(name: str, width: int) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert all(one.help for one in command.params if isinstance(one, click.Option))
    found = CliRunner().invoke(cli, [name, "--help"], terminal_width=width, env=_NO_FILE)
    assert found.exit_code == 0
    # Examples are not broken, so that they can be copied.
    assert all(len(line) <= max(width, 96) for line in found.output.splitlines())


def test_every_number_has_a_unit() -> None:
    numbers = [one for one in all_options() if isinstance(one.type, click.IntRange | click.FloatRange)]
    assert {one.metavar for one in numbers} <= {"SECONDS", "BYTES", "N", "[PORT]"}
