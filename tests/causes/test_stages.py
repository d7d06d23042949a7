"""What a stop at a stage predicts by itself."""

from __future__ import annotations

from synscope.causes.stages import PREDICTS, stage_factors
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Label, Stage
from tests.causes.builders import facts


def test_names_are_in_the_vocabulary() -> None:
    signs = {sign.name for predictions in PREDICTS.values() for each in predictions for sign in each.signs}
    assert signs <= set(QUESTIONS)


def test_nothing_known_is_nothing() -> None:
    assert all(stage_factors(stage, Label.SYN_RST, {}) == 0 for stage in Stage)


def test_a_reset_of_a_rule_is_none_of_the_stack() -> None:
    rule = facts(Label.SYN_RST, "rst-looks-like-firewall", "rst-looks-like-kernel").observations
    stack = facts(Label.SYN_RST, "rst-looks-like-kernel", "rst-looks-like-firewall").observations
    assert stage_factors(Stage.LISTENER, Label.SYN_RST, rule) < -1
    assert stage_factors(Stage.LISTENER, Label.SYN_RST, stack) >= 0


def test_a_stage_without_predictions_says_nothing() -> None:
    assert Stage.NAME not in PREDICTS
    known = facts(Label.CLIENT_NEVER_SENT, "port-above-65535").observations
    assert stage_factors(Stage.NAME, Label.CLIENT_NEVER_SENT, known) == 0
