"""``synscope analyze``: captures in, a report out."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from synscope.cli import options, output, selection_options, target_type
from synscope.cli.output import ExitStatus
from synscope.model import Label, Target
from synscope.report import formats
from synscope.units import listed as enumerated

if TYPE_CHECKING:
    from synscope.engine.moments import Moments
    from synscope.model import Attempt, Diagnosis
    from synscope.probes.host.given import GivenSnapshot
    from synscope.report.writer import Listed
    from synscope.selection import Selection

_STANDARD_INPUT = "-"
_DIFFERENCES_SHOWN = 10


_HELP = """\
Say what happened to the handshakes in packet captures, and why.

CAPTURE is a pcap or pcapng file, plain or compressed (gzip, zstd, bzip2, xz, lz4); - reads one from standard
input; a directory stands for the files in it. Several captures are analysed each on its own, or with
--as-one as one.

\b
synscope analyze refused.pcap -p 62893
synscope analyze before.pcap after.pcap -p http://localhost:8080/
tcpdump -i lo -w - 'tcp port 62893' | synscope analyze -
tcpdump -i lo -U -w - tcp | synscope analyze - --format jsonl
synscope analyze --as-one ring_*.pcapng -p 8080
synscope analyze trace.pcap -p 8080 --snapshot host.json
synscope analyze fixture.pcap -p 8080 --expect completed
synscope analyze big.pcapng.zst --format jsonl | jq 'select(.type == "finding")'

Exit status: 0 no finding is a failure (with --fail-on warning: nor a warning), 1 at least one is, 2 wrong usage,
3 no capture could be read.
With --expect, 0 and 1 say whether every target has that label.
"""


def _not_quiet(given: options.Given) -> bool:
    return not given.get("quiet")


@click.command(
    cls=options.SectionedCommand,
    help=_HELP,
    short_help="Say what happened in packet captures, and why.",
    no_args_is_help=True,
)
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True, shell_complete=options.files)
@target_type.port_option("Without it every server port in the capture is looked at.")
@options.option(
    "--as-one",
    section=options.LOOKED_AT,
    is_flag=True,
    help="Take all captures given for one, in order of time: files rotated by tcpdump -C, -G, -W or by a "
    "dumpcap ring buffer, in any order.",
)
@selection_options.selecting
@options.option(
    "--snapshot",
    "snapshots",
    section=options.LOOKED_AT,
    shell_complete=options.files,
    metavar="FILE",
    multiple=True,
    help="Take what synscope snapshot wrote on the machine of the capture into account. May be given several "
    "times, for looks before and after.",
)
@options.option(
    "--expect",
    section=options.REPORT,
    metavar="LABEL",
    type=click.Choice([label.value for label in Label], case_sensitive=False),
    help="Exit with 0 if every target has this label and with 1 if not: " + ", ".join(Label) + ".",
)
@output.format_option(
    setting="analyze.format",
    counts=_not_quiet,
    about={
        "jsonl": "one record a line, as they become known; attempts from a pipe soon after they are over",
        "csv": "the attempts, likewise",
    },
)
@output.quiet_option
@options.option(
    "--attempts",
    "listed",
    section=options.REPORT,
    setting="analyze.attempts",
    counts=_not_quiet,
    type=click.Choice(["findings", "all", "none"]),
    help="Which attempts to list: those that support a finding, all, or none. The default is findings; for "
    f"{enumerated([known.name for known in formats.FORMATS.values() if known.streams_attempts])} it is all.",
)
@output.fail_on_option("analyze.fail-on", remark="--expect decides alone.")
@output.verbose_option
@output.why_option
@output.color_option
@click.pass_context
def analyze(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    captures: tuple[str, ...],
    wanted: tuple[Target, ...],
    as_one: bool,
    selection: Selection,
    snapshots: tuple[str, ...],
    expect: str | None,
    form: str,
    quiet: bool,
    listed: Listed | None,
    fail_on: str,
    verbose: bool,
    why: bool,
    color: str,
) -> None:
    """Analyse captures and write the report."""
    if captures.count(_STANDARD_INPUT) > 1:
        raise click.UsageError("Standard input (-) can be read only once.", context)
    if _STANDARD_INPUT in captures and sys.stdin.isatty():
        raise click.UsageError("Standard input (-) is a terminal; pipe a capture into it.", context)
    if quiet and (form != "terminal" or verbose or why or listed):
        raise click.UsageError("--quiet excludes --verbose, --why, --attempts and other formats.", context)
    report = formats.QUIET if quiet else formats.named(form)
    files = list(dict.fromkeys(file for capture in captures for file in _files(capture)))
    options = _Options(
        captures=captures[:1] if as_one else tuple(files),
        files=tuple(files) if as_one else (),
        selection=selection,
        wanted=wanted,
        snapshots=_snapshots(snapshots),
        expected=None if expect is None else Label(_spelled(expect)),
        listed=listed or ("all" if report.streams_attempts else "findings"),
        live=report.streams_attempts,
        fail_on=fail_on,
        bar=report.waits_for_capture or not sys.stdout.isatty(),
        verbose=verbose,
        why=why,
        color=color,
    )
    analyses = _Analyses(options)
    _write(report, analyses)
    analyses.tell_differences()
    context.exit(analyses.exit_status)


def _write(report: formats.ReportFormat, analyses: _Analyses) -> None:
    """Analyse the captures and write the report meanwhile."""
    from synscope.report.writer import ReportSettings  # noqa: PLC0415 - slower to import than the options are

    options = analyses.options
    settings = ReportSettings(
        look=functools.partial(output.look, color=options.color, verbose=options.verbose, why=options.why),
        listed=options.listed,
        verbose=options.verbose,
        why=options.why,
        targets=options.wanted,
        expected=options.expected,
        several=len(options.captures) > 1,
    )
    writer = report.load()(settings)
    _write_text(writer.begin())
    for capture in options.captures:
        moments = report.moments(options.wanted)
        _write_text(writer.begin_capture(capture, moments))

        def tell(attempt: Attempt, capture: str = capture) -> None:
            _write_text(writer.attempt(capture, attempt))

        diagnosis = analyses.diagnose(capture, tell if writer.takes_attempts else None, moments)
        _write_text(writer.end_capture(diagnosis))
        for remark in writer.remarks(diagnosis):
            output.announce(remark)
    _write_text(writer.end(analyses.exit_status))


def _write_text(text: str) -> None:
    if text:
        output.write(text)


class _Options(NamedTuple):
    """The command line, read."""

    captures: tuple[str, ...]
    files: tuple[str, ...]
    """With --as-one, what the one capture consists of."""
    selection: Selection
    wanted: tuple[Target, ...]
    snapshots: tuple[GivenSnapshot, ...]
    """What is known about the host, in order of time."""
    expected: Label | None
    listed: Listed
    live: bool
    """Whether attempts are written as soon as they are over."""
    bar: bool
    """Whether standard error may show a progress bar."""
    fail_on: str
    """``failure``, or ``warning``: which findings make the exit status 1."""
    verbose: bool
    why: bool
    color: str


class _Analyses:
    """Analyses the captures in turn and keeps what the exit status depends on."""

    def __init__(self, options: _Options) -> None:
        self.options = options
        self._expected = options.expected
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

    def diagnose(
        self, capture: str, on_attempt: Callable[[Attempt], None] | None, moments: Moments | None = None
    ) -> Diagnosis:
        """Return the diagnosis of one capture and remember what it means for the exit status.

        ``moments`` counts when attempts began.
        """
        from synscope.analysis import analyze as analyze_capture  # noqa: PLC0415 - loads the engine

        # Records that are written to a terminal as they come and a bar would be in each other's way.
        quiet = not self.options.bar
        with (
            contextlib.nullcontext()
            if quiet
            else output.progress(self.options.files or (capture,)) as on_read
        ):
            diagnosis = analyze_capture(
                capture,
                self.options.wanted,
                files=self.options.files,
                selection=self.options.selection,
                on_attempt=on_attempt,
                live=self.options.live,
                on_read=on_read,
                snapshots=self.options.snapshots,
                moments=moments,
            )
        if diagnosis.health.error is None:
            self._read += 1
            self._failed = self._failed or bool(output.verdict(diagnosis, self.options.fail_on))
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
    for target in diagnosis.targets:
        if target.summary.label is not expected:
            yield f"{visible(target.summary.target.text)} is {target.summary.label} in {where}"


def _snapshots(paths: tuple[str, ...]) -> tuple[GivenSnapshot, ...]:
    """Return what the files say about the host, in order of time, or fail as wrong usage."""
    if not paths:
        return ()
    from synscope.evidence.host.given import in_order  # noqa: PLC0415 - not for captures alone
    from synscope.probes.host import given  # noqa: PLC0415
    from synscope.probes.host.snapshot_json import SnapshotError  # noqa: PLC0415

    found = []
    for path in paths:
        try:
            found.append(given.read(path))
        except (SnapshotError, OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise click.UsageError(f"--snapshot {path}: {reason}.") from error
    return in_order(found)


def _files(capture: str) -> list[str]:
    """Return the files in a directory, and ``capture`` itself where it is none."""
    from synscope.capture.read.byte_sources import listing  # noqa: PLC0415 - loads the engine

    return [capture] if capture == _STANDARD_INPUT else listing(capture)


def _spelled(text: str) -> str:
    """Return the label as it is spelled in records, whatever the case it was typed in."""
    return next(label.value for label in Label if label.value.lower() == text.lower())
