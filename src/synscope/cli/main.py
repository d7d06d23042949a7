"""``synscope``: the group of commands, ``--version``, and how the program ends.

The commands ``completion`` and ``help`` are about the group itself and stand here; each other one is a module.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys

import click

from synscope.cli import options, output
from synscope.cli.output import ExitStatus
from synscope.report.escape import visible


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: object) -> None:
    if not wanted or context.resilient_parsing:
        return
    import platform  # noqa: PLC0415 - only here

    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415 - loads the compiled engine

    system = f"{platform.system()} {platform.machine()}"
    output.write(f"synscope {VERSION} (engine: {MODE}; Python {platform.python_version()}; {system})\n")
    context.exit()


_HELP = """\
Why can't my client connect to localhost:PORT?

synscope reads packet captures, names what happened to every TCP handshake, and says which documented
cause fits, on what evidence, how to check it and what to do.

\b
synscope doctor localhost:62893            what is wrong with that port, right now
synscope analyze refused.pcap -p 62893     what happened to that port
synscope explain ECONNREFUSED              what an error message means
synscope explain 619009                    what a port number means
synscope causes                            all causes it knows
synscope help analyze                      the options of a command
"""


class _NotImported(click.Command):
    """The name of a command whose module, of the same name in this folder, is imported when it is asked for."""


class _Commands(click.Group):
    """A group that imports a command when somebody asks for it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command, or ``None`` where there is none of that name."""
        command = self.commands.get(cmd_name)
        if isinstance(command, _NotImported):
            command = getattr(importlib.import_module(f"synscope.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=_Commands,
    commands=[
        _NotImported(name)
        for name in (
            "doctor",
            "live",
            "run",
            "snapshot",
            "analyze",
            "annotate",
            "explain",
            "causes",
            "config",
        )
    ],
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 no failure found, 1 at least one, 2 wrong usage, 3 no capture could be read.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version, the engine (compiled or interpreted) and the platform.",
)
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    shell_complete=options.files,
    help="Take defaults and names of ports from this file alone. Without it those of synscope.toml or "
    "pyproject.toml, here or above, and of ~/.config/synscope/synscope.toml are taken.",
)
@click.option("--no-config", is_flag=True, help="Read no configuration file.")
def cli(*, config_path: str | None, no_config: bool) -> None:
    """Run one of the commands."""
    if config_path is not None and no_config:
        raise click.UsageError("--config and --no-config exclude each other.")


_COMPLETION_HELP = """\
Write the completion script for SHELL (bash 4.4 or newer, zsh, fish) to standard output.

\b
eval "$(synscope completion bash)"         in ~/.bashrc
eval "$(synscope completion zsh)"          in ~/.zshrc, after compinit
synscope completion fish | source          in ~/.config/fish/config.fish

The shell then completes commands, options and their values, files, codes for explain, names of ports from
synscope.toml, ports that something listens on, interfaces and network namespaces.
"""

COMPLETION_VARIABLE = "_SYNSCOPE_COMPLETE"
"""Set by the scripts: the program then writes what fits instead of running a command."""


@cli.command(
    cls=options.SectionedCommand, help=_COMPLETION_HELP, short_help="Write the completion script of a shell."
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Write the script."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only here

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all three
    script = found(context.find_root().command, {}, "synscope", COMPLETION_VARIABLE)
    output.write(script.source_template % script.source_vars() + "\n")


_HELP_HELP = """\
Show the help text of COMMAND, or without it that of synscope.

\b
synscope help analyze
"""


@cli.command(
    "help", cls=options.SectionedCommand, help=_HELP_HELP, short_help="Show the help text of a command."
)
@click.argument("command", metavar="[COMMAND]", required=False, type=click.Choice([*cli.commands, "help"]))
@click.pass_context
def show_help(context: click.Context, *, command: str | None) -> None:
    """Write the help text."""
    root = context.find_root()
    if command is None:
        output.write(root.get_help() + "\n")
        return
    found = cli.get_command(root, command)
    assert found is not None  # noqa: S101 - one of the choices
    about = click.Context(found, info_name=command, parent=root, **found.context_settings)
    output.write(found.get_help(about) + "\n")


def main() -> None:
    """Run the program and end it with its exit status. The entry point of the ``synscope`` script."""
    for name in ("stdout", "stderr"):
        # Closed by the caller: what is opened first must not take its number, nor the report the other one.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    # One short run makes hardly any cycles; looking for them at the usual rate costs more than it frees.
    gc.set_threshold(50_000)
    status = run(sys.argv[1:])
    # Nor does the interpreter have to look for them once more before it ends.
    gc.freeze()
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit status."""
    try:
        status = cli.main(arguments, prog_name="synscope", standalone_mode=False)
    except output.OutputClosed:
        output.discard_rest()
        return ExitStatus.OUTPUT_CLOSED
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    except ImportError as error:
        if error.name is not None:
            raise
        # The engine that SYNSCOPE_ENGINE asks for is not there; its message says what to do.
        click.echo(f"synscope: {error}", err=True)
        return ExitStatus.USAGE
    return int(status or ExitStatus.FINE)


def _show(error: click.ClickException) -> None:
    """Write what was wrong with the command line. Messages quote arguments, which may hold anything."""
    text = io.StringIO()
    error.show(file=text)
    for line in text.getvalue().rstrip("\n").split("\n"):
        click.echo(visible(line), err=True)
