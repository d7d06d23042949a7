"""The JSON Lines report: a record a line, in the order in which things become known.

For each capture: its attempts as they settle, then its targets, its findings and its health. Every
function returns one or more whole lines, each with its newline; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from synscope.model import Attempt, Diagnosis
from synscope.report import json_records as records


def attempt(capture: str, one: Attempt) -> str:
    """Return the line of one attempt."""
    return records.line(records.attempt(capture, one)) + "\n"


def supporting_attempts(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines of the attempts that support a finding."""
    for one in records.supporting_attempts(diagnosis):
        yield attempt(diagnosis.capture, one)


def conclusions(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines that follow a capture's attempts."""
    for record in records.conclusions(diagnosis):
        yield records.line(record) + "\n"
