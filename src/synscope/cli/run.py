"""``synscope run``: watch one command try to connect, then the report."""

from __future__ import annotations

import functools
import shlex
from typing import TYPE_CHECKING

import click

from synscope.cli import live_options, live_report, options, output, save_options, target_type
from synscope.model import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synscope.session.plan import Saving

_HELP = """\
Run COMMAND, which fails to connect, while capturing, and say why.

The command runs as you, with your environment, and its output is not touched; the report follows on standard
error. Without -p the target is taken from a URL or host and port in the command.

\b
synscope run -- curl http://localhost:62893/
synscope run -p 5432 --timeout 20 -- ./integration-test
synscope run --output report.json --format json -- npm test
synscope run --isolated --server 'python3 -m http.server 8000' -- curl http://localhost:8000/

Exit status: the command's if it is not 0, else 1 when a finding is a failure (see --fail-on); 124 when --timeout
ended it, 125 when synscope itself failed, 126 when COMMAND cannot be executed, 127 when it is not found.
--exit-code chooses the status of one of them alone.
"""


_command = functools.partial(options.option, section=options.COMMAND)


@click.command(
    cls=options.SectionedCommand,
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
@live_options.greeting_option
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
    help="How long to go on capturing after the command has ended; up to 3 seconds more where it failed and a server "
    "still owes an answer. With 0 the capture ends at once.",
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
@_command(
    "--calls/--no-calls",
    setting="run.calls",
    default=True,
    show_default=True,
    help="Whether the kernel tells which sockets the command and all that it starts ask for, and what of it fails; "
    "meanwhile each system call of other programs takes some 15 ns longer. Needs root and Linux.",
)
@output.format_option(setting="run.format")
@live_options.output_option("standard error")
@save_options.saving
@output.fail_on_option("run.fail-on")
@output.quiet_option
@output.verbose_option
@output.why_option
@output.color_option
@click.pass_context
def run(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    command: tuple[str, ...],
    wanted: tuple[Target, ...],
    greeting: bool,
    place: live_options.Place,
    isolated: bool,
    server: str | None,
    linger: float,
    timeout: float | None,
    exit_from: str,
    calls: bool,
    form: str,
    path: str | None,
    saving: Saving | None,
    fail_on: str,
    quiet: bool,
    verbose: bool,
    why: bool,
    color: str,
) -> None:
    """Run the command under observation, then report."""
    from synscope.capture.live.ring_socket import RingError  # noqa: PLC0415 - the commands without a capture do without
    from synscope.capture.write.storage import SaveError  # noqa: PLC0415
    from synscope.command.redaction import redact_text, redact_words  # noqa: PLC0415
    from synscope.process.errors import SessionError  # noqa: PLC0415
    from synscope.process.runner import ExitFrom  # noqa: PLC0415
    from synscope.report import annotation  # noqa: PLC0415 - loaded before rights are given up
    from synscope.session.command_run import watch_command  # noqa: PLC0415
    from synscope.session.start import start_session  # noqa: PLC0415

    if server is not None and not isolated:
        raise click.UsageError("--server goes with --isolated.", context)
    if isolated and place.is_given:
        raise click.UsageError("--isolated has a network of its own: no -i, --netns or --container.", context)
    found, source = _targets(context, command, wanted)
    found = tuple(target._replace(text=redact_text(target.text)) for target in found)
    shown = redact_words(command)
    sink = live_report.Sink(path, to_stderr=True)
    report = live_report.LiveReport(form, sink, color=color, verbose=verbose, why=why, quiet=quiet)
    plan = place.plan(found, saving, isolated=isolated, server=server or "", calls=calls)
    moments = report.format.moments(found)
    try:
        session = start_session(
            plan,
            output.announce,
            command=command,
            on_attempt=report.stream(shlex.join(shown)) if report.format.holds_only_attempts else None,
            preload=report.preload,
        )
        with session:
            if moments is not None:
                session.analysis.count_moments(moments)
            diagnosis, ended = watch_command(
                session,
                command,
                timeout_s=timeout,
                linger_s=linger,
                target_found_in=source,
                greet=greeting,
            )
            verdict = output.verdict(diagnosis, fail_on)
            status = ended.combined(verdict, ExitFrom(exit_from))
            diagnosis = annotation.annotate_saved(diagnosis, session, saving, status=status)
    except (SessionError, RingError, SaveError) as error:
        output.complain(error)
        context.exit(live_options.TOOL_FAILED)
    report.write(diagnosis, status, moments)
    context.exit(status)


def _targets(
    context: click.Context, command: Sequence[str], wanted: tuple[Target, ...]
) -> tuple[tuple[Target, ...], str | None]:
    """Return the targets, and where in the command they were found when nobody named them."""
    if wanted:
        return wanted, None
    from synscope.command.named_targets import find_targets  # noqa: PLC0415

    found = find_targets(command)
    if not found:
        raise click.UsageError(
            f"no target in '{shlex.join(command)}': name one with -p PORT, HOST:PORT or a URL.", context
        )
    targets = tuple(spotted.target for spotted in found)
    return targets, "; ".join(dict.fromkeys(spotted.how for spotted in found))
