"""The report for CI systems is XML, whatever the capture holds, and keeps to its schema."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from synscope.model import Diagnosis, Label
from synscope.report import junit
from synscope.report.writer import ReportSettings

from .hostile import everywhere, texts
from .samples import SAMPLES, answered, diagnosis, refused, target, unanswered

XSD = Path(__file__).parents[2] / "docs" / "schema" / junit.XSD_NAME


@cache
def schema() -> Any:
    """The published schema as libxml2 reads it."""
    etree = pytest.importorskip("lxml.etree")
    return etree.XMLSchema(etree.parse(str(XSD)))


def keeps_to_schema(text: str) -> bool:
    etree = pytest.importorskip("lxml.etree")
    return bool(schema().validate(etree.fromstring(text.encode())))


def document(*diagnoses: Diagnosis, expected: Label | None = None) -> str:
    report = junit.JUnitReport(ReportSettings(expected=expected))
    return report.begin() + "".join(map(report.end_capture, diagnoses)) + report.end(1)


def parsed(*diagnoses: Diagnosis, expected: Label | None = None) -> ET.Element:
    text = document(*diagnoses, expected=expected)
    assert text.isascii()
    return ET.fromstring(text)


def verdicts(root: ET.Element) -> list[str]:
    """What each case has besides its output."""
    return [case[0].tag if len(case) > 1 else "" for case in root.iter("testcase")]


def test_a_suite_a_capture_and_a_case_a_target() -> None:
    two = diagnosis(target(refused()), target(answered()), capture="both.pcap")
    root = parsed(SAMPLES["healthy"], two)
    assert [suite.attrib for suite in root] == [
        {"name": "refused.pcap", "tests": "1", "failures": "0", "errors": "0", "skipped": "0"},
        {"name": "both.pcap", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"},
    ]
    assert [case.get("name") for case in root.iter("testcase")] == ["port 8080", "port 62893", "port 8080"]
    assert verdicts(root) == ["", "failure", ""]


def test_a_failure_says_what_it_is() -> None:
    failure = parsed(SAMPLES["refused"]).find(".//failure")
    assert failure is not None
    assert failure.attrib == {
        "type": "SYN101",
        "message": "SYN-RST: Nothing is listening on port 62893 (likely, SYN101)",
    }


def test_output_is_the_terminal_report_of_that_target_alone() -> None:
    root = parsed(diagnosis(target(refused()), target(unanswered(port=5432))))
    first, second = (case.findtext("system-out") or "" for case in root.iter("testcase"))
    assert first.startswith(" Nothing is listening on port 62893.\n SYN-RST · ")
    assert "5432" not in first
    assert "port 5432" in second
    assert "\x1b" not in first + second
    assert "◀── RST,ACK       frame 2" in first


@pytest.mark.parametrize(
    ("name", "expected", "wanted"),
    [
        ("refused", None, ["failure"]),
        ("refused", Label.SYN_RST, [""]),
        ("refused", Label.COMPLETED, ["failure"]),
        ("healthy", None, [""]),
        ("healthy", Label.COMPLETED, [""]),
        ("healthy", Label.SYN_RST, ["failure"]),
        ("empty", None, ["skipped"]),
        ("empty", Label.COMPLETED, ["failure"]),
        ("unreadable", None, ["error"]),
        ("unreadable", Label.COMPLETED, ["error"]),
    ],
)
def test_fails_as_the_exit_status_does(name: str, expected: Label | None, wanted: list[str]) -> None:
    assert verdicts(parsed(SAMPLES[name], expected=expected)) == wanted


def test_a_difference_is_told() -> None:
    failure = parsed(SAMPLES["healthy"], expected=Label.SYN_RST).find(".//failure")
    assert failure is not None
    assert failure.attrib == {"type": "expectation", "message": "expected SYN-RST, but completed"}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_keeps_to_the_schema(name: str) -> None:
    assert keeps_to_schema(document(SAMPLES[name]))
    assert keeps_to_schema(document(SAMPLES[name], expected=Label.HALF_OPEN))


@settings(max_examples=25)
@given(texts)
def test_hostile_text_changes_no_structure(text: str) -> None:
    hostile, tame = parsed(everywhere(text)), parsed(everywhere("word"))
    assert [one.tag for one in hostile.iter()] == [one.tag for one in tame.iter()]


@settings(max_examples=25)
@given(texts)
def test_hostile_text_keeps_to_the_schema(text: str) -> None:
    assert keeps_to_schema(document(everywhere(text)))


def test_the_schema_refuses_what_is_none() -> None:
    text = document(SAMPLES["refused"])
    assert keeps_to_schema(text)
    for right, wrong in (("failure type", "failure kind"), ("testcase", "case"), ('tests="1"', "")):
        assert not keeps_to_schema(text.replace(right, wrong))


def test_standard_input_has_a_name() -> None:
    assert parsed(SAMPLES["healthy"]._replace(capture="-"))[0].get("name") == "standard input"
