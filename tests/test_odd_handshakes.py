"""The page of odd handshakes: every case has a capture, and the page says what the analysis says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from synscope.analysis import analyze
from synscope.engine.names import REASONS
from synscope.model import Attempt

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = ROOT / "fixtures"
MANIFEST: dict[str, dict[str, Any]] = {
    entry["file"]: entry for entry in json.loads((FIXTURES / "manifest.json").read_text("utf-8"))
}

_ROW = re.compile(
    r"^\| (?P<case>[^|]+) \| (?P<done>[^|]+) \| (?P<files>`[^|]+`) \| (?P<said>[^|]+) \|$", re.MULTILINE
)
ROWS = list(_ROW.finditer((ROOT / "docs" / "odd-handshakes.md").read_text("utf-8")))


def files_of(row: re.Match[str]) -> list[str]:
    names = re.findall(r"`([^`]+)`", row["files"])
    return [name if "." in name else f"{name}.pcap" for name in names]


def said_of(row: re.Match[str]) -> dict[str, list[str]]:
    """What the row says of each of its captures."""
    files, said = files_of(row), row["said"]
    told = [said.removeprefix("each: ")] * len(files) if said.startswith("each: ") else said.split("; ")
    return {name: text.split(", ") for name, text in zip(files, told, strict=True)}


by_row = pytest.mark.parametrize("row", ROWS, ids=[row["case"] for row in ROWS])


def test_the_tables_are_there() -> None:
    assert len(ROWS) > 50
    assert len({row["case"] for row in ROWS}) == len(ROWS)


@by_row
def test_every_case_names_captures_of_the_manifest(row: re.Match[str]) -> None:
    assert files_of(row)
    assert [name for name in files_of(row) if name not in MANIFEST] == []


@by_row
def test_what_is_said_is_what_the_analysis_says(row: re.Match[str]) -> None:
    for name, told in said_of(row).items():
        attempts: list[Attempt] = []
        health = analyze(str(FIXTURES / name), on_attempt=attempts.append).health
        counted = {reason: f"{count} × {reason}" for reason, count in health.undecoded.items()}
        assert set(counted) <= set(REASONS)
        found = [f"{attempt.label} {attempt.outcome}" for attempt in attempts]
        assert sorted(told) == sorted([*_counted(found), *counted.values()])


@by_row
def test_what_is_said_is_what_the_manifest_expects(row: re.Match[str]) -> None:
    for name, told in said_of(row).items():
        expected = [f"{attempt['label']} {attempt['outcome']}" for attempt in MANIFEST[name]["attempts"]]
        assert [text for text in told if not text.endswith(REASONS[1:])] == _counted(expected)


def _counted(names: list[str]) -> list[str]:
    counts = {name: names.count(name) for name in names}
    return [name if count == 1 else f"{count} × {name}" for name, count in counts.items()]
