"""How the order of the causes was computed, as JSON values: the field ``why`` of a target's record.

The numbers are natural logarithms in thousandths, for all numbers of the records are integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synscope.causes.cause import Sign
from synscope.causes.rank import Placed, place
from synscope.evidence.path import path_of
from synscope.model import Answer, Facts

WORDS: Final = {Answer.YES: "yes", Answer.NO: "no", Answer.UNKNOWN: "unknown"}
"""How an answer is written."""

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]


def record(facts: Facts) -> dict[str, Value]:
    """Return the field ``why`` of a target's record."""
    return {
        "stages": [stage.value for stage in path_of(facts).possible],
        "answers": {name: WORDS[facts.observations[name].answer] for name in sorted(facts.observations)},
        "candidates": [_candidate_record(each) for each in place(facts)],
    }


def _candidate_record(placed: Placed) -> dict[str, Value]:
    candidate = placed.candidate
    return {
        "code": candidate.cause.code,
        "slug": candidate.cause.slug,
        "confidence": placed.confidence.value,
        "named": placed.is_named,
        "reason": placed.reason,
        "label": candidate.label.value,
        "share": round(1000 * placed.probability),
        "sum": _thousandths(candidate.score),
        "prior": _thousandths(candidate.prior),
        "stages": [stage.value for stage, _ in candidate.stages],
        "factors": [
            {
                "word": factor.prediction.word.value,
                "signs": _names(factor.prediction.signs),
                "holding": _names(factor.holding),
                "looked_for": _names(factor.told),
                "weight": _thousandths(factor.weight),
            }
            for factor in candidate.factors
        ],
        "shown_by": _names(candidate.shown),
        "proof": _names(candidate.proof),
        "contradicted_by": _names(candidate.contradiction),
    }


def _names(signs: Sequence[Sign]) -> list[Value]:
    return [str(sign) for sign in signs]


def _thousandths(number: float) -> int:
    return round(1000 * number)
