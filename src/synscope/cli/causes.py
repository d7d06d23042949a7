"""``synscope causes``: the catalogue as a list."""

from __future__ import annotations

import click

from synscope.cli import options, output

_HELP = """\
List all causes: code, name, title, and the labels they show under.

\b
synscope causes
synscope causes --format json | jq -r '.causes[].code'
"""


@click.command(cls=options.Command, help=_HELP, short_help="List all causes.")
@options.option(
    "--format",
    "form",
    section=options.REPORT,
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="terminal: for people. json: one document.",
)
@output.color_option
def causes(*, form: str, color: str) -> None:
    """Write the catalogue."""
    if form == "json":
        from synscope.causes.catalogue import CATALOGUE  # noqa: PLC0415 - loads the whole catalogue
        from synscope.report import explanation_records  # noqa: PLC0415
        from synscope.report import json_records as records  # noqa: PLC0415

        listed: list[records.JsonValue] = [explanation_records.summary(cause) for cause in CATALOGUE]
        output.write(records.line({"type": "causes", "causes": listed}) + "\n")
        return
    from synscope.report import cause_list  # noqa: PLC0415

    output.write(cause_list.render(output.look(color=color)))
