"""Plays one scenario: ``synscope run`` in its namespace, then an analysis of the packets that tcpdump recorded."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import synscope
from synscope.analysis import analyze
from synscope.model import Confidence, Facts, Kind, TargetDiagnosis
from synscope.targets import parse
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import StageError, stage

SOURCE: Final = Path(synscope.__file__).parents[1]
LONGEST_S: Final = 30
_FILE_HEADER: Final = 24
_RECORD_HEADER: Final = struct.Struct("<IIII")
"""Of what tcpdump writes here: microseconds, least significant byte first."""
_CLOCKS_US: Final = 100
"""Two sockets need not give a frame the same time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of the target."""

    label: str
    ranked: tuple[tuple[str, str], ...]
    """Slug and confidence of each failure that is not ruled out, the best first."""
    out: tuple[str, ...]
    """Slugs of the failures that were ruled out."""

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs, best first."""
        return tuple(slug for slug, _ in self.ranked)

    @property
    def certain(self) -> tuple[str, ...]:
        """The slugs that were called certain."""
        return tuple(slug for slug, confidence in self.ranked if confidence == Confidence.CERTAIN.value)


@dataclass(frozen=True, slots=True)
class Played:
    """Both answers, and how the command ended."""

    scenario: Scenario
    live: Answer
    packets: Answer
    status: int
    document: dict[str, Any]
    said: str
    file: Facts | None = None
    """What was known by the packets alone."""


def play(scenario: Scenario) -> Played:
    """Play it once.

    Raises ``StageError`` when it cannot be set up, or there is no report.
    """
    with stage(scenario) as here:
        report = here.directory / "report.json"
        command = [
            sys.executable,
            "-m",
            "synscope",
            "run",
            "-p",
            scenario.target,
            "--format",
            "json",
            "--why",
        ]
        done = subprocess.run(
            here.inside(*command, "--output", str(report), "--", "bash", "-c", scenario.client),
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            env=here.environment({**scenario.environment, "PYTHONPATH": str(SOURCE)}),
        )
        here.end_record()
        said = done.stdout + done.stderr
        if not report.exists():
            message = f"no report: exit {done.returncode}: {said}"
            raise StageError(message)
        document = json.loads(report.read_text(encoding="utf-8"))
        _end_with(here.capture, document["captures"][0]["health"]["last_ts_ns"])
        (file,) = analyze(str(here.capture), [parse(scenario.target)]).targets
    return Played(scenario, of_json(document), of_target(file), done.returncode, document, said, file.facts)


def _end_with(capture: Path, last_ts_ns: int | None) -> None:
    """Leave out the frames after the last one that was followed live: those of a greeting are no client's."""
    if last_ts_ns is None:
        return
    data = capture.read_bytes()
    at = _FILE_HEADER
    while at + _RECORD_HEADER.size <= len(data):
        seconds, microseconds, stored, _ = _RECORD_HEADER.unpack_from(data, at)
        if seconds * 1_000_000 + microseconds > last_ts_ns // 1000 + _CLOCKS_US:
            break
        at += _RECORD_HEADER.size + stored
    capture.write_bytes(data[:at])


def of_json(document: dict[str, Any]) -> Answer:
    """Read the answer from a JSON report of one target."""
    (capture,) = document["captures"]
    found = [
        (finding["slug"], finding["confidence"])
        for finding in capture["findings"]
        if finding["kind"] == Kind.FAILURE.value
    ]
    return _answer(capture["targets"][0]["label"], found)


def of_target(target: TargetDiagnosis) -> Answer:
    """Read the answer from a diagnosis."""
    found = [
        (finding.slug, finding.confidence.value)
        for finding in target.findings
        if finding.kind is Kind.FAILURE
    ]
    return _answer(target.facts.summary.label.value, found)


def _answer(label: str, found: list[tuple[str, str]]) -> Answer:
    out = Confidence.RULED_OUT.value
    return Answer(
        label,
        tuple(named for named in found if named[1] != out),
        tuple(slug for slug, confidence in found if confidence == out),
    )
