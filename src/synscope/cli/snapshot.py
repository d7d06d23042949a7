"""``synscope snapshot``: what this machine shows, alone, to be read beside somebody's capture."""

from __future__ import annotations

import os
import shlex
import sys

import click

from synscope.cli import live_options, options, output, target_type
from synscope.model import Target

_HELP = """\
Look at this machine for about a second and write what it shows of the targets: listeners, firewall, names, proxy
variables, loopback, limits, processes, containers. Nothing is sent, and nothing on the machine is changed.

\b
synscope snapshot -p 62893 > host.json                 to go with a capture
sudo synscope snapshot -p 62893 > host.json            with what only root may see
synscope snapshot -p 62893 --format terminal           to read
synscope analyze trace.pcap -p 62893 --snapshot host.json

No password is ever asked for: what this user may not see is missing, and is named on standard error. Passwords in
proxy variables are left out, and so are command lines without --command-lines; names of programs and users, paths,
addresses and firewall rules are in it.

Exit status: 0 it was written, 2 wrong usage, 125 it could not be written.
"""


@click.command(
    cls=options.Command, help=_HELP, short_help="Write down what this machine shows, for a colleague."
)
@target_type.port_option(
    "Without it nothing is recorded about what the firewall does, or who else has a port."
)
@options.option(
    "--command-lines",
    section=options.LOOKED_AT,
    is_flag=True,
    help="Record the whole command lines of the processes that matter, secrets in them included.",
)
@live_options.output_option("standard output")
@options.option(
    "--format",
    "form",
    section=options.REPORT,
    type=click.Choice(["json", "terminal"]),
    help="json: for synscope analyze --snapshot. terminal: for people. The default is terminal when standard output "
    "is one, else json.",
)
@output.verbose_option
@output.color_option
@click.pass_context
def snapshot(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    wanted: tuple[Target, ...],
    path: str | None,
    form: str | None,
    command_lines: bool,
    verbose: bool,
    color: str,
) -> None:
    """Look at the machine and write the snapshot."""
    from synscope.probes.host.collect import collect  # noqa: PLC0415 - the other commands do without
    from synscope.probes.host.snapshot_json import to_json  # noqa: PLC0415
    from synscope.report import snapshot_text  # noqa: PLC0415

    sink = live_options.Sink(path)
    found = collect(
        sorted({target.wrapped for target in wanted}),
        environment=_environment(),
        hosts=sorted({"localhost", *(target.host for target in wanted if target.host is not None)}),
        command_lines=command_lines,
    )
    if form == "terminal" or (form is None and sink.to_person and sys.stdout.isatty()):
        look = output.look(color=color, verbose=verbose, stream=sink.stream if sink.to_person else None)
        sink.write(snapshot_text.render(found, look))
    else:
        sink.write(to_json(found) + "\n")
        for line in snapshot_text.unseen(found):
            output.announce(f"not in the snapshot: {line}")
    if not found.privileged:
        output.announce(f"root sees more: sudo {shlex.join(live_options.typed())}")
    context.exit(0)


def _environment() -> dict[str, str] | None:
    """Return the environment that holds a client's proxy variables; sudo takes them away, which is no absence."""
    stripped = "SUDO_UID" in os.environ and not any("_proxy" in name.lower() for name in os.environ)
    return None if stripped else dict(os.environ)
