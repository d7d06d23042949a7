"""Says in a sentence why a finding has its confidence and place, or why it lost.

Input: candidates and how they were placed (``rank``). Output: plain text. Quotes the texts of observations, which may
hold attacker-chosen bytes: reports escape them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from synscope.causes.cause import Cause, Sign, Word
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Confidence, Evidence, Observation

if TYPE_CHECKING:
    from synscope.causes.rank import Candidate

Observations = Mapping[str, Observation]

_QUOTED = 3
"""How many observations a sentence quotes at most."""


def evidence_of(sign: Sign, observations: Observations) -> Evidence:
    """Return the observation behind a sign, as evidence; its text is never empty."""
    observation = observations[sign.name]
    meaning = QUESTIONS[sign.name].meaning
    text = observation.text or (meaning if sign.answer is Answer.YES else f"not so: {meaning}")
    return Evidence(observation.source, text, observation.frames)


def unanswered(cause: Cause, observations: Observations) -> tuple[str, ...]:
    """Return in words what would prove or rule out a cause and nobody could tell here."""
    deciding = [sign.name for group in cause.proof for sign in group]
    deciding += [
        sign.name
        for prediction in cause.predicts
        if prediction.word in {Word.ALWAYS, Word.NEVER}
        for sign in prediction.signs
    ]
    lines: list[str] = []
    for name in dict.fromkeys(deciding):
        observation = observations.get(name)
        if observation is None:
            lines.append(QUESTIONS[name].meaning)
        elif observation.answer is Answer.UNKNOWN:
            why = f" ({observation.text})" if observation.text else ""
            lines.append(QUESTIONS[name].meaning + why)
    return tuple(lines)


def place(
    candidate: Candidate,
    leading: Candidate,
    confidence: Confidence,
    standing: Sequence[Candidate],
    observations: Observations,
) -> str:
    """Return why a failure that stands has its place."""
    if candidate is leading:
        if confidence is Confidence.CERTAIN:
            return proven(candidate.proof, observations)
        others = len(standing) - 1
        return _best(candidate, others, observations)
    if candidate.proof and leading.proof:
        if candidate.cause.slug in leading.cause.refines:
            return f"True as well; {leading.cause.code} is the reason behind it."
        return f"Proven by itself, but so is {leading.cause.code}: the evidence points two ways."
    return _runner_up(candidate, leading, observations)


def proven(proof: Sequence[Sign], observations: Observations) -> str:
    """Return why a finding is certain."""
    return f"Nothing else explains it: {_quote(proof, observations)}."


def shows(shown: Sequence[Sign], observations: Observations) -> str:
    """Return why a remark is made."""
    return f"Fits best: {_quote(shown[:1], observations)}."


def contradicted(signs: Sequence[Sign], observations: Observations) -> str:
    """Return why a finding is ruled out."""
    return f"Ruled out: {_quote(signs, observations)}."


def left_out(leading: Candidate) -> str:
    """Return why a report does not name a cause that stands."""
    return f"Far less probable than {leading.cause.code}."


def _best(candidate: Candidate, others: int, observations: Observations) -> str:
    """Return why it comes first without being certain."""
    if candidate.proof:
        return f"Proven by itself, and others are not ruled out: {_quote(candidate.proof, observations)}."
    if candidate.support:
        why = f"Fits best: {_quote(candidate.support[:1], observations)}"
    else:
        why = "Fits, and is the most common cause of what was seen"
    if others == 0:
        return f"{why}."
    return (
        f"{why}; {'one other cause looks' if others == 1 else f'{others} other causes look'} the same here."
    )


def _runner_up(candidate: Candidate, leading: Candidate, observations: Observations) -> str:
    """Return why it is possible and not first."""
    if not candidate.at_target_label:
        return "Explains some of the attempts, not the ones that failed worst."
    if candidate.weakening:
        return f"Fits, but {_quote(candidate.weakening[:1], observations)}."
    missing = _missing(candidate)
    shortfall = f"nothing here shows that {missing}" if missing else "nothing here decides"
    if leading.cause.slug in candidate.cause.refines:
        return f"Can be the reason behind {leading.cause.code}; {shortfall}."
    if candidate.support:
        return f"Fits too; more speaks for {leading.cause.code}."
    comparison = "less well" if leading.support else "is less common"
    return f"Fits too, but {comparison} than {leading.cause.code}; {shortfall}."


def _missing(candidate: Candidate) -> str:
    """Return what it usually shows and nobody saw, or nothing."""
    seen = {each.prediction for each in candidate.factors if each.holding}
    expected = [
        prediction
        for prediction in candidate.cause.predicts
        if prediction.word in {Word.ALWAYS, Word.USUALLY} and prediction not in seen
    ]
    names = [sign.name for prediction in expected for sign in prediction.signs if sign.answer is Answer.YES]
    return QUESTIONS[names[0]].meaning if names else ""


def _quote(signs: Sequence[Sign], observations: Observations) -> str:
    """Return the texts of the first few observations behind ``signs``, each once, as one clause."""
    texts = dict.fromkeys(evidence_of(sign, observations).text.rstrip(". ") for sign in signs)
    return "; ".join(tuple(texts)[:_QUOTED])
