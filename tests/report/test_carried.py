"""What a file says of itself, taken apart: only what we would have written, and never anything that breaks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import Attachment
from synscope.report.carried import CarriedTarget, carried
from synscope.report.json_report import document

from .samples import SAMPLES

FINDING = {
    "target": "80",
    "kind": "failure",
    "confidence": "likely",
    "code": "SYN101",
    "title": "Nothing is listening",
}
HEALTH = {"interface": "lo", "dropped": 3, "canary": "seen"}


def says(text: str) -> Attachment:
    return Attachment("diagnosis", "0.1.0", "2026-01-31T12:00:00Z", text)


def report(**capture: object) -> Attachment:
    return says(json.dumps({"type": "report", "captures": [capture]}))


@pytest.mark.parametrize("name", [name for name in SAMPLES if SAMPLES[name].targets])
def test_our_own_reports(name: str) -> None:
    diagnosis = SAMPLES[name]
    found = carried(says(document(diagnosis, version="0", engine="compiled", exit_status=1)))
    assert found is not None
    assert len(found.targets) + found.more == len(diagnosis.targets)
    for told, one in zip(found.targets, diagnosis.targets, strict=False):
        assert (told.target, told.label) == (one.summary.target.text, one.summary.label.value)
        assert bool(told.verdict) == one.failed


def test_what_is_taken() -> None:
    found = carried(report(targets=[{"target": "80", "label": "SYN-RST"}], findings=[FINDING], health=HEALTH))
    assert found is not None
    assert found.targets == (CarriedTarget("80", "SYN-RST", "Nothing is listening", "likely · SYN101"),)
    assert (found.interface, found.lost, found.canary, found.more) == ("lo", 3, "seen", 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", "443"),
        ("kind", "note"),
        ("confidence", "ruled out"),
        ("confidence", ["likely"]),
        ("code", "SYN101\x1b[2J"),
        ("code", 101),
    ],
)
def test_findings_that_are_none(field: str, value: object) -> None:
    found = carried(
        report(targets=[{"target": "80", "label": "SYN-RST"}], findings=[{**FINDING, field: value}])
    )
    assert found is not None
    assert found.targets == (CarriedTarget("80", "SYN-RST"),)


@pytest.mark.parametrize(
    "health",
    [None, [], {"interface": 1, "dropped": "0", "canary": "fine"}, {"dropped": True}, {"dropped": -1}],
)
def test_health_that_is_none(health: object) -> None:
    found = carried(report(targets=[{"target": "80", "label": "all is well"}], health=health))
    assert found is not None
    assert (found.targets, found.interface, found.lost, found.canary) == ((), "", None, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "1",
        '{"type": "report"}',
        '{"type": "health", "captures": [{}]}',
        "[" * 100_000,
        "9" * 10_000,
    ],
)
def test_what_is_no_report(text: str) -> None:
    assert carried(says(text)) is None


def test_many_and_long() -> None:
    targets = [{"target": "8" * 1000, "label": "SYN-RST"}] * 30_000
    found = carried(report(targets=targets, findings=[{**FINDING, "target": "x"}] * 30_000))
    assert found is not None
    assert (len(found.targets), found.more) == (5, 29_995)
    assert len(found.targets[0].target) == 100


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["targets", "findings", "health", "target", "label", "dropped", "canary"]), inner
        )
    ),
)


@given(_JSON)
def test_nothing_breaks_it(value: object) -> None:
    carried(says(json.dumps({"type": "report", "captures": [value]})))
