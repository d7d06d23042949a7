"""``synscope live``: watch attempts to connect as they happen, then the report."""

from __future__ import annotations

import functools
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Self

import click

from synscope.cli import live_options, live_report, live_web, options, output, save_options, target_type
from synscope.model import Target
from synscope.reference.systems import interface_text
from synscope.report import formats

if TYPE_CHECKING:
    from synscope.session.plan import Saving

_HELP = """\
Capture on every interface while the failure is reproduced, show the attempts as they happen, and
report as analyze does when it is stopped.

\b
synscope live -p 62893                       until Ctrl-C
synscope live -p localhost:8080 --until-failure
synscope live -p 8080 --netns web --duration 30
synscope live -p 5432 -i any --format jsonl | jq .
synscope live -p 8080 --save failure.pcapng    for a colleague: frames and diagnosis
synscope live -p 8080 --web                  watch in a browser

Capturing needs root or the capability CAP_NET_RAW. Only a small helper runs with it (through sudo, if need be);
packets are parsed without any privilege.

Exit status: 0 no finding is a failure (with --fail-on warning: nor a warning), 1 at least one is, 2 wrong usage,
125 the capture could not be made.
"""


_ends = functools.partial(options.option, section=options.ENDS)


@click.command(
    cls=options.SectionedCommand, help=_HELP, short_help="Capture live and say what happens to each attempt."
)
@target_type.port_option(required=True)
@live_options.placed
@_ends(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop after so much time, e.g. 30. Without any of these, Ctrl-C stops.",
)
@_ends(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop once N attempts are decided either way.",
)
@_ends("--until-failure", is_flag=True, help="Stop at the first attempt that fails.")
@_ends("--until-success", is_flag=True, help="Stop at the first attempt that connects.")
@output.format_option(
    setting="live.format",
    about={
        "terminal": "for people, with a live view",
        "json": "one document at the end",
        "jsonl": "each attempt once it is over, at the end targets, findings and health",
    },
)
@live_options.output_option("standard output")
@save_options.saving
@live_web.web_option
@output.fail_on_option("live.fail-on")
@output.quiet_option
@output.verbose_option
@output.why_option
@output.color_option
@click.pass_context
def live(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    wanted: tuple[Target, ...],
    place: live_options.Place,
    duration: float | None,
    count: int | None,
    until_failure: bool,
    until_success: bool,
    form: str,
    path: str | None,
    saving: Saving | None,
    web: int | None,
    fail_on: str,
    quiet: bool,
    verbose: bool,
    why: bool,
    color: str,
) -> None:
    """Capture until told to stop, then report."""
    from synscope.capture.live.ring_socket import RingError  # noqa: PLC0415 - the commands without a capture do without
    from synscope.capture.write.storage import SaveError  # noqa: PLC0415
    from synscope.process.errors import SessionError  # noqa: PLC0415
    from synscope.report import annotation  # noqa: PLC0415 - loaded before rights are given up
    from synscope.session.live_analysis import Stop  # noqa: PLC0415
    from synscope.session.live_run import LiveRun  # noqa: PLC0415
    from synscope.session.start import start_session  # noqa: PLC0415

    report = live_report.LiveReport(
        form, live_report.Sink(path), color=color, verbose=verbose, why=why, quiet=quiet
    )
    plan = place.plan(wanted, saving)
    stop = Stop(duration, count, until_failure, until_success)
    name = interface_text(place.interface or ("any" if place.capture_with == "ring" else "loopback"))
    row = report.stream(name)
    view = live_web.view(web, wanted, drawn=row is None or not sys.stdout.isatty())
    context.call_on_close(view.close)
    moments = formats.named(form if web is None else "html").moments(wanted)
    with _Interruption() as interruption:
        try:
            session = start_session(
                plan,
                output.announce,
                on_attempt=view.telling(row),
                preload=view.preloading(report.preload),
            )
        except (SessionError, RingError, SaveError) as error:
            output.complain(error)
            context.exit(live_options.TOOL_FAILED)
        with session:
            analysis = session.analysis
            if moments is not None:
                analysis.count_moments(moments)
            with view.shown(session) as refresh:
                run = LiveRun(session, between=refresh)
                run.follow(lambda: interruption.came or analysis.is_over(stop))
            run.end()
            diagnosis = run.conclude(name)
            status = output.verdict(diagnosis, fail_on)
            diagnosis = annotation.annotate_saved(diagnosis, session, saving, status=status)
    report.write(diagnosis, status, moments)
    view.end(diagnosis, moments)
    context.exit(status)


class _Interruption:
    """Whether somebody asked to stop; a second time ends the program at once."""

    def __init__(self) -> None:
        self.came = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.came:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.came = True
