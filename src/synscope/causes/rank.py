"""Facts and the catalogue in, ranked findings out: the one generic ranker.

Every cause is evaluated alike and none is named here. The order of business:

1. A cause *stands* when it shows under a label of the target and nothing contradicts it.
2. A standing cause with a decisive set is *proven*. One is certain when it alone is proven, not counting
   the more general causes it refines; it rules out the look-alikes of the group that its proof is about,
   except those that refine it or that it refines (both can be true).
3. Without proof the best is likely if its score reaches ``LIKELY_AT``. What else stands is possible.
4. Warnings and notes do not compete: each is judged by itself.

Invariants: the result depends only on the facts (not on the order of the observations), at most one
failure is certain, what is contradicted is ruled out, and at most ``MOST_STANDING`` failures are not.
"""

from __future__ import annotations

from dataclasses import dataclass

from synscope.causes import look_alikes, reasons
from synscope.causes.catalogue import CATALOGUE
from synscope.causes.cause import Signs
from synscope.causes.evaluation import Evaluation, evaluate, evidence_of, labels_present, unanswered
from synscope.causes.placeholders import Placeholders, for_target
from synscope.model import Answer, Confidence, Evidence, Facts, Finding, Kind

LIKELY_AT = 40
"""The score from which the best cause is called likely."""

MOST_STANDING = 12
"""How many failures a target may have that are not ruled out; the least likely are left out."""

_KINDS = tuple(Kind)
_CONFIDENCES = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """An evaluation, how sure it is, and why."""

    evaluation: Evaluation
    confidence: Confidence
    reason: str
    excluded_by: Evaluation | None = None


def rank(facts: Facts) -> tuple[Finding, ...]:
    """Return the findings for one target, best first, those ruled out last.

    A target that works gets no finding of kind failure; notes and warnings it may get.
    """
    shown = [found for cause in CATALOGUE if (found := evaluate(cause, facts)) is not None]
    failures = [found for found in shown if found.cause.kind is Kind.FAILURE]
    asides = [found for found in shown if found.cause.kind is not Kind.FAILURE]
    judgements = _judge(failures, facts) + [_judge_alone(found, facts) for found in asides]
    placeholders = for_target(facts.summary)
    return tuple(
        _finding(judgement, judgements, facts, placeholders) for judgement in sorted(judgements, key=_place)
    )


def _place(judgement: _Judgement) -> tuple[bool, int, int, bool, int, str]:
    """Return where a judgement goes: standing before ruled out, then kind, confidence and score."""
    found = judgement.evaluation
    return (
        judgement.confidence is Confidence.RULED_OUT,
        _KINDS.index(found.cause.kind),
        _CONFIDENCES.index(judgement.confidence),
        *_rank_key(found),
    )


def _rank_key(found: Evaluation) -> tuple[bool, int, str]:
    return (not found.at_target_label, -found.score, found.cause.code)


def _judge(failures: list[Evaluation], facts: Facts) -> list[_Judgement]:
    """Compare the failures with each other."""
    observations = facts.observations
    standing = sorted((found for found in failures if not found.contradiction), key=_rank_key)
    judgements = [
        _Judgement(found, Confidence.RULED_OUT, reasons.contradicted(found, observations))
        for found in failures
        if found.contradiction
    ]
    proven = [
        found for found in standing if found.proof and found.at_target_label is standing[0].at_target_label
    ]
    deepest = [found for found in proven if not _refined_by_any(found, proven)]
    certain = deepest[0] if len(deepest) == 1 else None
    if certain is not None:
        out = [found for found in standing if found not in proven and _excludes(certain, found, facts)]
        judgements += [
            _Judgement(found, Confidence.RULED_OUT, reasons.excluded(certain), certain) for found in out
        ]
        standing = [certain, *(found for found in standing if found not in (*out, certain))]
    standing = _most(standing)
    best = certain or next((found for found in standing[:1] if found.score >= LIKELY_AT), None)
    for found in standing:
        if found is certain:
            judgement = _Judgement(found, Confidence.CERTAIN, reasons.proven(found, observations))
        elif found in proven and certain is not None:
            judgement = _Judgement(found, Confidence.LIKELY, reasons.proven_but_deeper(certain))
        elif found in proven:
            rivals = [other for other in proven if other is not found]
            judgement = _Judgement(found, Confidence.LIKELY, reasons.proven_but_disputed(rivals))
        elif found is best:
            alike = len(_alike(found, standing, facts))
            judgement = _Judgement(found, Confidence.LIKELY, reasons.best(found, alike, observations))
        else:
            judgement = _Judgement(found, Confidence.POSSIBLE, reasons.runner_up(found, best, observations))
        judgements.append(judgement)
    return judgements


def _most(standing: list[Evaluation]) -> list[Evaluation]:
    """Keep the best, then those that something speaks for, then the common ones; in their order."""
    worth = sorted(standing[1:], key=lambda found: (not (found.proof or found.support), *_rank_key(found)))
    kept = {found.cause.code for found in [*standing[:1], *worth[: MOST_STANDING - 1]]}
    return [found for found in standing if found.cause.code in kept]


def _judge_alone(found: Evaluation, facts: Facts) -> _Judgement:
    """Judge a warning or a note by its own evidence."""
    if found.contradiction:
        return _Judgement(found, Confidence.RULED_OUT, reasons.contradicted(found, facts.observations))
    if found.proof:
        return _Judgement(found, Confidence.CERTAIN, reasons.proven(found, facts.observations))
    confidence = Confidence.LIKELY if found.score >= LIKELY_AT else Confidence.POSSIBLE
    return _Judgement(found, confidence, reasons.best(found, 0, facts.observations))


def _refined_by_any(found: Evaluation, others: list[Evaluation]) -> bool:
    return any(found.cause.slug in other.cause.refines for other in others)


def _excludes(certain: Evaluation, found: Evaluation, facts: Facts) -> bool:
    """Whether the proof of ``certain`` leaves no room for ``found``."""
    related = certain.cause.slug in found.cause.refines or found.cause.slug in certain.cause.refines
    if related:
        return False
    groups = look_alikes.applying(labels_present(facts.summary), {sign.name for sign in certain.proof})
    return any({certain.cause.code, found.cause.code} <= set(group.codes) for group in groups)


def _alike(found: Evaluation, others: list[Evaluation], facts: Facts) -> list[Evaluation]:
    """Those of ``others`` that share with ``found`` a group whose sign was observed."""
    observed = {name for name, seen in facts.observations.items() if seen.answer is Answer.YES}
    groups = look_alikes.applying(labels_present(facts.summary), observed)
    codes = {code for group in groups if found.cause.code in group.codes for code in group.codes}
    return [other for other in others if other is not found and other.cause.code in codes]


def _finding(
    judgement: _Judgement, judgements: list[_Judgement], facts: Facts, placeholders: Placeholders
) -> Finding:
    found, cause = judgement.evaluation, judgement.evaluation.cause
    open_question = judgement.confidence in {Confidence.LIKELY, Confidence.POSSIBLE}
    standing = [other.evaluation for other in judgements if other.confidence is not Confidence.RULED_OUT]
    alike = _alike(found, standing, facts) if open_question else []
    support = tuple(clue.sign for clue in found.support)
    against = found.contradiction + tuple(clue.sign for clue in found.weakening)
    if judgement.excluded_by is not None:
        against += judgement.excluded_by.proof
    clue = next((clue.text for clue in found.support if clue.text), "")
    return Finding(
        code=cause.code,
        slug=cause.slug,
        kind=cause.kind,
        confidence=judgement.confidence,
        title=placeholders.fill(cause.title),
        summary=placeholders.fill(f"{cause.summary} {clue}".rstrip()),
        evidence=_evidence(found.proof + support + found.shown, facts),
        against=_evidence(against, facts),
        unknown=unanswered(cause, facts.observations) if open_question else (),
        reason=judgement.reason,
        checks=tuple(placeholders.fill_check(check) for check in cause.checks),
        fixes=tuple(placeholders.fill(fix) for fix in cause.fixes),
        decided_by=cause.decided_by,
        look_alikes=tuple(sorted(other.cause.code for other in alike)),
    )


def _evidence(signs: Signs, facts: Facts) -> tuple[Evidence, ...]:
    """One piece of evidence for each sign, each once, in their order."""
    return tuple(evidence_of(sign, facts.observations) for sign in dict.fromkeys(signs))
