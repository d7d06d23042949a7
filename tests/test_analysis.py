"""The whole way for one capture: what a file carries is handed on, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.capture.write.annotate import annotate
from synscope.capture.write.attachments import comments
from synscope.model import Attachment
from synscope.report.json_report import document
from synscope.targets import parse
from tests.report.samples import SAMPLES

REFUSED = Path(__file__).parents[1] / "fixtures" / "refused.pcap"
WELL = document(SAMPLES["healthy"], version="9", engine="compiled", exit_status=0)


@pytest.mark.parametrize("text", [WELL, "nonsense", "\x1b[2J", "x" * 200_000])
def test_what_a_file_carries_changes_nothing(tmp_path: Path, text: str) -> None:
    bare, carrying = tmp_path / "bare.pcapng", tmp_path / "carrying.pcapng"
    claim = Attachment("diagnosis", "9", "2026-01-31T12:00:00Z", text)
    annotate(str(REFUSED), bare, {})
    annotate(str(REFUSED), carrying, {1: "completed"}, ["not ours", *comments(claim)])
    before, after = (analyze(str(path), [parse("62893")]) for path in (bare, carrying))
    assert after.attachments == (claim,)
    assert before.attachments == ()
    assert after.failed
    assert after._replace(capture="", attachments=()) == before._replace(capture="")
