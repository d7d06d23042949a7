"""What would decide between the causes that stand: computed from what they predict, not kept in a list.

A question that nobody could answer here separates two candidates as far as they predict different answers to it.
The commands whose questions separate the standing candidates best are what a person runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.causes.background import rate
from synscope.causes.cause import Cause, Sign, Word
from synscope.causes.likelihood import PROBABILITY, is_told
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Kind, Label, Observation

if TYPE_CHECKING:
    from synscope.causes.rank import Candidate

MOST_QUESTIONS: Final = 3
TELLING: Final = (0.2, 0.04)
"""How much more often than usual a cause expects a yes that points to it: the second where none reaches the first."""


class Decider(NamedTuple):
    """A command for one system, and what its results mean."""

    os: str
    """``linux``, ``macos``, ``windows`` or ``any``."""
    command: str
    outcomes: tuple[tuple[str, str], ...]
    """(what is found, code of the cause that this points to), most telling first."""


def look_alikes(candidate: Candidate, standing: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the standing failures that could be true in place of a candidate, the best first."""
    return tuple(
        each for each in standing if each is not candidate and each.cause.kind is candidate.cause.kind
    )


def neighbours(cause: Cause) -> tuple[str, ...]:
    """Return the codes of the other failures that stop a connection where this one first does, in order."""
    from synscope.causes.catalogue import CATALOGUE  # noqa: PLC0415 - which holds the causes that this is asked of

    if not cause.stops or cause.kind is not Kind.FAILURE:
        return ()
    return tuple(
        other.code
        for other in CATALOGUE
        if other is not cause and other.kind is Kind.FAILURE and cause.stops[0] in other.stops
    )


def deciders(
    causes: Sequence[Cause],
    label: Label,
    observations: Mapping[str, Observation],
) -> tuple[Decider, ...]:
    """Return the commands that separate ``causes`` best, at most ``MOST_QUESTIONS`` for each system.

    ``causes`` are those that stand, the best first. Only questions are asked that nobody could answer here.
    """
    open_names = {
        name
        for cause in causes
        for name in cause.names
        if QUESTIONS[name].by_hand and not is_told(Sign(name), observations)
    }
    separation = {name: _separation(name, causes, label) for name in open_names}
    pointed = {
        name: max(causes, key=lambda cause: _expected(cause, name, label))
        for name in sorted(open_names, key=lambda name: (-separation[name], name))
        if separation[name] > 0
    }
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    worth: dict[tuple[str, str], float] = {}
    for name in _telling(pointed, label):
        asked = QUESTIONS[name]
        for by_hand in asked.by_hand:
            command = (by_hand.os, by_hand.command)
            outcomes = found.setdefault(command, [])
            worth[command] = worth.get(command, 0) + separation[name]
            if (asked.meaning, pointed[name].code) not in outcomes:
                outcomes.append((asked.meaning, pointed[name].code))
    counted: dict[str, int] = {}
    chosen = []
    # One command that answers several questions is worth more than each of them.
    for command in sorted(found, key=lambda command: -worth[command]):
        system = command[0]
        counted[system] = counted.get(system, 0) + 1
        if counted[system] <= MOST_QUESTIONS:
            chosen.append(Decider(*command, tuple(found[command])))
    return tuple(chosen)


def _telling(pointed: Mapping[str, Cause], label: Label) -> list[str]:
    """Return the questions whose yes points to its cause clearly; where none does so, those that do at all."""
    gained = {name: _expected(cause, name, label) - rate(name, label) for name, cause in pointed.items()}
    for least in TELLING:
        if telling := [name for name, gain in gained.items() if gain >= least]:
            return telling
    return []


def _separation(name: str, causes: Sequence[Cause], label: Label) -> float:
    """Return how far apart the causes' expectations of a yes are, the best cause counting most."""
    weights = [1 / (place + 1) for place in range(len(causes))]
    total = sum(weights)
    expected = [_expected(cause, name, label) for cause in causes]
    mean = sum(weight * each for weight, each in zip(weights, expected, strict=True)) / total
    between = sum(weight * _entropy(each) for weight, each in zip(weights, expected, strict=True)) / total
    return round(_entropy(mean) - between, 6)


def _expected(cause: Cause, name: str, label: Label) -> float:
    """Return how probable a yes is if the cause is the reason."""
    for prediction in cause.predicts:
        for sign in prediction.signs:
            if sign.name == name:
                alternatives = len(prediction.signs)
                probability = PROBABILITY[prediction.word]
                if prediction.word in {Word.ALWAYS, Word.USUALLY} and alternatives > 1:
                    probability = max(probability / alternatives, min(0.9, rate(name, label) * 2))
                return probability if sign.answer is Answer.YES else 1 - probability
    return rate(name, label)


def _entropy(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return -(inside * math.log2(inside) + (1 - inside) * math.log2(1 - inside))
