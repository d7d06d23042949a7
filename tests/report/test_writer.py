"""What reports of all formats have in common."""

from __future__ import annotations

import pytest

from synscope.model import Confidence
from synscope.report.writer import ReportSettings, ReportWriter, supporting_attempts
from synscope.targets import parse

from .samples import SAMPLES, refused


def test_a_report_has_nothing_to_write_unless_its_format_says_so() -> None:
    report = ReportWriter(ReportSettings())
    assert report.attempt("x.pcap", refused()) == ""
    assert report.whole(SAMPLES["refused"], 1) == ""
    assert [*report.remarks(SAMPLES["cut"])] == []
    report.preload()


@pytest.mark.parametrize(
    ("listed", "taken", "afterwards"), [("all", 1, 0), ("findings", 0, 2), ("none", 0, 0)]
)
def test_attempts_are_listed_as_asked_for(listed: str, taken: int, afterwards: int) -> None:
    report = ReportWriter(ReportSettings(listed=listed))  # type: ignore[arg-type]
    assert report.takes_attempts == bool(taken)
    assert len(report.listed_afterwards(SAMPLES["refused"])) == afterwards


def test_a_report_concerns_the_ports_that_were_asked_about() -> None:
    assert ReportWriter(ReportSettings()).concerns(refused())
    for text, concerned in (("62893", True), ("80", False), (str(62893 + 65536), True)):
        assert ReportWriter(ReportSettings(targets=(parse(text),))).concerns(refused()) == concerned


def test_supporting_attempts_are_those_of_failures() -> None:
    supporting = supporting_attempts(SAMPLES["many-ports"])
    assert {attempt.server.port for attempt in supporting} == set(range(9000, 9030))
    assert [attempt.id for attempt in supporting] == sorted({attempt.id for attempt in supporting})
    assert supporting_attempts(SAMPLES["healthy"]) == ()


def test_ruled_out_findings_support_nothing() -> None:
    (target,) = SAMPLES["refused"].targets
    out = tuple(finding._replace(confidence=Confidence.RULED_OUT) for finding in target.findings)
    nothing = SAMPLES["refused"]._replace(targets=(target._replace(findings=out),))
    assert supporting_attempts(nothing) == ()
