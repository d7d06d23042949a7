"""``synscope completion``: the script that makes a shell complete synscope's words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from synscope.cli import options, output

VARIABLE = "_SYNSCOPE_COMPLETE"
"""Set by the scripts: the program then writes what fits instead of running a command."""

_HELP = """\
Write the completion script for SHELL (bash 4.4 or newer, zsh, fish) to standard output.

\b
eval "$(synscope completion bash)"         in ~/.bashrc
eval "$(synscope completion zsh)"          in ~/.zshrc, after compinit
synscope completion fish | source          in ~/.config/fish/config.fish

The shell then completes commands, options and their values, files, codes for explain, names of ports from
synscope.toml, ports that something listens on, interfaces and network namespaces.
"""


@click.command(cls=options.Command, help=_HELP, short_help="Write the completion script of a shell.")
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Write the script."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all three
    script = found(context.find_root().command, {}, "synscope", VARIABLE)
    output.write(script.source_template % script.source_vars() + "\n")
