"""``docs/cli.md``: the help text of every command, as the program prints it."""

from __future__ import annotations

from click.testing import CliRunner

from docgen.markdown import block, page
from synscope.cli import main

WIDTH = 80


def text() -> str:
    """Return the page."""
    return page(
        "Commands",
        "What each command says with `--help`. The exit statuses are listed in the "
        "[README](../README.md#exit-statuses).",
        "## synscope",
        block(_help()),
        *(part for name in main.cli.commands for part in (f"## synscope {name}", block(_help(name)))),
    )


def _help(*command: str) -> str:
    found = CliRunner().invoke(
        main.cli, [*command, "--help"], prog_name="synscope", terminal_width=WIDTH, catch_exceptions=False
    )
    return found.output
