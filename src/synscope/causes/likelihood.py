"""What the four words of a prediction mean in numbers, and how much an answer speaks for a cause.

An answer speaks for a cause as far as the cause predicts it better than what is usual: the factor is the
probability that the word gives divided by the question's background rate (``background``, measured on the corpus
of played failures, by label). Signs that are ways of showing the same thing count once, by the most telling of those
that hold. Where none holds and some of them nobody could tell, the denial counts for the part that was looked for.
Packets deny nothing that lies behind the stages of the label: a connection that did not get there cannot show it.
Nothing here was tuned: the numbers of the words are round ones, and any near them rank alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.causes.background import rate
from synscope.causes.cause import Prediction, Sign, Word
from synscope.evidence.brackets import BRACKETS, STAGES
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Label, Observation, Source

PROBABILITY: Final[Mapping[Word, float]] = MappingProxyType(
    {Word.ALWAYS: 0.97, Word.USUALLY: 0.75, Word.SELDOM: 0.06, Word.NEVER: 0.005},
)
"""How often a sign is there when the cause is."""

EXPECTING: Final = frozenset({Word.ALWAYS, Word.USUALLY})
"""The words of a cause that expects a sign."""

_OF_PACKETS: Final = frozenset({Source.PACKETS, Source.PAYLOAD})

LEAST_AGAINST: Final = 1.1
"""A sign that is there although the cause seldom shows it speaks against it at least so much: one to three."""

LARGEST: Final = 4.0
"""The logarithm of a factor is cut off here: no single answer outweighs everything else."""


class Factor(NamedTuple):
    """How much one prediction moved a cause."""

    prediction: Prediction
    holding: tuple[Sign, ...]
    """The signs that hold; none when all that were looked for are denied."""
    told: tuple[Sign, ...]
    """The signs that somebody looked for and could tell."""
    weight: float
    """The natural logarithm of the factor; above 0 it speaks for the cause."""

    @property
    def is_denied(self) -> bool:
        """Whether somebody looked for every one of the signs, and none is there."""
        return not self.holding and len(self.told) == len(self.prediction.signs)


def factor(prediction: Prediction, label: Label, observations: Mapping[str, Observation]) -> Factor | None:
    """Return what the answers make of a prediction, ``None`` where nobody could tell."""
    told = tuple(
        sign
        for sign in prediction.signs
        if is_told(sign, observations) and not _is_out_of_sight(sign, label, observations)
    )
    if not told:
        return None
    holding = tuple(sign for sign in told if holds(sign, observations))
    probability = PROBABILITY[prediction.word]
    if holding:
        weight = max(math.log(probability / _usual(sign, label)) for sign in holding)
    else:
        # It may show in a way that nobody looked for.
        looked_for = len(told) / len(prediction.signs)
        none_usually = math.prod(1 - _usual(sign, label) for sign in told)
        weight = math.log((1 - probability * looked_for) / max(none_usually, 1e-3))
    return Factor(prediction, holding, told, _directed(weight, prediction.word, holds=bool(holding)))


def _directed(weight: float, word: Word, *, holds: bool) -> float:
    """Bound a weight. What a cause expects never speaks against it, and what it does not expect never for it."""
    if (word in EXPECTING) is holds:
        return max(0.0, min(LARGEST, weight))
    most = -LEAST_AGAINST if holds else 0.0
    return max(-LARGEST, min(most, weight))


def _is_out_of_sight(sign: Sign, label: Label, observations: Mapping[str, Observation]) -> bool:
    """Whether the packets say no of what happens only behind the stages at which the label stops."""
    if observations[sign.name].answer is not Answer.NO:
        return False
    asked, bracket = QUESTIONS[sign.name], BRACKETS[label]
    if asked.stage is None or not bracket or asked.source not in _OF_PACKETS:
        return False
    return STAGES.index(asked.stage) > STAGES.index(bracket[-1])


def _usual(sign: Sign, label: Label) -> float:
    yes = rate(sign.name, label)
    return yes if sign.answer is Answer.YES else 1 - yes


def holds(sign: Sign, observations: Mapping[str, Observation]) -> bool:
    """Return whether somebody looked for ``sign`` and gave the answer that it wants."""
    observation = observations.get(sign.name)
    return observation is not None and observation.answer is sign.answer


def is_told(sign: Sign, observations: Mapping[str, Observation]) -> bool:
    """Return whether somebody looked for ``sign`` and could tell."""
    observation = observations.get(sign.name)
    return observation is not None and observation.answer is not Answer.UNKNOWN
