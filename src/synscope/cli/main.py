"""``synscope``: the group of commands, ``--version``, and how the program ends."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys

import click

from synscope.cli import options, output
from synscope.cli.status import ExitStatus
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


class _Commands(click.Group):
    """A group that knows its commands by name, each a module of this folder, and imports the one asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command, or ``None`` where there is none of that name."""
        if cmd_name not in self.commands:
            return None
        command: click.Command = getattr(importlib.import_module(f"synscope.cli.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=_Commands,
    commands=[
        click.Command(name)
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
            "completion",
            "help",
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
