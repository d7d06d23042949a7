"""The terminal report of one capture: the answers first, then how good the capture was.

Input: a ``Diagnosis`` and a ``Look``. Output: text, every line ended by a newline, 80 columns unless the
look is wider; commands are never broken. Safe to show whatever the capture holds (see ``escape``).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from synscope.capture.write.attachments import DIAGNOSIS, HOST_SNAPSHOT
from synscope.model import (
    Attachment,
    Canary,
    CaptureHealth,
    Command,
    Diagnosis,
    Finding,
    Label,
    Target,
    TargetDiagnosis,
)
from synscope.reference.errors_services import named_in
from synscope.reference.systems import interface_text
from synscope.report import target_view, why
from synscope.report.carried import Carried, carried
from synscope.report.page import Look, Page, Span, joined
from synscope.report.text_report import TextReport
from synscope.report.writer import ReportSettings
from synscope.units import count, duration, listed

if TYPE_CHECKING:
    from synscope.reference.error_meaning import ErrorMeaning

_FULL = 5
_BRIEF = 10
_REASONS_SHOWN = 6
_LAST_LINES = 3
_CARRIED_SHOWN = 3
_NOTES_SHOWN = 2
_OF_ATTEMPTS = ("#", "synscope's own connect to ")
_KINDS = {HOST_SNAPSHOT: "what was known about the host", DIAGNOSIS: "a diagnosis that cannot be read"}


class TerminalReport(TextReport):
    """Writes the terminal's report of each capture, also set off from other text on the terminal."""

    def __init__(self, settings: ReportSettings) -> None:
        super().__init__(settings)
        self._follows_text = settings.below_text

    @property
    def takes_attempts(self) -> bool:
        """Whether all attempts are asked for, by name or by ``--verbose``."""
        return super().takes_attempts or (self.settings.verbose and self.settings.listed != "none")

    def text(self, diagnosis: Diagnosis, attempts: list[str]) -> str:
        """Return the report of one capture."""
        return render(diagnosis, self.settings.look(), headed=self.settings.several, attempts=attempts)


def render(
    diagnosis: Diagnosis, look: Look, *, headed: bool = False, attempts: Sequence[str] | None = None
) -> str:
    """Return the report of one capture.

    ``headed`` names the capture first (for several captures). ``attempts`` are lines of
    ``text_report.attempt_line`` to list at the end.
    """
    page = Page(look)
    if headed:
        page.row(f"── {_name(diagnosis.capture)} ──")
        page.blank()
    if diagnosis.health.error is not None:
        page.row(_name(diagnosis.capture), ("could not be read", "bad"))
        page.row("", diagnosis.health.error)
        return page.render()
    if not diagnosis.targets:
        nothing(page, diagnosis.health)
    elif diagnosis.watched:
        _in_turn(page, diagnosis.targets)
    else:
        _worst_first(page, diagnosis.targets)
    if look.why:
        why.show(page, diagnosis.targets)
    if attempts:
        page.blank()
        order = ", in the order in which they began" if len(attempts) > 1 else ""
        page.row("Attempts", f"{len(attempts):,}{order}")
        for line in attempts:
            page.paragraph(line, hang=4)
    page.blank()
    about_capture(page, diagnosis)
    failing = [(each, top) for each in diagnosis.targets if (top := target_view.leading(each)) is not None]
    if failing and not look.verbose:
        page.row("", ("all evidence, other causes and what is ruled out: --verbose", "dim"))
    if diagnosis.attachments:
        carried_documents(page, diagnosis.attachments)
    _once_more(page, failing)
    return page.render()


def _once_more(page: Page, failing: Sequence[tuple[TargetDiagnosis, Finding]]) -> None:
    """Say the answer again where the report has scrolled its first line away."""
    if len(failing) == 1 and page.is_longer_than_a_screen:
        page.blank()
        page.paragraph((target_view.sentence(*failing[0]), "head"), hang=2)


def capture_lines(diagnosis: Diagnosis, look: Look) -> str:
    """Return the rows about the capture alone, and the command that was watched."""
    page = Page(look)
    about_capture(page, diagnosis)
    return page.render()


def about_capture(page: Page, diagnosis: Diagnosis) -> None:
    """Add the command that was watched, and how good the capture was."""
    if diagnosis.command is not None:
        _command(page, diagnosis.command)
    _capture(page, diagnosis)


def _name(capture: str) -> str:
    return "standard input" if capture == "-" else capture


def _in_turn(page: Page, targets: Sequence[TargetDiagnosis]) -> None:
    """Add each target in order: a failing one in full, one that is well in a line."""
    told: dict[tuple[str, ...], Target] = {}
    was_long = False
    for target in targets:
        top = target_view.leading(target)
        if was_long or top is not None:
            page.blank()
        was_long = top is not None
        key = (
            ()
            if top is None
            else (target.summary.label.value, top.code, top.confidence.value, *top.look_alikes)
        )
        target_view.full(page, target, same_as=told.get(key))
        if top is not None and not page.look.verbose:
            told.setdefault(key, target.summary.target)


def _worst_first(page: Page, targets: Sequence[TargetDiagnosis]) -> None:
    """Targets nobody named: a few failures in full, others in a line each, the rest counted."""
    failing = [target for target in targets if target_view.leading(target) is not None]
    failing.sort(key=lambda target: -sum(target.summary.counts.values()))
    others = [target for target in targets if target_view.leading(target) is None]
    # Where there are very many ports, the ranker leaves some out: those that failed come first.
    others.sort(
        key=lambda target: (not _failed_unexplained(target), target.summary.label is Label.MID_STREAM)
    )
    if len(targets) > 1:
        bad = len(failing) + sum(_failed_unexplained(target) for target in others)
        page.paragraph((overview(bad, len(targets)), "head"))
        page.blank()
    in_full = failing if page.look.verbose else failing[:_FULL]
    _in_turn(page, in_full)
    in_line = [*failing[len(in_full) :][:_BRIEF], *(others if page.look.verbose else others[:_BRIEF])]
    if in_full and in_line:
        page.blank()
    for target in in_line:
        target_view.brief(page, target)
    rest = len(targets) - len(in_full) - len(in_line)
    if rest:
        page.paragraph(
            (f"and {count(rest, 'more port')}: name one with -p, or see all with --verbose", "dim")
        )


def _failed_unexplained(target: TargetDiagnosis) -> bool:
    return bool(target.summary.failed) and not target.findings


def overview(failing: int, total: int) -> str:
    """Return in a line how many ports there are, and how many of them failed."""
    if not failing:
        return f"{count(total, 'server port')}, none with a failure"
    return f"{count(total, 'server port')}, {failing:,} with a failure"


def nothing(page: Page, health: CaptureHealth) -> None:
    """Say why a capture has no target."""
    if not health.frames:
        page.row(
            "Nothing", "this capture holds no frames" if health.cut is None else "no frame could be read"
        )
    elif health.skipped:
        page.row("Nothing", "what was selected of this capture holds no attempt to connect")
    elif not health.tcp_segments:
        page.row("Nothing", f"none of the {count(health.frames, 'frame')} in this capture carries TCP")
    else:
        page.row("Nothing", "this capture holds no attempt to connect")
    page.row("", "Name a target with -p to learn what that says about it.")


def _command(page: Page, command: Command) -> None:
    """What was run and how it ended, with its last words where they can matter; in short, in one line."""
    if not page.look.verbose:
        _command_in_short(page, command)
        return
    page.row("Command", shlex.join(command.argv))
    page.row("", (command.ended, "warn" if command.exit_status else "dim"))
    if command.target_from is not None:
        page.row("", (f"the target was taken from {command.target_from}", "dim"))
    if command.exit_status:
        for line in command.lines[-_LAST_LINES:]:
            page.row("", ("│ ", "dim"), line, hang=2)
        if known := _known(command.lines[-_LAST_LINES:]):
            page.row("  that means", known.meaning)
            page.row("", f"{known.remedy}")


def _command_in_short(page: Page, command: Command) -> None:
    """Its words were on this terminal a moment ago: here it is only named, and what they mean."""
    ended = f" · {command.ended}"
    words = page.clean(shlex.join(command.argv))
    room = page.room - cell_len(ended)
    cut = words if cell_len(words) <= room else set_cell_size(words, max(1, room - 1)).rstrip() + "…"
    page.row("Command", cut, (ended, "warn" if command.exit_status else "dim"))
    if command.exit_status and (known := _known(command.lines[-_LAST_LINES:])):
        page.row("  that means", known.meaning)
        page.row("", f"{known.remedy}")


def _known(lines: Sequence[str]) -> ErrorMeaning | None:
    """Return the error with a remedy of its own that a command's last words name."""
    return next((found[0] for line in reversed(lines) if (found := named_in(line))), None)


def _capture(page: Page, diagnosis: Diagnosis) -> None:
    """How good the capture was: what was read, what was not followed, where it ends early."""
    health = diagnosis.health
    live = health.live
    name = _name(diagnosis.capture) if live is None else interface_text(live.interface)
    if cell_len(page.clean(name)) + len(" ·") <= page.room:
        page.row("Capture", *joined([name, *_extent(health)]))
    else:
        page.whole("Capture", name)
        page.row("", *joined(_extent(health)))
    if live is not None and live.saved:
        _saved(page, live.saved)
    if live is not None and live.canary_text:
        page.row("  canary", live.canary_text, style="")
    if health.cut is not None:
        cut = health.cut
        where = f"after frame {cut.frame}" if cut.frame else "before its first whole frame"
        page.row("  cut short", (f"{where}, at byte {cut.offset:,}: {cut.reason}", "warn"), style="warn")
    if health.skipped:
        page.row("  left out", listed([f"{number:,} {reason}" for reason, number in health.skipped.items()]))
    undecoded = sorted(health.undecoded.items(), key=lambda item: (-item[1], item[0]))
    if undecoded:
        reasons = [f"{number:,} {reason}" for reason, number in undecoded]
        most = len(reasons) if page.look.verbose else _REASONS_SHOWN
        page.row("  other frames", listed(reasons, most=most), style="")
    remarks = _remarks(health)
    if remarks and page.look.verbose:
        page.row("  also", listed(remarks, most=len(remarks)), style="")
    for note in health.notes if page.look.verbose else _that_matter(health):
        page.row("  note", note, style="")


def _that_matter(health: CaptureHealth) -> list[str]:
    """Return the first notes, but for those that tell of attempts what the capture shows as well."""
    notes = [note for note in health.notes if not (health.frames and note.startswith(_OF_ATTEMPTS))]
    return notes[:_NOTES_SHOWN]


def _saved(page: Page, paths: Sequence[str]) -> None:
    page.whole("  saved", paths[0])
    if len(paths) > 1:
        page.row("", f"and {count(len(paths) - 1, 'file')} more, up to")
        page.whole("", paths[-1])


def carried_documents(page: Page, attachments: Sequence[Attachment]) -> None:
    """Add what the file says of itself, marked as such: its writer may have written anything."""
    page.blank()
    label = "The file says"
    told = [(attachment, found) for attachment in attachments if (found := carried(attachment)) is not None]
    for attachment, found in told[:_CARRIED_SHOWN]:
        when = attachment.made.replace("T", " ").replace("Z", " UTC")
        names = listed([target.target for target in found.targets]) or "no target"
        page.row(
            label, f"it carries the diagnosis of {names}, made on {when} by synscope {attachment.version}:"
        )
        _claims(page, found)
        label = ""
    rest = [
        attachment.kind
        for attachment in attachments
        if all(attachment is not shown for shown, _ in told[:_CARRIED_SHOWN])
    ]
    if rest:
        kinds = [_KINDS.get(kind, kind) for kind in dict.fromkeys(rest)]
        page.row(label, f"it carries {'also ' if told else ''}{listed(kinds)}")
    page.row("", ("Anyone can write that into a file: the report above does not rest on it.", "dim"))


def _claims(page: Page, found: Carried) -> None:
    for target in found.targets:
        parts: list[Span] = [f"{target.target}  {target.label}"]
        if target.title:
            parts.append(target.title)
        page.row("", "│ ", *joined([*parts, *([f"[{target.verdict}]"] if target.verdict else [])]), hang=2)
    if found.more:
        page.row("", f"│ and {count(found.more, 'more target')}")
    health = [
        *([f"captured on {interface_text(found.interface)}"] if found.interface else []),
        *([] if found.lost is None else [f"{found.lost:,} lost"]),
        *([f"canary {found.canary}"] if found.canary else []),
    ]
    if health:
        page.row("", "│ ", *joined(health), hang=2)


def _extent(health: CaptureHealth) -> list[Span]:
    """How much was captured, how long, and what was lost of it."""
    live = health.live
    facts: list[Span] = [f"{len(health.files):,} files as one"] if len(health.files) > 1 else []
    if live is None:
        facts += [part for part in (health.format, listed(health.linktypes)) if part]
    facts.append(count(health.frames, "frame"))
    if (
        health.first_ts_ns is not None
        and health.last_ts_ns is not None
        and health.last_ts_ns > health.first_ts_ns
    ):
        facts.append(duration(health.last_ts_ns - health.first_ts_ns))
    if health.dropped is not None:
        lost = f"{health.dropped:,} lost" + (" while capturing" if live is None else "")
        facts.append((lost, "warn") if health.dropped else lost)
    if live is not None:
        canary = f"canary {live.canary.value}"
        facts.append(canary if live.canary is Canary.SEEN else (canary, "warn"))
    return facts


def _remarks(health: CaptureHealth) -> list[str]:
    """Return the counts that matter only when they are not zero."""
    counted = (
        (health.duplicates, "segment", "recorded twice"),
        (health.snapped, "frame", "stored only in part"),
        (health.strays, "segment", "that fit no attempt"),
        (health.aggregated, "attempt", "settled before the end, to bound memory"),
    )
    return [f"{count(number, noun)} {what}" for number, noun, what in counted if number]
