"""What the reports have in common that are a text about one capture after the other: terminal and Markdown.

Input: attempts and diagnoses, as every ``ReportWriter`` is told them. Output: a text for each capture, which a
subclass returns, with an empty line between two of them. The lines of the attempts to list are collected meanwhile.
"""

from __future__ import annotations

from synscope.model import Attempt, Diagnosis
from synscope.report.page import preload_rich
from synscope.report.wording import OUTCOME_TEXTS
from synscope.report.writer import ReportSettings, ReportWriter


class TextReport(ReportWriter):
    """Writes a text for people once a capture is read, with an empty line between those of two captures."""

    def __init__(self, settings: ReportSettings) -> None:
        super().__init__(settings)
        self._attempts: list[str] = []
        self._follows_text = False

    @classmethod
    def preload(cls) -> None:
        """Load what Rich loads only when it is needed."""
        preload_rich()

    def attempt(self, capture: str, attempt: Attempt) -> str:  # noqa: ARG002
        """Keep the attempt's line until the capture is read."""
        if self.concerns(attempt):
            self._attempts.append(attempt_line(attempt))
        return ""

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the text about one capture."""
        lead = "\n" if self._follows_text else ""
        text = self.text(diagnosis, self._attempts)
        self._attempts, self._follows_text = [], True
        return lead + text

    def text(self, diagnosis: Diagnosis, attempts: list[str]) -> str:
        """Return what is said of one capture; ``attempts`` are the lines of those to list."""
        raise NotImplementedError


def attempt_line(attempt: Attempt) -> str:
    """Return one attempt as a line: number, frame, both ends, label, outcome."""
    return (
        f"#{attempt.id} frame {attempt.frames.first}  {attempt.client} → {attempt.server}"
        f"  {attempt.label.value}: {OUTCOME_TEXTS[attempt.outcome]}"
    )
