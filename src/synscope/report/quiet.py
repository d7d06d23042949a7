"""The report of ``--quiet``: one line a target, never broken.

Input: a ``Diagnosis``. Output: a line for each target with its label, the leading finding and how sure it
is; for a capture without targets a line that says why. Safe to show, as ``page`` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from synscope.model import Diagnosis, TargetDiagnosis
from synscope.report import target_view
from synscope.report.page import Look, Page, Span, preload_rich
from synscope.report.writer import ReportWriter


class QuietReport(ReportWriter):
    """Writes the lines of each capture once it is read."""

    lists_attempts = False

    @classmethod
    def preload(cls) -> None:
        """Load what Rich loads only when it is needed."""
        preload_rich()

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the lines of one capture."""
        return render(diagnosis, self.settings.look(), headed=self.settings.several)


def render(diagnosis: Diagnosis, look: Look, *, headed: bool = False) -> str:
    """Return the lines of one capture; ``headed`` puts its name in front of each, as grep does."""
    page = Page(look)
    name = "standard input" if diagnosis.capture == "-" else diagnosis.capture
    lead: tuple[Span, ...] = ((f"{name}: ", "dim"),) if headed else ()
    for spans in _lines(diagnosis, look):
        page.line(*lead, *spans)
    return page.render()


def _lines(diagnosis: Diagnosis, look: Look) -> Iterator[tuple[Span, ...]]:
    if diagnosis.health.error is not None:
        yield ("could not be read: ", "bad"), diagnosis.health.error
    elif not diagnosis.targets:
        yield ("no attempt to connect",)
    for target in diagnosis.targets:
        yield _line(target, look)


def _line(target: TargetDiagnosis, look: Look) -> tuple[Span, ...]:
    summary = target.summary
    top = target_view.leading(target)
    lead = (f"{target_view.name_of(summary.target)}: ", (summary.label.value, target_view.style_of(target)))
    if top is None:
        return *lead, f", {target_view.state(summary)}"
    return *lead, f", {top.title} ", target_view.verdict(top, look)
