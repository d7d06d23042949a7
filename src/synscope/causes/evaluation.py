"""Confronts one cause with the facts: does it show, what speaks for and against it, is it proven.

Input: a ``Cause`` and the ``Facts`` of one target. Output: an ``Evaluation``, or ``None`` when the cause
does not show at all. An observation that is missing or could not be told satisfies nothing and rules
nothing out. No cause is named here; how evaluations compare is ``rank``'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from synscope.causes.cause import Cause, Clue, Sign, Signs
from synscope.causes.priors import prior
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Evidence, Facts, Label, Observation, TargetSummary


class Evaluation(NamedTuple):
    """A cause that shows under a label of the target, with all that bears on it."""

    cause: Cause
    label: Label
    at_target_label: bool
    """False when it explains only attempts that ended better than the target's label says."""
    score: int
    """Prior and clues together; comparable between causes of the same target."""
    shown: Signs
    """The signs of its signature that hold."""
    support: tuple[Clue, ...]
    """Clues for it that hold, the strongest first."""
    weakening: tuple[Clue, ...]
    """Clues against it that hold, the strongest first."""
    contradiction: Signs
    """What rules it out; empty when nothing does."""
    proof: Signs
    """The decisive set that holds; empty when none does."""


def evaluate(cause: Cause, facts: Facts) -> Evaluation | None:
    """Return how ``cause`` fares, or ``None`` when it shows under no label of the target."""
    observations = facts.observations
    for label in labels_present(facts.summary):
        shown = _shown(cause, label, observations)
        if shown:
            support = _holding(cause.supports, observations)
            weakening = _holding(cause.weakened_by, observations)
            doubted = any(holds(sign, observations) for sign in cause.doubted_by)
            proofs = () if doubted else cause.decisive
            gain = sum(clue.weight for clue in support) - sum(clue.weight for clue in weakening)
            return Evaluation(
                cause=cause,
                label=label,
                at_target_label=label is facts.summary.label,
                score=prior(cause.code, label) + gain,
                shown=shown,
                support=support,
                weakening=weakening,
                contradiction=tuple(sign for sign in cause.contradicts if holds(sign, observations)),
                proof=next((group for group in proofs if _all_hold(group, observations)), ()),
            )
    return None


def labels_present(summary: TargetSummary) -> tuple[Label, ...]:
    """Return the target's label, then the other labels that its attempts have, in their fixed order."""
    others = (label for label in Label if label is not summary.label and summary.counts.get(label, 0) > 0)
    return (summary.label, *others)


def holds(sign: Sign, observations: Mapping[str, Observation]) -> bool:
    """Return whether somebody looked for ``sign`` and gave the answer that it wants."""
    observation = observations.get(sign.name)
    return observation is not None and observation.answer is sign.answer


def evidence_of(sign: Sign, observations: Mapping[str, Observation]) -> Evidence:
    """Return the observation behind a sign that holds, as evidence; its text is never empty."""
    observation = observations[sign.name]
    meaning = QUESTIONS[sign.name].meaning
    text = observation.text or (meaning if sign.answer is Answer.YES else f"not so: {meaning}")
    return Evidence(observation.source, text, observation.frames)


def unanswered(cause: Cause, observations: Mapping[str, Observation]) -> tuple[str, ...]:
    """Return in words what would prove or rule out ``cause`` and nobody could tell here."""
    deciding = [sign.name for group in cause.decisive for sign in group]
    deciding.extend(sign.name for sign in cause.contradicts)
    lines: list[str] = []
    for name in dict.fromkeys(deciding):
        observation = observations.get(name)
        if observation is None:
            lines.append(QUESTIONS[name].meaning)
        elif observation.answer is Answer.UNKNOWN:
            why = f" ({observation.text})" if observation.text else ""
            lines.append(QUESTIONS[name].meaning + why)
    return tuple(lines)


def _shown(cause: Cause, label: Label, observations: Mapping[str, Observation]) -> Signs:
    """Return the signs of all signatures for ``label`` that hold, each once, or nothing."""
    found: list[Sign] = []
    for signature in cause.signatures:
        any_of = tuple(sign for sign in signature.any_of if holds(sign, observations))
        if (
            label in signature.labels
            and _all_hold(signature.requires, observations)
            and (any_of or not signature.any_of)
            and not (signature.unless and _all_hold(signature.unless, observations))
        ):
            found.extend(signature.requires + any_of)
    return tuple(dict.fromkeys(found))


def _all_hold(signs: Signs, observations: Mapping[str, Observation]) -> bool:
    return all(holds(sign, observations) for sign in signs)


def _holding(clues: tuple[Clue, ...], observations: Mapping[str, Observation]) -> tuple[Clue, ...]:
    """Return the clues that hold, the strongest first; equal ones in the order of the cause's file."""
    held = [clue for clue in clues if _all_hold((clue.sign, *clue.when), observations)]
    return tuple(sorted(held, key=lambda clue: -clue.weight))
