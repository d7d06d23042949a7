"""Texts about one capture after the other."""

from __future__ import annotations

from synscope.model import Diagnosis
from synscope.report.text_report import TextReport, attempt_line
from synscope.report.writer import ReportSettings

from .samples import SAMPLES, refused


def test_texts_about_captures_stand_apart_and_hold_their_own_attempts() -> None:
    class Text(TextReport):
        def text(self, diagnosis: Diagnosis, attempts: list[str]) -> str:  # noqa: ARG002
            return f"{len(attempts)} attempts\n"

    report = Text(ReportSettings(listed="all"))
    assert report.attempt("x.pcap", refused()) == ""
    assert report.end_capture(SAMPLES["refused"]) == "1 attempts\n"
    assert report.end_capture(SAMPLES["refused"]) == "\n0 attempts\n"


def test_an_attempt_is_a_line() -> None:
    assert attempt_line(refused(7)).startswith("#7 frame 13  127.0.0.1:40007 → 127.0.0.1:62893  SYN-RST: ")
