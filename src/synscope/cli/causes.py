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


@click.command(cls=options.SectionedCommand, help=_HELP, short_help="List all causes.")
@output.format_option(("terminal", "json"))
@output.color_option
def causes(*, form: str, color: str) -> None:
    """Write the catalogue."""
    if form == "json":
        from synscope.causes.catalogue import CATALOGUE  # noqa: PLC0415 - loads the whole catalogue
        from synscope.report import explanation_records, json_records  # noqa: PLC0415

        listed: list[json_records.JsonValue] = [explanation_records.summary(cause) for cause in CATALOGUE]
        output.write(json_records.line({"type": "causes", "causes": listed}) + "\n")
        return
    from synscope.report.explanation import render_catalogue  # noqa: PLC0415

    output.write(render_catalogue(output.look(color=color)))
