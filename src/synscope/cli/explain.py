"""``synscope explain``: what a code, label, stage, error message or port number means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from synscope.cli import options, output

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_QUOTED = 60
"""Characters of an unknown question that the error message repeats."""

_HELP = """\
Explain a cause, a label, an outcome, a stage of the path, an error message or a port number.

WHAT is text as you have it: a code or name from a report, or an error message pasted whole (in
quotes, if it holds brackets or the like). Digits alone are a port number.

\b
synscope explain SYN101
synscope explain client-never-sent
synscope explain listener
synscope explain "curl: (7) Failed to connect to localhost port 62893"
synscope explain "[Errno 111] Connection refused"
synscope explain ERR_UNSAFE_PORT
synscope explain 619009
"""


def _offered(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from synscope.cli import candidates  # noqa: PLC0415 - only when a shell asks

    return candidates.explained(context, parameter, incomplete)


@click.command(
    cls=options.SectionedCommand,
    help=_HELP,
    short_help="Explain a cause, label, stage, error or port.",
    no_args_is_help=True,
    context_settings={"ignore_unknown_options": True},
)
@click.argument(
    "what", metavar="WHAT...", nargs=-1, required=True, type=click.UNPROCESSED, shell_complete=_offered
)
@output.format_option(("terminal", "json"))
@output.verbose_option
@output.color_option
def explain(*, what: tuple[str, ...], form: str, verbose: bool, color: str) -> None:
    """Write the explanation, or say what may have been meant."""
    from synscope.report import explanation, explanation_records, json_records, lookup  # noqa: PLC0415 - slow to import

    query = " ".join(what)
    answer = lookup.look_up(query)
    if answer is None:
        raise click.UsageError(_unknown(query, lookup.suggestions(query)))
    if form == "json":
        output.write(json_records.line(explanation_records.explanation(query, answer)) + "\n")
    else:
        output.write(explanation.render(answer, output.look(color=color, verbose=verbose)))


def _unknown(query: str, close: tuple[str, ...]) -> str:
    shown = query if len(query) <= _QUOTED else query[: _QUOTED - 3] + "..."
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return (
        f"Nothing is known about {shown!r}.{hint} "
        "'synscope causes' lists all causes; labels are listed by 'synscope analyze --help'."
    )
