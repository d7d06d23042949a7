"""What to do about a finding: the commands that decide, then the fixes.

Where several causes stand, the questions that separate them best say which command tells them apart and what each
result points to (``causes.deciding``); else the finding's own checks do. The reader's system first.
"""

from __future__ import annotations

from synscope.causes import catalogue, placeholders
from synscope.causes.deciding import Decider, deciders
from synscope.model import Answer, Check, Confidence, Finding, Kind, Source, TargetDiagnosis
from synscope.report.page import Look, Page, Span, glued
from synscope.report.wording import SYSTEMS, ordered_systems
from synscope.units import count

_DECIDERS_SHOWN = 1
_OUTCOMES_SHOWN = 2
_CHECKS_SHOWN = 1
_FIXES_SHOWN = 2


def show(page: Page, diagnosis: TargetDiagnosis, top: Finding) -> None:
    """Add what decides and what to do for the leading finding ``top`` of ``diagnosis``."""
    decided = _decide(page, diagnosis, top)
    _fixes(page, top, ambiguous=bool(decided))
    if not decided and (page.look.verbose or top.confidence is not Confidence.CERTAIN):
        _checks(page, top, system_of(diagnosis, page.look))
    if page.look.verbose:
        _runners_up(page, diagnosis, top, decided)


def _decide(page: Page, diagnosis: TargetDiagnosis, top: Finding) -> frozenset[str]:
    """Add the table that tells look-alikes apart; return the codes it names, none when there is none."""
    os = system_of(diagnosis, page.look)
    separating = open_deciders(diagnosis, top, page.look)
    if separating is None:
        return frozenset()
    others = count(len(top.look_alikes), "other cause")
    page.row(
        "Decide",
        f"{others} would look the same. What tells them apart{on_its_system(diagnosis, page.look)}:",
    )
    fill = placeholders.for_target(diagnosis.summary, diagnosis.facts.setting).fill
    shown = separating if page.look.verbose else separating[:_DECIDERS_SHOWN]
    named: set[str] = set()
    for decider, outcomes in shown:
        where = "" if decider.os in {os, "any"} else SYSTEMS[decider.os]
        page.command(f"  {where}" if where else "", fill(decider.command, decider.os))
        told = outcomes if page.look.verbose else outcomes[:_OUTCOMES_SHOWN]
        page.columns([_outcome(fill(result), code) for result, code in told], label="", shift=2)
        named.update(code for _, code in outcomes)
    return frozenset(named)


def open_deciders(
    diagnosis: TargetDiagnosis, top: Finding, look: Look
) -> list[tuple[Decider, list[tuple[str, str]]]] | None:
    """Return the commands that tell ``top`` from its look-alikes, each with what its results point to.

    Those for the reader's system, with a verbose look for the others after them; ``None`` where nothing is
    open or no question separates them.
    """
    if top.confidence is Confidence.CERTAIN or not top.look_alikes:
        return None
    if not look.verbose and top.confidence is Confidence.LIKELY and _is_looked_at(diagnosis):
        return None  # what the host had to say is in the evidence
    open_causes = [catalogue.by_code[code] for code in (top.code, *top.look_alikes)]
    found = deciders(open_causes, diagnosis.summary.label, diagnosis.facts.observations)
    os = system_of(diagnosis, look)
    return [
        (decider, list(decider.outcomes))
        for system in ((os, *_others(os)) if look.verbose else (os,))
        for decider in found
        if decider.os in ({system, "any"} if system == os else {system})
    ] or None


def _is_looked_at(diagnosis: TargetDiagnosis) -> bool:
    """Whether somebody looked at the host as well: then it is not for the reader to begin with that."""
    return any(
        seen.source is Source.HOST and seen.answer is not Answer.UNKNOWN
        for seen in diagnosis.facts.observations.values()
    )


def system_of(diagnosis: TargetDiagnosis, look: Look) -> str:
    """Return the system whose commands come first: that of the capture where it is known, else the reader's."""
    return diagnosis.facts.setting.system or look.os


def on_its_system(diagnosis: TargetDiagnosis, look: Look) -> str:
    """Return where the commands are to be run, where that is another system than the reader's."""
    system = system_of(diagnosis, look)
    return "" if system == look.os else f", on {SYSTEMS[system]}"


def _others(os: str) -> tuple[str, ...]:
    return tuple(name for name in ordered_systems(os) if name not in {os, "any"})


def _outcome(result: str, code: str) -> tuple[Span, ...]:
    cause = catalogue.by_code.get(code)
    return (result, glued(f"→ {code} {cause.slug}" if cause is not None else f"→ {code}"))


def _fixes(page: Page, top: Finding, *, ambiguous: bool) -> None:
    most = 1 if ambiguous else _FIXES_SHOWN
    fixes = top.fixes if page.look.verbose else top.fixes[:most]
    label = f"If {top.code}" if ambiguous else "Do"
    for at, fix in enumerate(fixes):
        page.row(label if at == 0 else "", fix)


def _checks(page: Page, top: Finding, os: str) -> None:
    here = [check for check in top.checks if check.os in {os, "any"}]
    elsewhere = [check for check in top.checks if check.os not in {os, "any"}]
    shown = [*here, *elsewhere] if page.look.verbose else here[:_CHECKS_SHOWN]
    for at, item in enumerate(shown):
        _check(page, item, "Check" if at == 0 else "", os)


def _check(page: Page, item: Check, label: str, os: str) -> None:
    """Add a command and, below it, what its result means."""
    if page.look.verbose and item.os not in {os, "any"}:
        label = f"  {SYSTEMS.get(item.os, item.os)}"
    page.command(label, item.command)
    page.row("", f"  {item.expect}: {item.then}", hang=2)


def _runners_up(page: Page, diagnosis: TargetDiagnosis, top: Finding, decided: frozenset[str]) -> None:
    """Add all causes that remain possible and that no table above has named."""
    rest = [
        item
        for item in diagnosis.findings
        if item.kind is Kind.FAILURE
        and item.confidence is not Confidence.RULED_OUT
        and item is not top
        and item.code not in decided
    ]
    for at, item in enumerate(rest):
        name = glued(f"{item.code} {item.slug}")
        words: tuple[Span, ...] = (name, (f" ({item.confidence.value})", "dim"), f": {item.reason}")
        page.row("Also possible" if at == 0 else "", *words, hang=2)
