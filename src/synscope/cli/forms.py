"""What ``analyze --format`` writes: one function a form, which runs the analysis and writes as it goes.

Input: a ``Run`` of the ``analyze`` command. Output: standard output. Reports are imported by the function
that needs them: rich is slow to load, and JSON and CSV do without it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING

from synscope.cli import output

if TYPE_CHECKING:
    from synscope.cli.analyze import Run
    from synscope.model import Attempt, Diagnosis


def terminal(run: Run) -> None:
    """Write each capture's report for people."""
    from synscope.report import terminal as report  # noqa: PLC0415 - rich is slow to import; JSON does without it

    options = run.options
    look = output.look(color=options.color, verbose=options.verbose)
    lines_wanted = options.listed == "all" or (options.verbose and options.listed != "none")
    for number, capture in enumerate(run.options.captures):
        lines: list[str] = []

        def keep(attempt: Attempt, lines: list[str] = lines) -> None:
            if run.concerns(attempt):
                lines.append(report.attempt_line(attempt))

        diagnosis = run.diagnose(capture, keep if lines_wanted else None)
        headed = len(run.options.captures) > 1
        text = report.render(diagnosis, look, headed=headed, attempts=lines)
        output.write(("\n" if number else "") + text)


def json(run: Run) -> None:
    """Write one document of all captures."""
    from synscope._version import VERSION  # noqa: PLC0415
    from synscope.engine import MODE  # noqa: PLC0415 - loads the compiled engine
    from synscope.report import json_records as records  # noqa: PLC0415
    from synscope.report import json_report  # noqa: PLC0415

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


def jsonl(run: Run) -> None:
    """Write one record a line."""
    from synscope.report import jsonl as report  # noqa: PLC0415

    for capture in run.options.captures:

        def tell(attempt: Attempt, capture: str = capture) -> None:
            output.write(report.attempt(capture, attempt))

        diagnosis = run.diagnose(capture, tell if run.options.listed == "all" else None)
        if run.options.listed == "findings":
            for line in report.supporting_attempts(diagnosis):
                output.write(line)
        for line in report.conclusions(diagnosis):
            output.write(line)


def quiet(run: Run) -> None:
    """Write a line a target."""
    from synscope.report import quiet as report  # noqa: PLC0415

    options = run.options
    look = output.look(color=options.color)
    for capture in options.captures:
        output.write(report.render(run.diagnose(capture, None), look, headed=len(options.captures) > 1))


def markdown(run: Run) -> None:
    """Write each capture's report for issues and chats."""
    from synscope.report import markdown as report  # noqa: PLC0415
    from synscope.report import terminal as lines_of  # noqa: PLC0415

    options = run.options
    look = output.look(color="never", verbose=options.verbose)
    for number, capture in enumerate(options.captures):
        lines: list[str] = []

        def keep(attempt: Attempt, lines: list[str] = lines) -> None:
            if run.concerns(attempt):
                lines.append(lines_of.attempt_line(attempt))

        diagnosis = run.diagnose(capture, keep if options.listed == "all" else None)
        text = report.render(diagnosis, look, headed=len(options.captures) > 1, attempts=lines)
        output.write(("\n" if number else "") + text)


def html(run: Run) -> None:
    """Write one page of all captures."""
    from synscope.engine.moments import Moments  # noqa: PLC0415 - loads the compiled engine
    from synscope.report import terminal as lines_of  # noqa: PLC0415
    from synscope.report.html import document  # noqa: PLC0415 - Jinja2 is for this form alone

    reports = []
    for capture in run.options.captures:
        lines: list[str] = []
        over = [0]

        def keep(attempt: Attempt, lines: list[str] = lines, over: list[int] = over) -> None:
            if not run.concerns(attempt):
                return
            if len(lines) < document.MOST_ATTEMPTS:
                lines.append(lines_of.attempt_line(attempt))
            else:
                over[0] += 1

        moments = Moments(target.port for target in run.options.wanted)
        diagnosis = run.diagnose(capture, keep if run.options.listed == "all" else None, moments)
        reports.append(document.Report(diagnosis, moments, lines, over[0]))
    output.write(document.render(reports, output.look(color="never")))


def csv(run: Run) -> None:
    """Write a row an attempt. What a reader of the rows should know goes to standard error."""
    from synscope.report import csv_report  # noqa: PLC0415
    from synscope.report import json_records as records  # noqa: PLC0415

    output.write(csv_report.header())
    for capture in run.options.captures:

        def tell(attempt: Attempt, capture: str = capture) -> None:
            output.write(csv_report.attempt(capture, attempt))

        diagnosis = run.diagnose(capture, tell if run.options.listed == "all" else None)
        if run.options.listed == "findings":
            for attempt in records.supporting_attempts(diagnosis):
                tell(attempt)
        _warn(diagnosis)


def junit(run: Run) -> None:
    """Write a test suite a capture."""
    from synscope.report import junit as report  # noqa: PLC0415

    output.write(report.begin())
    for capture in run.options.captures:
        output.write(report.suite(run.diagnose(capture, None), run.options.expected))
    output.write(report.end())


def _warn(diagnosis: Diagnosis) -> None:
    """Say on standard error what the rows cannot: that the capture was not read, or not to its end."""
    health = diagnosis.health
    if health.error is not None:
        output.announce(f"{diagnosis.capture} could not be read: {health.error}")
    elif health.cut is not None:
        output.announce(
            f"{diagnosis.capture} is cut short after frame {health.cut.frame}: {health.cut.reason}"
        )


WRITERS: MappingProxyType[str, Callable[[Run], None]] = MappingProxyType(
    {
        "terminal": terminal,
        "html": html,
        "markdown": markdown,
        "json": json,
        "jsonl": jsonl,
        "csv": csv,
        "junit": junit,
    }
)
"""By the name that --format has for it."""

STREAMED = frozenset({"jsonl", "csv"})
"""Forms that hold every attempt, written once it is over."""

AT_THE_END = frozenset({"terminal", "html", "markdown"})
"""Forms that leave a terminal alone until a capture is read."""
