"""Says in a sentence why a finding has its confidence and place, or why it lost.

Input: evaluations and how they were judged (``rank``). Output: plain text. Quotes the texts of
observations, which may hold attacker-chosen bytes: reports escape them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from synscope.causes.cause import Sign
from synscope.causes.evaluation import Evaluation, evidence_of, holds
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Observation

Observations = Mapping[str, Observation]

_QUOTED = 3
"""How many observations a sentence quotes at most."""


def proven(evaluation: Evaluation, observations: Observations) -> str:
    """Why it is certain."""
    return f"Nothing else explains it: {_quote(evaluation.proof, observations)}."


def proven_but_deeper(deeper: Evaluation) -> str:
    """Why a proven cause is not the answer: another proven one says why it is so."""
    return f"True as well; {deeper.cause.code} is the reason behind it."


def proven_but_disputed(others: Sequence[Evaluation]) -> str:
    """Why a proven cause is not certain: another one is proven too, and both cannot be the answer."""
    codes = ", ".join(other.cause.code for other in others)
    return f"Proven by itself, but so is {codes}: the evidence points two ways."


def best(evaluation: Evaluation, look_alikes: int, observations: Observations) -> str:
    """Why it comes first without proof."""
    if evaluation.support and evaluation.support[0].text:
        why = f"Fits best: {_quote((evaluation.support[0].sign,), observations)}"
    else:
        why = "Fits, and is the most common cause of what was seen"
    if look_alikes == 0:
        return f"{why}."
    others = "one other cause looks" if look_alikes == 1 else f"{look_alikes} other causes look"
    return f"{why}; {others} the same here."


def runner_up(evaluation: Evaluation, first: Evaluation | None, observations: Observations) -> str:
    """Why it is possible and not first."""
    if not evaluation.at_target_label and first is not None:
        return "Explains some of the attempts, not the ones that failed worst."
    if evaluation.weakening:
        return f"Fits, but {_quote((evaluation.weakening[0].sign,), observations)}."
    missing = _missing(evaluation, observations)
    shortfall = f"nothing here shows that {missing}" if missing else "nothing here decides"
    if first is None:
        return f"Fits, as others do; {shortfall}."
    if first.cause.slug in evaluation.cause.refines:
        return f"Can be the reason behind {first.cause.code}; {shortfall}."
    if evaluation.support and evaluation.support[0].text:
        return f"Fits too; more speaks for {first.cause.code}."
    comparison = "less well" if first.support and first.support[0].text else "is less common"
    return f"Fits too, but {comparison} than {first.cause.code}; {shortfall}."


def contradicted(evaluation: Evaluation, observations: Observations) -> str:
    """Why it is ruled out by an observation."""
    return f"Ruled out: {_quote(evaluation.contradiction, observations)}."


def excluded(winner: Evaluation) -> str:
    """Why it is ruled out by what proves another cause."""
    return f"Ruled out: {winner.cause.code} is proven, and the same evidence leaves no room for this."


def _missing(evaluation: Evaluation, observations: Observations) -> str:
    """Return what the strongest clue says that nobody saw, or nothing."""
    unseen = [
        clue
        for clue in evaluation.cause.supports
        if clue.answer is Answer.YES and not holds(clue.sign, observations)
    ]
    return QUESTIONS[max(unseen, key=lambda clue: clue.weight).name].meaning if unseen else ""


def _quote(signs: Sequence[Sign], observations: Observations) -> str:
    """Return the texts of the first few observations behind ``signs``, as one clause."""
    texts = (evidence_of(sign, observations).text.rstrip(". ") for sign in signs[:_QUOTED])
    return "; ".join(texts)
