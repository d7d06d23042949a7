"""The table of priors."""

from __future__ import annotations

from synscope.causes.catalogue import CATALOGUE, by_code
from synscope.causes.priors import PRIORS, STAGES, prior
from synscope.evidence.brackets import BRACKETS
from synscope.model import Kind, Label


def test_stages_are_those_of_the_brackets() -> None:
    for label, stages in BRACKETS.items():
        assert set(STAGES.get(label, {})) == set(stages)
        assert sum(STAGES.get(label, {}).values()) in {0, 100}


def test_every_failure_has_its_line_and_nothing_else_has() -> None:
    assert set(PRIORS) == {cause.code for cause in CATALOGUE if cause.kind is Kind.FAILURE}
    assert all(parts > 0 for stages in PRIORS.values() for parts in stages.values())


def test_priors_are_those_of_the_labels() -> None:
    for code in PRIORS:
        assert {label for label in Label if prior(code, label)} == set(by_code[code].labels)
    assert prior("SYN999", Label.SYN_RST) == 0


def test_every_stage_has_a_cause() -> None:
    stopping = {stage for stages in PRIORS.values() for stage in stages}
    assert stopping == {stage for stages in BRACKETS.values() for stage in stages}
