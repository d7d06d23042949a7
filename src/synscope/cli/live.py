"""``synscope live``: watch attempts to connect as they happen, then the report."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Self

import click

from synscope.cli import live_options, output, save_options
from synscope.cli.analyze import TargetType
from synscope.cli.status import ExitStatus
from synscope.model import Attempt, Target

if TYPE_CHECKING:
    from synscope.session.saving import Saving

_HELP = """\
Capture on the loopback interface while the failure is reproduced, show the attempts as they happen, and
report as analyze does when it is stopped.

\b
synscope live -p 62893                       until Ctrl-C
synscope live -p localhost:8080 --until-failure
synscope live -p 8080 --netns web --duration 30
synscope live -p 5432 -i any --format jsonl | jq .
synscope live -p 8080 --save failure.pcapng    for a colleague: frames and diagnosis

Capturing needs root or the capability CAP_NET_RAW. Only a small helper runs with it (through sudo, if need be);
packets are parsed without any privilege.

Exit status: 0 no finding is a failure, 1 at least one is, 2 wrong usage, 125 the capture could not be made.
"""


@click.command(help=_HELP, short_help="Capture live and say what happens to each attempt.")
@click.option(
    "-p",
    "--port",
    "wanted",
    metavar="TARGET",
    type=TargetType(),
    multiple=True,
    required=True,
    help="What to look at: a port, HOST:PORT, [IPv6]:PORT or a URL. May be given several times.",
)
@live_options.shared
@click.option("--duration", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop then.")
@click.option(
    "--count", type=click.IntRange(min=1), metavar="N", help="Stop once N attempts are decided either way."
)
@click.option("--until-failure", is_flag=True, help="Stop at the first attempt that fails.")
@click.option("--until-success", is_flag=True, help="Stop at the first attempt that connects.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json", "jsonl", "junit"]),
    default="terminal",
    show_default=True,
    help="terminal: for people, with a live view. markdown: for issues and chats. json: one document at the end. "
    "jsonl: each attempt once it is over, at the end targets, findings and health. junit: a test case a target, "
    "for CI.",
)
@click.option("--output", "path", metavar="FILE", help="Write the report there instead of standard output.")
@save_options.saving
@output.verbose_option
@output.color_option
@click.pass_context
def live(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    wanted: tuple[Target, ...],
    interface: str | None,
    netns: str | None,
    container: str | None,
    snaplen: int,
    capture_with: str,
    duration: float | None,
    count: int | None,
    until_failure: bool,
    until_success: bool,
    form: str,
    path: str | None,
    saving: Saving | None,
    verbose: bool,
    color: str,
) -> None:
    """Capture until told to stop, then report."""
    from synscope.capture.ring_socket import RingError  # noqa: PLC0415 - the commands without a capture do without
    from synscope.capture.storage import SaveError  # noqa: PLC0415
    from synscope.cli.live_view import shown  # noqa: PLC0415
    from synscope.report import jsonl  # noqa: PLC0415
    from synscope.session.begin import Plan, begin  # noqa: PLC0415
    from synscope.session.errors import SessionError  # noqa: PLC0415
    from synscope.session.watch import Stop  # noqa: PLC0415

    sink = live_options.Sink(path)
    plan = Plan(
        targets=wanted,
        interface=interface,
        namespace=live_options.namespace_path(netns, container),
        snap_length=snaplen,
        capture_with=capture_with,
        typed=live_options.typed(),
        may_prompt=live_options.may_prompt(),
        save=saving,
    )
    stop = Stop(duration, count, until_failure, until_success)
    name = interface or "loopback"

    def tell(attempt: Attempt) -> None:
        sink.write(jsonl.attempt(name, attempt))

    with _Interruption() as interruption:
        try:
            begun = begin(
                plan,
                output.announce,
                on_attempt=tell if form == "jsonl" else None,
                preload=live_options.preload,
            )
        except (SessionError, RingError, SaveError) as error:
            output.complain(error)
            context.exit(live_options.TOOL_FAILED)
        with begun:
            watch, around = begun.watch, begun.surroundings
            with shown(watch, wanted, wanted=form != "jsonl" or not sys.stdout.isatty()) as refresh:
                while not interruption.came and not watch.is_over(stop):
                    watch.step()
                    if around is not None:
                        around.step()
                    refresh()
            if around is not None:
                around.end()
                around.finish()
            diagnosis = watch.finish(name, more=(lambda _: ()) if around is None else around.observe)
            if around is not None:
                diagnosis = around.attributed(diagnosis)
            status = ExitStatus.FAILURE if diagnosis.failed else ExitStatus.FINE
            diagnosis = save_options.saved(diagnosis, begun, saving, status=status)
    live_options.write_report(sink, diagnosis, form, status=status, color=color, verbose=verbose)
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
