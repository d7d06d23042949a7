"""``synscope annotate``: the same capture, with what happened written into it for Wireshark."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from synscope.cli import options, output, target_type
from synscope.cli.output import ExitStatus
from synscope.model import FAILURES, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synscope.model import Attempt, Diagnosis, Endpoint, TargetDiagnosis

_MOST_COMMENTED = 50_000
"""Failing attempts that get comments; the examples of the report get theirs besides."""

_HELP = """\
Copy the capture IN to OUT, with a comment on the SYN, SYN-ACK, RST and ICMP error of each attempt that says what
it is and which cause fits. Wireshark shows the comments; frames and times are untouched.

IN is a pcap or pcapng file, plain or compressed; OUT is always pcapng. Of a pcapng file everything else is kept.

\b
synscope annotate trace.pcap annotated.pcapng
synscope annotate trace.pcapng failing.pcapng -p 62893 --only-failing

With --only-failing the frames of an attempt are those between its two endpoints, in either direction, from its
first frame to the first frame of the next attempt between them, and the ICMP error that quotes it. Comments then
name the frame's number in IN.

Exit status: 0 OUT was written, 1 it was not, 2 wrong usage, 3 IN could not be read.
"""


@click.command(
    cls=options.SectionedCommand, help=_HELP, short_help="Write what happened into a capture, as comments."
)
@click.argument("capture", metavar="IN", shell_complete=options.files)
@click.argument("destination", metavar="OUT.pcapng", shell_complete=options.files)
@target_type.port_option("Without it every server port in the capture is looked at.")
@options.option(
    "--only-failing",
    section=options.LOOKED_AT,
    is_flag=True,
    help="Keep only the frames of attempts that failed.",
)
@options.option("--force", is_flag=True, help="Overwrite OUT if it exists.")
@click.pass_context
def annotate(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    capture: str,
    destination: str,
    wanted: tuple[Target, ...],
    only_failing: bool,
    force: bool,
) -> None:
    """Write the copy and say what is in it."""
    from synscope.capture.source import CaptureError  # noqa: PLC0415
    from synscope.capture.write.annotate import annotate as copy  # noqa: PLC0415 - loads the engine
    from synscope.capture.write.storage import SaveError  # noqa: PLC0415
    from synscope.units import count  # noqa: PLC0415

    if capture == "-":
        raise click.UsageError("IN is read more than once, so it cannot be standard input.", context)
    if "\0" in destination:
        raise click.UsageError("The path of OUT holds a NUL byte.", context)
    try:
        found = _noted(capture, wanted, only_failing=only_failing)
        left = copy(capture, Path(destination), found.comments, keep=found.keep, replace=force)
    except CaptureError as error:
        output.complain(error)
        context.exit(ExitStatus.UNREADABLE)
    except SaveError as error:
        output.complain(error)
        context.exit(ExitStatus.FAILURE)
    written = f"{destination}: comments on {count(len(found.comments) - len(left), 'frame')}"
    if found.keep is not None:
        written += f", {count(found.keep.count(1), 'frame')} of {len(found.keep):,} kept"
    output.announce(written)
    if left:
        output.announce(
            f"{count(len(left), 'frame')} cannot carry a comment (simple packet blocks, or damage)"
        )
    if found.left_out:
        output.announce(f"{count(found.left_out, 'further attempt')} not commented: too many")


class _Noted(NamedTuple):
    """What there is to say about frames, and which of them to keep (``None``: all)."""

    comments: dict[int, str]
    keep: bytearray | None
    left_out: int
    """Failing attempts without comments."""


class _Collected:
    """What is remembered of the attempts of a capture until its targets are known."""

    def __init__(self) -> None:
        self.marks = bytearray()
        self.attempts: list[Attempt] = []
        self.left_out = 0
        self._failed: dict[Endpoint, array[int]] = {}

    def add(self, attempt: Attempt) -> None:
        """Remember one attempt."""
        from synscope.capture.read.attempt_frames import BEGINS  # noqa: PLC0415

        at = attempt.frames.first - 1
        if at >= len(self.marks):
            self.marks.extend(bytes(at + 1 - len(self.marks)))
        self.marks[at] = BEGINS
        if attempt.label not in FAILURES:
            return
        self._failed.setdefault(attempt.server, array("Q")).append(at)
        if len(self.attempts) < _MOST_COMMENTED:
            self.attempts.append(attempt)
        else:
            self.left_out += 1

    def choose(self, servers: dict[Endpoint, TargetDiagnosis]) -> None:
        """Mark the attempts that failed to reach one of ``servers``."""
        from synscope.capture.read.attempt_frames import CHOSEN  # noqa: PLC0415

        for server in servers:
            for at in self._failed.get(server, ()):
                self.marks[at] = CHOSEN


def _noted(capture: str, wanted: tuple[Target, ...], *, only_failing: bool) -> _Noted:
    from synscope.analysis import analyze  # noqa: PLC0415
    from synscope.capture.read.attempt_frames import attempt_frames  # noqa: PLC0415
    from synscope.capture.source import CaptureError  # noqa: PLC0415
    from synscope.report.annotation import packet_comments  # noqa: PLC0415

    collected = _Collected()
    diagnosis = analyze(capture, wanted, on_attempt=collected.add)
    if diagnosis.health.error is not None:
        raise CaptureError(capture, diagnosis.health.error)
    servers = {group.server: target for target in diagnosis.targets for group in target.summary.groups}
    keep = None
    if only_failing:
        collected.choose(servers)
        keep = attempt_frames(capture, collected.marks)
    comments = packet_comments(
        _commented(diagnosis, collected.attempts, servers), diagnosis, numbered=only_failing
    )
    if keep is not None:
        comments = {number: text for number, text in comments.items() if keep[number - 1]}
    return _Noted(comments, keep, collected.left_out)


def _commented(
    diagnosis: Diagnosis, failed: list[Attempt], servers: dict[Endpoint, TargetDiagnosis]
) -> Iterator[tuple[TargetDiagnosis, Attempt]]:
    """Yield the attempts that get comments, each once: those that failed, and the examples of the others."""
    for attempt in failed:
        if attempt.server in servers:
            yield servers[attempt.server], attempt
    told = {attempt.id for attempt in failed}
    for target in diagnosis.targets:
        for group in target.summary.groups:
            for attempt in group.examples:
                if attempt.id not in told:
                    told.add(attempt.id)
                    yield target, attempt
