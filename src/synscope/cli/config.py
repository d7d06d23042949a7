"""``synscope config``: which configuration files were read, what holds, and who says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import click

from synscope.cli import config_file, config_values, options, output
from synscope.cli.main import cli
from synscope.report.escape import visible

_HELP = """\
Show which configuration files were read, the ports they name, and the default of each option that they can set:
its value, and the file it comes from.

\b
synscope config
synscope --config team.toml config
synscope --no-config config

Options on the command line come before the environment (NO_COLOR), that before the project's file (synscope.toml, or
[tool.synscope] in pyproject.toml), that before the user's (~/.config/synscope/synscope.toml).

Exit status: 0 the files are in order, 2 one is not.
"""


class _Row(NamedTuple):
    key: str
    value: str
    source: str


@click.command(
    cls=options.SectionedCommand, help=_HELP, short_help="Show defaults and names from synscope.toml."
)
@click.pass_context
def config(context: click.Context) -> None:
    """Write what was read and what holds."""
    found = config_file.of(context)
    rows = [*_settings(context, found)]
    lines = ["files"]
    lines += [f"  {visible(file.path)}  ({file.origin.value})" for file in found.files]
    lines += [f"  none: {visible(path)}  ({origin.value})" for origin, path in found.absent]
    if not found.files and not found.absent:
        lines.append("  none was to be read")
    lines += ["", "ports", *_table(_ports(found))]
    lines += ["", "defaults", *_table(rows)]
    output.write("\n".join(lines) + "\n")


def _ports(found: config_file.Config) -> list[_Row]:
    return [
        _Row(name, visible(port.text), visible(file.path))
        for name, (port, file) in sorted(found.ports().items())
    ]


def _settings(context: click.Context, found: config_file.Config) -> Iterator[_Row]:
    """Return the settings in the order of their table, each checked by an option that it is the default of."""
    by_setting = settable(context)
    for key in config_values.SETTINGS:
        option = by_setting[key][0]
        setting = found.find(key)
        if setting is not None:
            value = option.checked(context, setting)
            yield _Row(key, visible(_spelled(value)), visible(setting.file.path))
        else:
            yield _Row(key, _spelled(option.get_default(context)), "built in")
    if os.environ.get("NO_COLOR"):
        yield _Row("color", "never", "NO_COLOR, before any file")


def settable(context: click.Context) -> dict[str, list[options.Option]]:
    """Return, by setting, the options of all commands that have it as their default."""
    found: dict[str, list[options.Option]] = {}
    for name in cli.commands:
        command = cli.get_command(context, name)
        for parameter in () if command is None else command.params:
            if isinstance(parameter, options.Option) and parameter.setting is not None:
                found.setdefault(parameter.setting, []).append(parameter)
    return found


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else "-"


def _table(rows: list[_Row]) -> list[str]:
    if not rows:
        return ["  none"]
    key, value = (max(len(row[column]) for row in rows) for column in range(2))
    return [f"  {row.key:{key}}  {row.value:{value}}  {row.source}" for row in rows]
