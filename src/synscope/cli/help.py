"""``synscope help``: the help text of a command, for whoever asks in that order."""

from __future__ import annotations

import click

from synscope.cli import options, output
from synscope.cli.main import cli

_HELP = """\
Show the help text of COMMAND, or without it that of synscope.

\b
synscope help analyze
"""


@click.command(cls=options.Command, help=_HELP, short_help="Show the help text of a command.")
@click.argument("command", metavar="[COMMAND]", required=False, type=click.Choice([*cli.commands]))
@click.pass_context
def help(context: click.Context, *, command: str | None) -> None:  # noqa: A001 - the command's name
    """Write the help text."""
    root = context.find_root()
    if command is None:
        output.write(root.get_help() + "\n")
        return
    found = cli.get_command(root, command)
    assert found is not None  # noqa: S101 - one of the choices
    about = click.Context(found, info_name=command, parent=root, **found.context_settings)
    output.write(found.get_help(about) + "\n")
