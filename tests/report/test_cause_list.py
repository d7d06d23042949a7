"""The catalogue as a list."""

from __future__ import annotations

from synscope.causes.catalogue import CATALOGUE
from synscope.report import cause_list
from synscope.report.page import Look


def test_every_cause_is_listed_once() -> None:
    text = cause_list.render(Look())
    for cause in CATALOGUE:
        assert text.count(f"   {cause.code}  ") == 1
        assert f" {cause.slug}: " in text
    assert all(len(line) <= 80 for line in text.splitlines())
