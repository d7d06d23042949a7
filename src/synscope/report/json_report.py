"""The JSON report: one document for all captures of a run, written as it becomes known.

``JsonReport`` returns the document in pieces, in this order: ``begin``, then for each capture
``begin_capture``, ``attempt`` as often as wanted and ``end_capture``, at last ``end``. The pieces joined
are one JSON value; each record stands on a line of its own. No attempt is kept, so listing all attempts of
a large capture takes no memory.
"""

from __future__ import annotations

from synscope.model import Attempt, Diagnosis
from synscope.report import json_records as records
from synscope.report.schema import SCHEMA_ID, SCHEMA_VERSION


class JsonReport:
    """Writes one document. The state is only where the commas go."""

    def __init__(self, *, version: str, engine: str) -> None:
        self._version = version
        self._engine = engine
        self._captures = 0
        self._attempts = 0

    def begin(self) -> str:
        """Return the opening of the document."""
        head = records.line(
            {
                "type": "report",
                "schema": SCHEMA_ID,
                "schema_version": SCHEMA_VERSION,
                "synscope": self._version,
                "engine": self._engine,
            }
        )
        return head[:-1] + ',"captures":['

    def begin_capture(self, capture: str) -> str:
        """Return the opening of one capture's part."""
        separator = "," if self._captures else ""
        self._captures += 1
        self._attempts = 0
        return f'{separator}\n{records.line({"capture": capture})[:-1]},"attempts":['

    def attempt(self, capture: str, one: Attempt) -> str:
        """Return one attempt of the open capture."""
        separator = "," if self._attempts else ""
        self._attempts += 1
        return f"{separator}\n{records.line(records.attempt(capture, one))}"

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return what follows the attempts of the open capture."""
        name = diagnosis.capture
        groups = [
            records.group(one.summary.target.text, group)
            for one in diagnosis.targets
            for group in one.summary.groups
        ]
        return "".join(
            (
                "]",
                _array("groups", groups),
                _array("targets", [records.target(name, one) for one in diagnosis.targets]),
                _array("findings", list(records.findings(diagnosis))),
                _array("attachments", [records.attachment(name, one) for one in diagnosis.attachments])
                if diagnosis.attachments
                else "",
                ""
                if diagnosis.command is None
                else f',\n"command":{records.line(records.command(name, diagnosis.command))}',
                f',\n"health":{records.line(records.health(name, diagnosis.health))}}}',
            )
        )

    def end(self, exit_status: int) -> str:
        """Return the end of the document."""
        return f'\n],"exit_status":{exit_status}}}\n'


def document(diagnosis: Diagnosis, *, version: str, engine: str, exit_status: int) -> str:
    """Return the whole document of one capture, with the attempts that support a finding."""
    report = JsonReport(version=version, engine=engine)
    attempts = records.supporting_attempts(diagnosis)
    return "".join(
        (
            report.begin(),
            report.begin_capture(diagnosis.capture),
            *(report.attempt(diagnosis.capture, attempt) for attempt in attempts),
            report.end_capture(diagnosis),
            report.end(exit_status),
        )
    )


def _array(name: str, items: list[records.Record]) -> str:
    lines = ",".join(f"\n{records.line(item)}" for item in items)
    return f',\n"{name}":[{lines}]'
