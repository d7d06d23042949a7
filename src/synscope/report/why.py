"""How the order of the causes was computed: every candidate with its prior, the factor of each answer, and the sum.

Input: the targets of a diagnosis. Output: rows on a ``Page``. The numbers are natural logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synscope.causes.cause import Sign
from synscope.causes.likelihood import Factor
from synscope.causes.rank import Placed, place
from synscope.evidence.path import path_of
from synscope.model import Confidence, Facts, Kind, TargetDiagnosis
from synscope.report.page import Page, glued
from synscope.units import count, listed

_ALL: Final = 99


def show(page: Page, targets: Sequence[TargetDiagnosis]) -> None:
    """Add for each target how the order of its causes was computed."""
    for target in targets:
        placed = place(target.facts)
        page.blank()
        stages = [stage.value for stage in path_of(target.facts).possible]
        where = (
            f"it may have stopped at {listed(stages, most=_ALL)}"
            if stages
            else "nothing says that it stopped"
        )
        page.row(
            "Why this order", f"{target.summary.target.text}: {where}; {count(len(placed), 'candidate')}"
        )
        page.row(
            "",
            (
                "A number above 0 speaks for a cause; 0.7 doubles its probability, 2.3 makes it ten times.",
                "dim",
            ),
        )
        for each in placed:
            _candidate(page, each, target.facts)


def _candidate(page: Page, placed: Placed, facts: Facts) -> None:
    candidate = placed.candidate
    cause = candidate.cause
    sure = placed.confidence.value if placed.is_named else "left out"
    rival = cause.kind is Kind.FAILURE and placed.confidence is not Confidence.RULED_OUT
    share = f", {100 * placed.probability:.1f} %" if rival else ""
    page.row("", (glued(f"{cause.code} {cause.slug}"), "head"), f" · {sure}{share}", hang=2)
    page.row("", f"  {placed.reason}", hang=2)
    if candidate.stages:
        stages = listed([stage.value for stage, _ in candidate.stages], most=_ALL)
        page.row(
            "", f"  sum {candidate.score:+.2f} = prior {candidate.prior:+.2f} ({stages}) and these:", hang=2
        )
    for factor in candidate.factors:
        page.row(
            "", f"  {factor.weight:+.2f}  {factor.prediction.word.value}: {_answered(factor, facts)}", hang=4
        )
    for name, signs in (("shows by", candidate.shown), ("proof", candidate.proof)):
        if signs:
            page.row("", f"  {name}: {', '.join(map(str, signs))}", hang=4)
    if candidate.contradiction:
        page.row(
            "",
            f"  contradicted by: {'; '.join(_quoted(sign, facts) for sign in candidate.contradiction)}",
            hang=4,
        )


def _answered(factor: Factor, facts: Facts) -> str:
    if factor.holding:
        return "; ".join(_quoted(sign, facts) for sign in factor.holding)
    return f"none of {', '.join(map(str, factor.told))}"


def _quoted(sign: Sign, facts: Facts) -> str:
    text = facts.observations[sign.name].text
    return f"{sign} ({text})" if text else str(sign)
