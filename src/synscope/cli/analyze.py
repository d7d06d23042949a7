"""``synscope analyze``: captures in, a report out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from synscope import targets
from synscope.cli import output
from synscope.cli.status import ExitStatus
from synscope.model import Label, Target

if TYPE_CHECKING:
    from synscope.model import Attempt, Diagnosis

    _TargetParameter = click.ParamType[Target]
else:
    _TargetParameter = click.ParamType  # older releases of click are not generic

_STANDARD_INPUT = "-"
_DIFFERENCES_SHOWN = 10


class TargetType(_TargetParameter):
    """A ``-p`` argument."""

    name = "target"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        """Return the target that ``value`` names, or fail with what would name one."""
        if isinstance(value, Target):
            return value
        try:
            return targets.parse(str(value))
        except targets.TargetError as error:
            self.fail(f"{error}.", param, ctx)


_HELP = """\
Say what happened to the handshakes in packet captures, and why.

CAPTURE is a pcap or pcapng file, plain or compressed (gzip, zstd, bzip2, xz); - reads one from standard
input. Several captures are analysed each on its own.

\b
synscope analyze refused.pcap -p 62893
synscope analyze before.pcap after.pcap -p http://localhost:8080/
tcpdump -i lo -w - 'tcp port 62893' | synscope analyze -
synscope analyze fixture.pcap -p 8080 --expect completed
synscope analyze big.pcapng.zst --format jsonl | jq 'select(.type == "finding")'

Exit status: 0 no finding is a failure, 1 at least one is, 2 wrong usage, 3 no capture could be read.
With --expect, 0 and 1 say whether every target has that label.
"""


@click.command(help=_HELP, short_help="Say what happened in packet captures, and why.", no_args_is_help=True)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True)
@click.option(
    "-p",
    "--port",
    "wanted",
    metavar="TARGET",
    type=TargetType(),
    multiple=True,
    help="What to look at: a port, HOST:PORT, [IPv6]:PORT or a URL. May be given several times. "
    "Without it every server port in the capture is looked at.",
)
@click.option(
    "--expect",
    metavar="LABEL",
    type=click.Choice([label.value for label in Label], case_sensitive=False),
    help="Exit with 0 if every target has this label and with 1 if not: " + ", ".join(Label) + ".",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "jsonl"]),
    default="terminal",
    show_default=True,
    help="terminal: for people. json: one document. jsonl: one record a line, as they become known.",
)
@click.option(
    "--attempts",
    "listed",
    type=click.Choice(["findings", "all", "none"]),
    help="Which attempts to list: those that support a finding, all, or none. "
    "The default is findings; for jsonl it is all.",
)
@output.verbose_option
@output.color_option
@click.pass_context
def analyze(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    captures: tuple[str, ...],
    wanted: tuple[Target, ...],
    expect: str | None,
    form: str,
    listed: str | None,
    verbose: bool,
    color: str,
) -> None:
    """Analyse captures and write the report."""
    if captures.count(_STANDARD_INPUT) > 1:
        raise click.UsageError("Standard input (-) can be read only once.", context)
    if _STANDARD_INPUT in captures and sys.stdin.isatty():
        raise click.UsageError("Standard input (-) is a terminal; pipe a capture into it.", context)
    write_report = {"terminal": _terminal, "json": _json, "jsonl": _jsonl}[form]
    options = _Options(
        captures=captures,
        wanted=wanted,
        expected=None if expect is None else Label(_spelled(expect)),
        listed=listed or ("all" if form == "jsonl" else "findings"),
        verbose=verbose,
        color=color,
    )
    run = _Run(options)
    write_report(run)
    run.tell_differences()
    context.exit(run.exit_status)


@dataclass(frozen=True, slots=True)
class _Options:
    """The command line, read."""

    captures: tuple[str, ...]
    wanted: tuple[Target, ...]
    expected: Label | None
    listed: str
    verbose: bool
    color: str


class _Run:
    """Analyses the captures in turn and keeps what the exit status depends on."""

    def __init__(self, options: _Options) -> None:
        self.options = options
        self._expected = options.expected
        self._ports = {port for target in options.wanted for port in (target.port, target.wrapped)}
        self._read = 0
        self._failed = False
        self._differences: list[str] = []

    @property
    def exit_status(self) -> ExitStatus:
        """The status for the captures analysed so far. Captures that could not be read decide nothing."""
        if not self._read:
            return ExitStatus.UNREADABLE
        bad = self._failed if self._expected is None else bool(self._differences)
        return ExitStatus.FAILURE if bad else ExitStatus.FINE

    def concerns(self, attempt: Attempt) -> bool:
        """Whether ``attempt`` went to a port that was asked about; without any, all do."""
        return not self._ports or attempt.server.port in self._ports

    def diagnose(self, capture: str, on_attempt: Callable[[Attempt], None] | None) -> Diagnosis:
        """Return the diagnosis of one capture and remember what it means for the exit status."""
        from synscope.analysis import analyze as analyze_capture  # noqa: PLC0415 - loads the engine

        diagnosis = analyze_capture(
            capture, self.options.wanted, on_attempt=on_attempt, attempts=self.options.listed
        )
        if diagnosis.health.error is None:
            self._read += 1
            self._failed = self._failed or diagnosis.failed
            if self._expected is not None:
                self._differences.extend(_differences(diagnosis, self._expected))
        return diagnosis

    def tell_differences(self) -> None:
        """Write to standard error in what the targets differ from ``--expect``."""
        for line in self._differences[:_DIFFERENCES_SHOWN]:
            click.echo(f"synscope: expected {self._expected}, but {line}", err=True)
        rest = len(self._differences) - _DIFFERENCES_SHOWN
        if rest > 0:
            click.echo(f"synscope: and {rest:,} more differ", err=True)


def _differences(diagnosis: Diagnosis, expected: Label) -> Iterator[str]:
    from synscope.report.escape import visible  # noqa: PLC0415

    where = visible(diagnosis.capture)
    if not diagnosis.targets:
        yield f"{where} holds no attempt to connect"
    for one in diagnosis.targets:
        if one.summary.label is not expected:
            yield f"{visible(one.summary.target.text)} is {one.summary.label} in {where}"


def _terminal(run: _Run) -> None:
    from synscope.report import terminal  # noqa: PLC0415 - rich is slow to import; JSON does without it

    options = run.options
    look = output.look(color=options.color, verbose=options.verbose)
    lines_wanted = options.listed == "all" or (options.verbose and options.listed != "none")
    for number, capture in enumerate(run.options.captures):
        lines: list[str] = []

        def keep(attempt: Attempt, lines: list[str] = lines) -> None:
            if run.concerns(attempt):
                lines.append(terminal.attempt_line(attempt))

        diagnosis = run.diagnose(capture, keep if lines_wanted else None)
        headed = len(run.options.captures) > 1
        text = terminal.render(diagnosis, look, headed=headed, attempts=lines)
        output.write(("\n" if number else "") + text)


def _json(run: _Run) -> None:
    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415 - loads the compiled engine
    from synscope.report import json_report, records  # noqa: PLC0415

    report = json_report.JsonReport(version=VERSION, engine=str(MODE))
    output.write(report.begin())
    for capture in run.options.captures:
        output.write(report.begin_capture(capture))

        def tell(attempt: Attempt, capture: str = capture) -> None:
            output.write(report.attempt(capture, attempt))

        diagnosis = run.diagnose(capture, tell if run.options.listed == "all" else None)
        if run.options.listed == "findings":
            for attempt in records.supporting_attempts(diagnosis):
                tell(attempt)
        output.write(report.end_capture(diagnosis))
    output.write(report.end(run.exit_status))


def _jsonl(run: _Run) -> None:
    from synscope.report import jsonl  # noqa: PLC0415

    for capture in run.options.captures:

        def tell(attempt: Attempt, capture: str = capture) -> None:
            output.write(jsonl.attempt(capture, attempt))

        diagnosis = run.diagnose(capture, tell if run.options.listed == "all" else None)
        if run.options.listed == "findings":
            for line in jsonl.supporting_attempts(diagnosis):
                output.write(line)
        for line in jsonl.conclusions(diagnosis):
            output.write(line)


def _spelled(text: str) -> str:
    """Return the label as it is spelled in records, whatever the case it was typed in."""
    return next(label.value for label in Label if label.value.lower() == text.lower())
