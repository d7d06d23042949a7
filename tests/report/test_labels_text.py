"""Every label and claim has its words."""

from __future__ import annotations

from synscope.model import Claim, Label
from synscope.report.labels_text import CLAIM_TEXTS, LABEL_TEXTS


def test_every_label_is_explained() -> None:
    assert list(LABEL_TEXTS) == list(Label)
    assert all(all(text) for text in LABEL_TEXTS.values())


def test_every_claim_is_explained() -> None:
    assert set(CLAIM_TEXTS) == set(Claim)
