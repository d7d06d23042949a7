"""``synscope run``: watch one command try to connect, then the report."""

from __future__ import annotations

import functools
import os
import select
import shlex
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from synscope.cli import live_options, options, output, save_options, target_type
from synscope.cli.status import ExitStatus
from synscope.model import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from synscope.model import Command, Observation, TargetSummary
    from synscope.process.runner import Ended, Runner
    from synscope.session.saving import Saving
    from synscope.session.start import Begun
    from synscope.session.surroundings import Surroundings
    from synscope.session.watch import Watch

_HELP = """\
Run COMMAND, which fails to connect, while capturing, and say why.

The command runs as you, with your environment, and its output is not touched; the report follows on standard
error. Without -p the target is taken from a URL or host and port in the command.

\b
synscope run -- curl http://localhost:62893/
synscope run -p 5432 --timeout 20 -- ./integration-test
synscope run --output report.json --format json -- npm test
synscope run --isolated --server 'python3 -m http.server 8000' -- curl http://localhost:8000/

Exit status: the command's if it is not 0, else 1 when a finding is a failure; 124 when --timeout ended it, 125
when synscope itself failed, 126 when COMMAND cannot be executed, 127 when it is not found. --exit-code
chooses the status of one of them alone.
"""


_command = functools.partial(options.option, section=options.COMMAND)


@click.command(
    cls=options.Command,
    help=_HELP,
    short_help="Run a command that fails to connect, and say why.",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)
@click.argument(
    "command",
    metavar="COMMAND...",
    nargs=-1,
    required=True,
    type=click.UNPROCESSED,
    shell_complete=options.files,
)
@target_type.port_option("Without it the command's own words are searched for one.")
@live_options.placed
@_command(
    "--isolated",
    is_flag=True,
    help="Run it in a private network with a loopback of its own, in which an ordinary user may capture.",
)
@_command(
    "--server",
    metavar="CMD",
    help="With --isolated: start this there first, and wait until it listens; e.g. 'python3 -m http.server 8000'.",
)
@_command(
    "--linger",
    setting="run.linger",
    type=click.FloatRange(min=0),
    default=0.3,
    show_default=True,
    metavar="SECONDS",
    help="How long to go on capturing after the command has ended.",
)
@_command(
    "--timeout",
    setting="run.timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End the command after so much time: TERM, and two seconds later KILL. The default is to wait.",
)
@_command(
    "--exit-code",
    "exit_from",
    setting="run.exit-code",
    type=click.Choice(["both", "command", "diagnosis"]),
    default="both",
    show_default=True,
    help="Whose exit status synscope run has: the command's, the diagnosis's, or of both the first that is not 0.",
)
@options.option(
    "--format",
    "form",
    section=options.REPORT,
    setting="run.format",
    type=click.Choice(["terminal", "html", "markdown", "json", "jsonl", "csv", "junit"]),
    default="terminal",
    show_default=True,
    help="terminal: for people. html: a page to send or keep. markdown: for issues and chats. json: one document. "
    "jsonl: one record a line. csv: a row an attempt, once it is over. junit: a test case a target, for CI.",
)
@live_options.output_option("standard error")
@save_options.saving
@output.verbose_option
@output.color_option
@click.pass_context
def run(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    command: tuple[str, ...],
    wanted: tuple[Target, ...],
    place: live_options.Place,
    isolated: bool,
    server: str | None,
    linger: float,
    timeout: float | None,
    exit_from: str,
    form: str,
    path: str | None,
    saving: Saving | None,
    verbose: bool,
    color: str,
) -> None:
    """Run the command under observation, then report."""
    from synscope.capture.live.ring_socket import RingError  # noqa: PLC0415 - the commands without a capture do without
    from synscope.capture.write.storage import SaveError  # noqa: PLC0415
    from synscope.command import redaction as secrets  # noqa: PLC0415
    from synscope.process.errors import SessionError  # noqa: PLC0415
    from synscope.process.runner import ExitFrom  # noqa: PLC0415
    from synscope.session import start as beginning  # noqa: PLC0415

    if server is not None and not isolated:
        raise click.UsageError("--server goes with --isolated.", context)
    if isolated and place.is_given:
        raise click.UsageError("--isolated has a network of its own: no -i, --netns or --container.", context)
    found, source = _targets(context, command, wanted)
    found = tuple(target._replace(text=secrets.of_text(target.text)) for target in found)
    shown = secrets.of_words(command)
    sink = live_options.Sink(path, to_stderr=True)
    plan = place.plan(found, saving, isolated=isolated, server=server or "")
    moments = live_options.moments_of(form, found)
    try:
        begun = beginning.begin(
            plan,
            output.announce,
            command=command,
            on_attempt=live_options.rows(form, sink, shlex.join(shown)) if form == "csv" else None,
            preload=live_options.preloading(form),
        )
        with begun:
            if moments is not None:
                begun.watch.count_moments(moments)
            ended = _watched(begun, timeout, linger)
            told = _told(shown, ended, source)
            more = _more(command, ended, begun.surroundings)
            diagnosis = begun.watch.finish(shlex.join(shown), command=told, more=more)
            if begun.surroundings is not None:
                diagnosis = begun.surroundings.attributed(diagnosis)
            verdict = ExitStatus.FAILURE if diagnosis.failed else ExitStatus.FINE
            status = ended.combined(verdict, ExitFrom(exit_from))
            diagnosis = save_options.saved(diagnosis, begun, saving, status=status)
    except (SessionError, RingError, SaveError) as error:
        output.complain(error)
        context.exit(live_options.TOOL_FAILED)
    live_options.write_report(
        sink, diagnosis, form, status=status, color=color, verbose=verbose, moments=moments
    )
    context.exit(status)


def _targets(
    context: click.Context, command: Sequence[str], wanted: tuple[Target, ...]
) -> tuple[tuple[Target, ...], str | None]:
    """Return the targets, and where in the command they were found when nobody named them."""
    if wanted:
        return wanted, None
    from synscope.command.targets import find_target  # noqa: PLC0415

    found = find_target(command)
    if not found:
        raise click.UsageError(
            f"no target in '{shlex.join(command)}': name one with -p PORT, HOST:PORT or a URL.", context
        )
    return tuple(one.target for one in found), "; ".join(dict.fromkeys(one.how for one in found))


def _watched(begun: Begun, timeout: float | None, linger: float) -> Ended:
    """Let the command run while frames are followed; return how it ended, without secrets in its words."""
    from synscope.command import redaction as secrets  # noqa: PLC0415

    runner, watch, around = begun.runner, begun.watch, begun.surroundings
    assert runner is not None  # noqa: S101 - a command was given
    with runner.passing_signals_on():
        if around is not None:
            around.restart()
        started = runner.go(timeout)
        while started is not None and not _is_over(runner):
            watch.step()
            if around is not None:
                around.step()
        ended = runner.ended()
        ended = replace(ended, lines=tuple(map(secrets.of_text, ended.lines)))
        if around is not None:
            around.end()
    _linger(watch, linger if started is not None else 0)
    if around is not None:
        around.finish()
    return ended


def _is_over(runner: Runner) -> bool:
    return bool(select.select([runner.fileno()], [], [], 0)[0])


def _linger(watch: Watch, seconds: float) -> None:
    until = watch.elapsed + seconds
    while watch.elapsed < until:
        watch.step(min(0.05, until - watch.elapsed))


def _told(command: tuple[str, ...], ended: Ended, source: str | None) -> Command:
    from synscope.command import redaction as secrets  # noqa: PLC0415
    from synscope.model import Command  # noqa: PLC0415

    return Command(command, ended.exit_status, _how(ended), ended.lines, source and secrets.of_text(source))


def _how(ended: Ended) -> str:
    if ended.start_error is not None:
        return f"could not be started: {os.strerror(ended.start_error)}"
    if ended.timed_out:
        return "was ended because its time was up"
    if ended.signal is not None:
        return f"was ended by {signal.Signals(ended.signal).name}"
    return f"exit status {ended.status}"


def _more(
    command: Sequence[str], ended: Ended, around: Surroundings | None
) -> Callable[[TargetSummary], Iterable[Observation]]:
    from synscope.command.client_kind import client_kind  # noqa: PLC0415
    from synscope.evidence.command.observe import observe_command  # noqa: PLC0415

    def more(summary: TargetSummary) -> Iterable[Observation]:
        yield from observe_command(
            command,
            summary.target,
            lines=ended.lines,
            status=ended.status,
            exit_status=ended.exit_status,
        )
        if around is not None:
            around.client = client_kind(command)
            yield from around.observe(summary)

    return more
