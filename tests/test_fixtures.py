"""Every fixture's story against its expectation in the manifest, all the way to the diagnosis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synscope.analysis import analyze
from synscope.model import Attempt, Confidence, Kind
from synscope.targets import parse

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
MANIFEST: list[dict[str, Any]] = json.loads((FIXTURES / "manifest.json").read_text(encoding="utf-8"))

by_file = pytest.mark.parametrize("entry", MANIFEST, ids=[entry["file"] for entry in MANIFEST])


def _described(attempt: Attempt) -> tuple[object, ...]:
    return (
        attempt.client.address,
        attempt.client.port,
        attempt.server.address,
        attempt.server.port,
        attempt.label.value,
        attempt.outcome.value,
        attempt.syn_count,
        attempt.frames.first,
    )


def check_entry(entry: dict[str, Any], folder: Path) -> None:
    """Assert that a capture gives what its manifest entry says."""
    attempts: list[Attempt] = []
    diagnosis = analyze(
        str(folder / entry["file"]), [parse(text) for text in entry["targets"]], on_attempt=attempts.append
    )
    expected = [
        (*one["client"], *one["server"], one["label"], one["outcome"], one["syn_count"], one["frame"])
        for one in entry["attempts"]
    ]
    assert sorted(map(_described, attempts), key=str) == sorted(expected, key=str)
    labels = {one.summary.target.text: one.summary.label.value for one in diagnosis.targets}
    assert labels == entry["target_labels"]
    assert int(diagnosis.failed) == entry["exit_status"]
    failures = [
        finding
        for target in diagnosis.targets
        for finding in target.findings
        if finding.kind is Kind.FAILURE and finding.confidence is not Confidence.RULED_OUT
    ]
    if entry["exit_status"] and entry["cause"]:
        assert entry["cause"] in [finding.slug for finding in failures]
    certain = [finding.slug for finding in failures if finding.confidence is Confidence.CERTAIN]
    assert certain in ([], [entry["cause"]])


@by_file
def test_fixture(entry: dict[str, Any]) -> None:
    check_entry(entry, FIXTURES)


def test_every_fixture_has_an_entry() -> None:
    captures = {file.name for file in FIXTURES.iterdir() if file.suffix not in {".json", ".md"}}
    assert captures == {entry["file"] for entry in MANIFEST}


def test_the_named_set_is_small() -> None:
    for entry in MANIFEST:
        diagnosis = analyze(str(FIXTURES / entry["file"]), [parse(text) for text in entry["targets"]])
        for target in diagnosis.targets:
            named = [f for f in target.findings if f.confidence is not Confidence.RULED_OUT]
            assert len([f for f in named if f.kind is Kind.FAILURE]) <= 12


def test_without_a_target_every_port_is_one() -> None:
    diagnosis = analyze(str(FIXTURES / "gateway-502.pcap"))
    assert [target.summary.target.text for target in diagnosis.targets] == ["8080", "62893"]
    assert not diagnosis.watched
