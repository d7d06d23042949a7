"""Facts and the catalogue in, ranked findings out: the one generic ranker.

Every cause is treated alike and none is named here. The order of business:

1. ``evidence.path`` says at which stages the connection may have stopped. A cause is a *candidate* when it stops one
   of them and what it shows by is not denied. It is *ruled out* when an answer contradicts it: what it predicts
   ``always`` is denied, or what it ``never`` shows is there.
2. Its place is computed: the prior of its stages and of the cause there (``priors``), times the factor of each of its
   predictions that was answered (``likelihood``). ``Candidate`` holds the computation, which ``--why`` prints.
3. A special cause that something of its own speaks for comes before the general one that it refines: the most
   specific thing that is known is the answer.
4. A cause is *certain* when a set of its proof holds, nothing that is proven contradicts it, and no special reason
   that refines it has evidence of its own. Never by its probability. *Likely* is the best of the others where the
   probability, its general and special reasons taken together, reaches ``LIKELY_AT``. What else stands is possible.
5. Warnings and notes do not compete: each is judged by itself.

Invariants: the result depends only on the facts (not on the order of the observations), at most one failure is
certain, what is contradicted is ruled out, and at most ``MOST_STANDING`` failures are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from synscope.causes import deciding, fitting, reasons
from synscope.causes.catalogue import CATALOGUE
from synscope.causes.cause import Cause, Sign, Signs, Word
from synscope.causes.likelihood import Factor, factor, holds, is_told
from synscope.causes.placeholders import Placeholders, for_target
from synscope.causes.priors import PRIORS, STAGES
from synscope.causes.stages import stage_factors
from synscope.causes.wording import words_of
from synscope.evidence.path import SHOWN_BY, bracket, never_sent
from synscope.model import (
    FAILURES,
    Answer,
    Confidence,
    Facts,
    Finding,
    Kind,
    Label,
    Observation,
    Stage,
)

LIKELY_AT: Final = 0.5
"""The probability from which the best cause, with those that it refines and that refine it, is called likely."""

MOST_STANDING: Final = 12
"""How many failures a target may have that are not ruled out; the least likely are left out, but for what is
proven and for what points to a special reason of the leading one."""

LEAST_SHARE: Final = 0.025
"""Causes less probable than this part of the best one are left out, beyond the first ``FEWEST``."""
FEWEST: Final = 4
FEWEST_BESIDE_PROOF: Final = 3
"""So many are named at least where the first one is proven."""

SPECIAL_FROM: Final = 1.1
"""The logarithm from which a special cause's own evidence puts it before its general one: three to one."""

_KINDS: Final = tuple(Kind)
_CONFIDENCES: Final = tuple(Confidence)
_UNEXPECTED: Final = frozenset({Word.SELDOM, Word.NEVER})

Observations = Mapping[str, Observation]
Priors = Mapping[str, Mapping[Stage, int]]
Brackets = tuple[tuple[Label, Mapping[Stage, float]], ...]
"""The stages of each label that is there, the target's own first, with the logarithm of what answers make of them."""


class Candidate(NamedTuple):
    """A cause that may be the reason, and the computation of its place."""

    cause: Cause
    label: Label
    at_target_label: bool
    """False when it explains only attempts that ended better than the target's label says."""
    stages: tuple[tuple[Stage, float], ...]
    """The stages of the bracket at which it stops, each with the logarithm of its prior there."""
    factors: tuple[Factor, ...]
    shown: Signs
    """The signs by which it shows that hold."""
    contradiction: Signs
    """What rules it out; empty when nothing does."""
    proof: Signs
    """The set of its proof that holds; empty when none does."""

    @property
    def prior(self) -> float:
        """The logarithm of its prior."""
        return _sum_of_exponentials([weight for _, weight in self.stages])

    @property
    def own(self) -> float:
        """The logarithm of what its own predictions make of the answers."""
        return sum(each.weight for each in self.factors)

    def own_beside(self, general: Candidate) -> float:
        """The same without what speaks for ``general`` as well as for this one: that does not tell the two apart."""
        shared = set(general.support)
        return sum(
            each.weight
            for each in self.factors
            if each.weight < 0 or not each.holding or set(each.holding) - shared
        )

    @property
    def score(self) -> float:
        """The logarithm of prior times factors; comparable between the candidates of a target."""
        return self.prior + self.own

    @property
    def support(self) -> Signs:
        """The signs that speak for it, the most telling first."""
        return tuple(sign for each in self._sorted(1) for sign in each.holding)

    @property
    def expected(self) -> Signs:
        """The signs that hold and that it shows as a rule, whether or not they tell it from others."""
        holding = (each for each in self.factors if each.prediction.word not in _UNEXPECTED)
        return tuple(sign for each in sorted(holding, key=lambda each: -each.weight) for sign in each.holding)

    @property
    def weakening(self) -> Signs:
        """The signs that hold although it seldom shows them, the most telling first."""
        return tuple(
            sign for each in self._sorted(-1) if each.prediction.word in _UNEXPECTED for sign in each.holding
        )

    def _sorted(self, direction: int) -> list[Factor]:
        speaking = [each for each in self.factors if each.weight * direction > 0]
        return sorted(speaking, key=lambda each: -abs(each.weight))


class Placed(NamedTuple):
    """A candidate, its probability among those that stand, how sure it is, and why."""

    candidate: Candidate
    probability: float
    confidence: Confidence
    reason: str
    is_named: bool = True
    """False where it stands and is so much less probable than the best that the report leaves it out."""


def rank(
    facts: Facts, catalogue: Sequence[Cause] = CATALOGUE, priors: Priors = PRIORS
) -> tuple[Finding, ...]:
    """Return the findings for one target, best first, those ruled out last.

    A target that works gets no finding of kind failure; notes and warnings it may get.
    """
    placed = [each for each in place(facts, catalogue, priors) if each.is_named]
    placeholders = for_target(facts.summary, facts.setting)
    standing = [each.candidate for each in placed if each.confidence is not Confidence.RULED_OUT]
    return tuple(_finding(each, standing, facts, placeholders) for each in placed)


def place(
    facts: Facts, catalogue: Sequence[Cause] = CATALOGUE, priors: Priors = PRIORS
) -> tuple[Placed, ...]:
    """Return every candidate for one target with its place, best first, those ruled out last."""
    brackets = _brackets(facts)
    found = (_candidate(cause, facts, brackets, priors) for cause in catalogue)
    candidates = [each for each in found if each is not None]
    failures = [each for each in candidates if each.cause.kind is Kind.FAILURE]
    asides = [each for each in candidates if each.cause.kind is not Kind.FAILURE]
    placed = _compare(failures, facts) + [_judge_alone(each, facts) for each in asides]
    kinds = {id(each): _KINDS.index(each.candidate.cause.kind) for each in placed}
    # Stable: failures stay in the order in which they were compared.
    return tuple(
        sorted(placed, key=lambda each: (each.confidence is Confidence.RULED_OUT, kinds[id(each)])),
    )


# -- candidates ---------------------------------------------------------------------------------------


def _brackets(facts: Facts) -> Brackets:
    """Return the stages at which each label may have stopped, and what the answers make of them."""
    observations = facts.observations
    return tuple(
        (label, {stage: stage_factors(stage, label, observations) for stage in bracket(label, observations)})
        for label in labels_present(facts)
    )


def _candidate(cause: Cause, facts: Facts, brackets: Brackets, priors: Priors) -> Candidate | None:
    """Return the cause as a candidate under the first label of the target at which it can stop a connection."""
    observations = facts.observations
    shown = _shown(cause, observations)
    if shown is None:
        return None
    if cause.kind is not Kind.FAILURE:
        return _made(cause, facts, facts.summary.label, (), shown)
    for label, stages in brackets:
        own = _stages(cause, label, stages, priors)
        if own:
            return _made(cause, facts, label, own, shown)
    return None


def _made(
    cause: Cause,
    facts: Facts,
    label: Label,
    stages: tuple[tuple[Stage, float], ...],
    shown: Signs,
) -> Candidate:
    observations = facts.observations
    found = [factor(prediction, label, observations) for prediction in cause.predicts]
    factors = tuple(each for each in found if each is not None)
    return Candidate(
        cause=cause,
        label=label,
        at_target_label=label is facts.summary.label or _is_worse(label, facts),
        stages=stages,
        factors=factors,
        shown=shown,
        contradiction=_contradiction(factors),
        proof=_proof(cause, observations),
    )


def _proof(cause: Cause, observations: Observations) -> Signs:
    """Return the set of the cause's proof that holds; none where something casts doubt on it."""
    if any(holds(sign, observations) for sign in cause.doubted_by):
        return ()
    return next((group for group in cause.proof if all(holds(sign, observations) for sign in group)), ())


def _is_worse(label: Label, facts: Facts) -> bool:
    """Whether tries with a label failed, and the target's own label is that of tries which did not."""
    return (
        label is Label.CLIENT_NEVER_SENT
        and facts.summary.label is Label.COMPLETED
        and not bracket(Label.COMPLETED, facts.observations)
    )


def _shown(cause: Cause, observations: Observations) -> Signs | None:
    """Return the signs by which the cause shows, ``None`` where somebody looked for all of a set in vain.

    What nobody looked for may be there: a failure is considered all the same. A remark needs a sign that holds.
    """
    found: list[Sign] = []
    for group in cause.shows_by:
        holding = [sign for sign in group if holds(sign, observations)]
        if not holding and (
            cause.kind is not Kind.FAILURE or all(is_told(sign, observations) for sign in group)
        ):
            return None
        found += holding
    return tuple(dict.fromkeys(found))


def _stages(
    cause: Cause, label: Label, stages: Mapping[Stage, float], priors: Priors
) -> tuple[tuple[Stage, float], ...]:
    """Return where in the label's bracket the cause stops a connection, with the logarithm of each prior."""
    usual = priors[cause.code]
    return tuple(
        (stage, _logarithm(STAGES[label][stage] * usual[stage]) + weight)
        for stage, weight in stages.items()
        if stage in cause.stops
    )


def _contradiction(factors: Iterable[Factor]) -> Signs:
    """Return the signs that rule a cause out: what it always shows is denied, what it never shows is there."""
    found: list[Sign] = []
    for each in factors:
        if each.prediction.word is Word.NEVER:
            found += each.holding
        elif each.prediction.word is Word.ALWAYS and each.is_denied:
            found += [_denied(sign) for sign in each.prediction.signs]
    return tuple(found)


def _denied(sign: Sign) -> Sign:
    return Sign(sign.name, Answer.NO if sign.answer is Answer.YES else Answer.YES)


# -- comparison ---------------------------------------------------------------------------------------


def _compare(failures: list[Candidate], facts: Facts) -> list[Placed]:
    """Put the failures in their order and say how sure each is."""
    observations = facts.observations
    out = [
        Placed(each, 0.0, Confidence.RULED_OUT, reasons.contradicted(each.contradiction, observations))
        for each in sorted(failures, key=_order)
        if each.contradiction
    ]
    standing = sorted((each for each in failures if not each.contradiction), key=_order)
    if not standing:
        return out
    probability = _probabilities(standing)
    leading = _leading(standing)
    everything = [leading, *(each for each in standing if each is not leading)]
    standing = _most(everything)
    family = sum(
        probability[each.cause.code] for each in standing if each is leading or related(each, leading)
    )
    placed = []
    for each in standing:
        confidence = _confidence(each, leading, standing, family)
        reason = reasons.place(each, leading, confidence, standing, observations)
        placed.append(Placed(each, probability[each.cause.code], confidence, reason))
    placed.sort(key=lambda each: _CONFIDENCES.index(each.confidence))
    left_out = [
        Placed(
            each, probability[each.cause.code], Confidence.POSSIBLE, reasons.left_out(leading), is_named=False
        )
        for each in everything
        if each not in standing
    ]
    return placed + left_out + out


def _order(candidate: Candidate) -> tuple[bool, float, str]:
    return (not candidate.at_target_label, -candidate.score, candidate.cause.code)


def _leading(standing: Sequence[Candidate]) -> Candidate:
    """Return the most specific cause that is known: proven ones first, special ones before their general ones."""
    worst = [each for each in standing if each.at_target_label is standing[0].at_target_label]
    deepest = _deepest([each for each in worst if each.proof])
    leading = deepest[0] if deepest else worst[0]
    while special := _specials(leading, worst):
        leading = special[0]
    return leading


def _specials(general: Candidate, standing: Sequence[Candidate]) -> list[Candidate]:
    """Return the causes that refine another and that something of their own speaks for, best first."""
    return [
        each
        for each in standing
        if general.cause.slug in each.cause.refines
        and (each.shown or not each.cause.shows_by)
        and each.own_beside(general) >= SPECIAL_FROM
        and (each.proof or not general.proof or each.support)
    ]


def _deepest(proven: Sequence[Candidate]) -> list[Candidate]:
    """Return the proven causes that no other proven one refines."""
    return [each for each in proven if not any(each.cause.slug in other.cause.refines for other in proven)]


def _confidence(
    candidate: Candidate,
    leading: Candidate,
    standing: Sequence[Candidate],
    family: float,
) -> Confidence:
    if candidate is leading:
        proven = [each for each in standing if each.proof]
        rivals = [each for each in _deepest(proven) if each is not candidate and not related(each, candidate)]
        if candidate.proof and not rivals:
            return Confidence.CERTAIN
        if candidate.proof or family >= LIKELY_AT:
            return Confidence.LIKELY
        return Confidence.POSSIBLE
    return Confidence.LIKELY if candidate.proof and candidate.at_target_label else Confidence.POSSIBLE


def related(one: Candidate, other: Candidate) -> bool:
    """Whether one of two causes refines the other, so that both can be true."""
    return one.cause.slug in other.cause.refines or other.cause.slug in one.cause.refines


def _probabilities(standing: Sequence[Candidate]) -> dict[str, float]:
    """Return the share of each candidate, by code."""
    best = max(each.score for each in standing)
    weights = {each.cause.code: math.exp(each.score - best) for each in standing}
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()}


def _most(standing: list[Candidate]) -> list[Candidate]:
    """Keep the leading cause and those that are not far behind the best, or that something of their own points to.

    Where the leading one is proven, only a few others are worth a look: those of its family, and what is proven too.
    """
    leading, best = standing[0], max(each.score for each in standing)
    kept = [
        each
        for at, each in enumerate(standing)
        if at < FEWEST or each.proof or _is_worth_a_look(each, leading, best)
    ]
    if leading.proof:
        kept = [
            each
            for at, each in enumerate(kept)
            if at < FEWEST_BESIDE_PROOF or each.proof or related(each, leading)
        ]
    return _as_many_as_fit(kept)


def _as_many_as_fit(kept: list[Candidate]) -> list[Candidate]:
    """Cut what is too much from the end, but what points to a special reason of the leading one stays."""
    over = max(0, len(kept) - MOST_STANDING)
    others = [each for each in kept[FEWEST:] if not each.proof and not _is_pointed_to(each, kept[0])]
    left_out = {id(each) for each in others[len(others) - min(over, len(others)) :]}
    return [each for each in kept if id(each) not in left_out][:MOST_STANDING]


def _is_worth_a_look(candidate: Candidate, leading: Candidate, best: float) -> bool:
    if math.exp(candidate.score - best) >= LEAST_SHARE or candidate.own >= SPECIAL_FROM:
        return True
    return _is_pointed_to(candidate, leading)


def _is_pointed_to(candidate: Candidate, leading: Candidate) -> bool:
    return bool(candidate.shown) and leading.cause.slug in candidate.cause.refines


def _judge_alone(candidate: Candidate, facts: Facts) -> Placed:
    """Judge a warning or a note by its own evidence."""
    observations = facts.observations
    if candidate.contradiction:
        reason = reasons.contradicted(candidate.contradiction, observations)
        return Placed(candidate, 0.0, Confidence.RULED_OUT, reason)
    if candidate.proof:
        return Placed(candidate, 1.0, Confidence.CERTAIN, reasons.proven(candidate.proof, observations))
    return Placed(candidate, 1.0, Confidence.LIKELY, reasons.shows(candidate.shown, observations))


# -- findings -----------------------------------------------------------------------------------------


def _finding(
    placed: Placed,
    standing: Sequence[Candidate],
    facts: Facts,
    placeholders: Placeholders,
) -> Finding:
    candidate, cause = placed.candidate, placed.candidate.cause
    observations = facts.observations
    open_question = placed.confidence in {Confidence.LIKELY, Confidence.POSSIBLE}
    alike = deciding.look_alikes(candidate, standing) if open_question else ()
    words = words_of(cause, observations, placeholders)
    seen = tuple(sign for sign in map(Sign, SHOWN_BY[candidate.label]) if holds(sign, observations))
    supporting = candidate.proof + candidate.support + candidate.shown + candidate.expected
    if cause.kind is Kind.FAILURE:
        supporting += seen
    against = candidate.contradiction + candidate.weakening
    return Finding(
        code=cause.code,
        slug=cause.slug,
        kind=cause.kind,
        confidence=placed.confidence,
        title=words.title,
        summary=words.summary,
        evidence=tuple(reasons.evidence_of(sign, observations) for sign in dict.fromkeys(supporting)),
        against=tuple(reasons.evidence_of(sign, observations) for sign in dict.fromkeys(against)),
        unknown=reasons.unanswered(cause, observations) if open_question else (),
        reason=placed.reason,
        checks=tuple(
            placeholders.fill_check(check)
            for check in fitting.checks(cause.checks, facts.setting, observations)
        ),
        fixes=(
            *words.fixes,
            *(
                placeholders.fill(fix, facts.setting.system or "linux")
                for fix in fitting.fixes(cause.fixes, facts.setting, observations, is_named=bool(words.fixes))
            ),
        ),
        decided_by=cause.decided_by,
        look_alikes=tuple(sorted(other.cause.code for other in alike)),
    )


# -- small pieces -------------------------------------------------------------------------------------


def labels_present(facts: Facts) -> tuple[Label, ...]:
    """Return the target's label, then the others that its attempts have, in their fixed order.

    A failure that the client got over at another address is none. A try that is known to have sent nothing, by the
    kernel's word or the client's, was never sent, whatever other attempts did.
    """
    summary = facts.summary
    present = {group.label for group in summary.groups if group.failed or group.label not in FAILURES}
    if never_sent(facts.observations):
        present.add(Label.CLIENT_NEVER_SENT)
    return (summary.label, *(label for label in Label if label is not summary.label and label in present))


def _logarithm(number: float) -> float:
    return math.log(max(number, 1e-6))


def _sum_of_exponentials(weights: Sequence[float]) -> float:
    if not weights:
        return 0.0
    best = max(weights)
    return best + math.log(sum(math.exp(weight - best) for weight in weights))
