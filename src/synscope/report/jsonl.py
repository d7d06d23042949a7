"""The JSON Lines report: a record a line, in the order in which things become known.

For each capture: its attempts as they settle, then its targets, its findings and its health. Every text consists of
whole lines, each with its newline; nothing is kept.
"""

from __future__ import annotations

from synscope.model import Attempt, Diagnosis
from synscope.report import json_records
from synscope.report.writer import ReportWriter


class JsonlReport(ReportWriter):
    """Writes a line for each record."""

    def attempt(self, capture: str, attempt: Attempt) -> str:
        """Return the line of one attempt."""
        return json_records.line(json_records.attempt(capture, attempt)) + "\n"

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the lines of the attempts to list only now, and of what the capture comes to."""
        attempts = [self.attempt(diagnosis.capture, attempt) for attempt in self.listed_afterwards(diagnosis)]
        return "".join(attempts) + "".join(
            f"{json_records.line(record)}\n"
            for record in json_records.conclusions(diagnosis, why=self.settings.why)
        )
