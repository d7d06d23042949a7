"""The JSON report: one document for all captures of a run, written as it becomes known.

The pieces that ``JsonReport`` returns are one JSON value when joined; each record stands on a line of its own. No
attempt is kept, so listing all attempts of a large capture takes no memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synscope._version import VERSION
from synscope.engine import MODE
from synscope.model import Attempt, Diagnosis
from synscope.report import json_records
from synscope.report.writer import ReportSettings, ReportWriter

if TYPE_CHECKING:
    from synscope.engine.moments import Moments


class JsonReport(ReportWriter):
    """Writes one document. The state is only where the commas go."""

    def __init__(self, settings: ReportSettings, *, version: str = VERSION, engine: str = str(MODE)) -> None:
        super().__init__(settings)
        self._version = version
        self._engine = engine
        self._captures = 0
        self._attempts = 0

    def begin(self) -> str:
        """Return the opening of the document."""
        head = json_records.line(
            {
                "type": "report",
                "schema": json_records.SCHEMA_ID,
                "schema_version": json_records.SCHEMA_VERSION,
                "synscope": self._version,
                "engine": self._engine,
            }
        )
        return head[:-1] + ',"captures":['

    def begin_capture(self, capture: str, moments: Moments | None = None) -> str:  # noqa: ARG002
        """Return the opening of one capture's part."""
        separator = "," if self._captures else ""
        self._captures += 1
        self._attempts = 0
        return f'{separator}\n{json_records.line({"capture": capture})[:-1]},"attempts":['

    def attempt(self, capture: str, attempt: Attempt) -> str:
        """Return one attempt of the open capture."""
        separator = "," if self._attempts else ""
        self._attempts += 1
        return f"{separator}\n{json_records.line(json_records.attempt(capture, attempt))}"

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the attempts to list only now, and what follows the attempts of the open capture."""
        name = diagnosis.capture
        groups = [
            json_records.group(target.summary.target.text, group)
            for target in diagnosis.targets
            for group in target.summary.groups
        ]
        return "".join(
            (
                *(self.attempt(name, attempt) for attempt in self.listed_afterwards(diagnosis)),
                "]",
                _array("groups", groups),
                _array(
                    "targets",
                    [
                        json_records.target(name, target, why=self.settings.why)
                        for target in diagnosis.targets
                    ],
                ),
                _array("findings", list(json_records.findings(diagnosis))),
                _array(
                    "attachments",
                    [json_records.attachment(name, carried) for carried in diagnosis.attachments],
                )
                if diagnosis.attachments
                else "",
                ""
                if diagnosis.command is None
                else f',\n"command":{json_records.line(json_records.command(name, diagnosis.command))}',
                f',\n"health":{json_records.line(json_records.health(name, diagnosis.health))}}}',
            )
        )

    def end(self, exit_status: int) -> str:
        """Return the end of the document."""
        return f'\n],"exit_status":{exit_status}}}\n'


def document(diagnosis: Diagnosis, *, version: str, engine: str, exit_status: int) -> str:
    """Return the whole document of one capture, with the attempts that support a finding."""
    return JsonReport(ReportSettings(), version=version, engine=engine).whole(diagnosis, exit_status)


def _array(name: str, items: list[json_records.Record]) -> str:
    lines = ",".join(f"\n{json_records.line(item)}" for item in items)
    return f',\n"{name}":[{lines}]'
