"""``synscope doctor``: examine a target without reproducing the failure, then the report."""

from __future__ import annotations

import click

from synscope.cli import live_options, live_report, options, output
from synscope.cli.target_type import TargetType
from synscope.model import Target

_HELP = """\
Examine TARGET (a port, HOST:PORT, [IPv6]:PORT, a URL or a name from synscope.toml) without a client: connect to
every address of its host, localhost if it names none, while capturing, look at this machine, and say what is wrong.

Each connect sends the TCP handshake and closes, nothing else; --probe greets the server as well. A number that is
no port is explained and not connected to.

\b
synscope doctor 62893
synscope doctor localhost:8080 --probe
synscope doctor https://localhost:8443/ --probe
synscope doctor [::1]:5432 --format json

Where nothing can be captured, what the connects met and what this machine shows are reported all the same.

Every address counts: an address that fails after another one worked is a failure, for clients that use it alone.

Exit status: 0 no finding is a failure (with --fail-on warning: nor a warning), 1 at least one is, 2 wrong usage,
125 synscope itself failed.
"""


@click.command(
    cls=options.SectionedCommand,
    help=_HELP,
    short_help="Connect to a target ourselves, and say what is wrong.",
)
@click.argument("target", metavar="TARGET", type=TargetType())
@options.option(
    "--probe",
    section=options.LOOKED_AT,
    is_flag=True,
    help="Once connected, send HTTP HEAD / (http URLs, and where no scheme is given) or a TLS ClientHello "
    "(https URLs).",
)
@options.option("--trace-firewall", section=options.LOOKED_AT, is_flag=True, help=live_options.TRACE_FIREWALL)
@live_options.greeting_option
@output.format_option(("terminal", "html", "json"), setting="doctor.format")
@live_options.output_option("standard output")
@output.fail_on_option("doctor.fail-on")
@output.quiet_option
@output.verbose_option
@output.why_option
@output.color_option
@click.pass_context
def doctor(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    target: Target,
    probe: bool,
    trace_firewall: bool,
    greeting: bool,
    form: str,
    path: str | None,
    fail_on: str,
    quiet: bool,
    verbose: bool,
    why: bool,
    color: str,
) -> None:
    """Examine the target and write the report."""
    from synscope.capture.live.ring_socket import RingError  # noqa: PLC0415 - the commands without a capture do without
    from synscope.process.errors import SessionError  # noqa: PLC0415
    from synscope.session.doctor import DoctorPlan, examine  # noqa: PLC0415

    report = live_report.LiveReport(
        form, live_report.Sink(path), color=color, verbose=verbose, why=why, quiet=quiet
    )
    plan = DoctorPlan(
        target,
        probe,
        greet=greeting,
        trace_firewall=trace_firewall,
        typed=live_options.typed(),
        may_prompt=live_options.may_prompt(),
    )
    try:
        diagnosis = examine(plan, output.announce, report.preload)
    except (SessionError, RingError) as error:
        output.complain(error)
        context.exit(live_options.TOOL_FAILED)
    status = output.verdict(diagnosis, fail_on)
    report.write(diagnosis, status)
    context.exit(status)
