"""What is shown of one target: the answer, what happened, why, what to do, what it is not.

Input: a ``TargetDiagnosis`` and a ``Look``. Output: plain values for the templates, in the words of the terminal's
report. How much is shown is bounded, and what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from synscope.causes import catalogue, placeholders
from synscope.causes.deciding import Decider
from synscope.model import Check, Confidence, Evidence, Finding, Kind, Label, Source, TargetDiagnosis
from synscope.report import advice, display_filter, target_view
from synscope.report.html import ladder_drawing, path_drawing
from synscope.report.html.collected import LabelledLines, StyledLine, pieces, recorded
from synscope.report.html.palette import PAINTS
from synscope.report.labels_text import LABEL_TEXTS, LabelText
from synscope.report.page import Look
from synscope.report.wording import SYSTEMS, frames_text
from synscope.units import count

_WAYS: Final = 12
_LADDERS: Final = 3
"""Attempts of a group that are drawn."""
_RULED_OUT: Final = "Ruled out: "


class ShownEvidence(NamedTuple):
    """A piece of evidence."""

    source: str
    text: str
    frames: str


class ShownGroup(NamedTuple):
    """Attempts to one address that ended alike."""

    number: int
    label: Label
    outcome: str
    meaning: str
    server: str
    ladders: tuple[ladder_drawing.LadderDrawing, ...]
    more: str

    @property
    def paint(self) -> str:
        """The name of its colour and shape."""
        return PAINTS[self.label].name


class CommandResult(NamedTuple):
    """What a command may print, and what that means."""

    text: str
    means: str
    code: str = ""


class CommandToRun(NamedTuple):
    """A command to run, on which system, and what its results mean."""

    system: str
    here: bool
    """Whether it is for the reader's system."""
    command: str
    results: tuple[CommandResult, ...]


class OtherCause(NamedTuple):
    """A cause that is not the answer."""

    names: tuple[str, ...]
    confidence: str
    reason: str


class Aside(NamedTuple):
    """A warning or a note."""

    kind: str
    title: str
    sure: str
    summary: str
    evidence: tuple[ShownEvidence, ...]


class ShownTarget(NamedTuple):
    """All that is shown of a target."""

    name: str
    label: Label
    style: str
    state: str
    """In a few words, where no finding calls it a failure."""
    top: Finding | None
    summary: str
    text: LabelText
    overview: StyledLine
    ways: tuple[ShownGroup, ...]
    more_ways: str
    rows: tuple[LabelledLines, ...]
    path: path_drawing.ShownPath | None = None
    evidence: tuple[ShownEvidence, ...] = ()
    against: tuple[ShownEvidence, ...] = ()
    filter: str = ""
    undecided: str = ""
    """That the packets leave other causes, and how many."""
    asks: tuple[CommandToRun, ...] = ()
    possible: tuple[OtherCause, ...] = ()
    ruled_out: tuple[OtherCause, ...] = ()
    asides: tuple[Aside, ...] = ()

    @property
    def paint(self) -> str:
        """The name of its colour and shape."""
        return PAINTS[self.label].name

    @property
    def heading(self) -> str:
        """The answer."""
        return self.state[:1].upper() + self.state[1:] if self.top is None else self.top.title

    @property
    def asks_here(self) -> tuple[CommandToRun, ...]:
        """What to run on the reader's system."""
        return tuple(ask for ask in self.asks if ask.here)

    @property
    def asks_elsewhere(self) -> tuple[CommandToRun, ...]:
        """What to run on other systems."""
        return tuple(ask for ask in self.asks if not ask.here)


class BriefTarget(NamedTuple):
    """A target in a line."""

    name: str
    label: Label
    title: str
    sure: str

    @property
    def paint(self) -> str:
        """The name of its colour and shape."""
        return PAINTS[self.label].name


def brief(target: TargetDiagnosis) -> BriefTarget:
    """Return a target in a line."""
    top = target_view.leading(target)
    name = target_view.name_of(target.summary.target)
    if top is None:
        return BriefTarget(name, target.summary.label, target_view.state(target.summary), "")
    return BriefTarget(name, target.summary.label, top.title, _sure(top))


def shown(target: TargetDiagnosis, look: Look) -> ShownTarget:
    """Return all that is shown of a target."""
    summary, top = target.summary, target_view.leading(target)
    groups = target_view.ordered(summary)
    rest = sum(group.count for group in groups[_WAYS:])
    common = ShownTarget(
        name=target_view.name_of(summary.target),
        label=summary.label,
        style=target_view.style_of(target),
        state=target_view.state(summary),
        top=top,
        summary="",
        text=LABEL_TEXTS[summary.label],
        overview=pieces(target_view.overview(summary)),
        ways=tuple(
            ShownGroup(
                group.count,
                group.label,
                group.outcome.value,
                target_view.meaning(group),
                str(group.server),
                tuple(map(ladder_drawing.drawn, group.examples[:_LADDERS])),
                _more(group.count, min(len(group.examples), _LADDERS)),
            )
            for group in groups[:_WAYS]
        ),
        more_ways=f"{count(rest, 'attempt')} in {count(len(groups) - _WAYS, 'more group')}" if rest else "",
        rows=(
            *recorded(look, lambda page: target_view.near_misses(page, summary)),
            *recorded(look, lambda page: target_view.not_a_port(page, summary)),
        ),
        path=path_drawing.drawn(target.path),
        asides=tuple(_asides(target)),
    )
    return common if top is None else _explained(common, target, top, look)


def _explained(common: ShownTarget, target: TargetDiagnosis, top: Finding, look: Look) -> ShownTarget:
    deciders = advice.open_deciders(target, top, look)
    return common._replace(
        summary="" if top.summary.rstrip(".") == top.title.rstrip(".") else top.summary,
        evidence=tuple(
            map(
                _sourced,
                dict.fromkeys((*target_view.why(target, top), *target_view.also_known(target, top))),
            )
        ),
        against=tuple(map(_sourced, dict.fromkeys(top.against))),
        filter=display_filter.finding(target.summary.target, top),
        undecided=f"The packets cannot tell this from {count(len(top.look_alikes), 'other cause')}. What would:"
        if deciders
        else "",
        asks=_deciding(target, deciders, look)
        if deciders
        else tuple(_checks(top.checks, advice.system_of(target, look))),
        possible=tuple(
            OtherCause((_called(item),), item.confidence.value, item.reason)
            for item in target.findings
            if item is not top and item.kind is Kind.FAILURE and _stands(item)
        ),
        ruled_out=tuple(_ruled_out(target.findings)),
    )


def _deciding(
    target: TargetDiagnosis, deciders: Sequence[tuple[Decider, list[tuple[str, str]]]], look: Look
) -> tuple[CommandToRun, ...]:
    fill = placeholders.for_target(target.summary, target.facts.setting).fill
    return tuple(
        CommandToRun(
            SYSTEMS[decider.os],
            decider.os in {advice.system_of(target, look), "any"},
            fill(decider.command, decider.os),
            tuple(CommandResult(fill(result), _slug(code), code) for result, code in outcomes),
        )
        for decider, outcomes in deciders
    )


def _checks(checks: Iterable[Check], os: str) -> Iterable[CommandToRun]:
    for check in checks:
        system = SYSTEMS.get(check.os, check.os)
        here = check.os in {os, "any"}
        yield CommandToRun(system, here, check.command, (CommandResult(check.expect, check.then),))


def _ruled_out(findings: Iterable[Finding]) -> Iterable[OtherCause]:
    """Yield what was ruled out, what has the same reason together."""
    found: dict[str, list[str]] = {}
    for item in findings:
        if item.kind is Kind.FAILURE and not _stands(item):
            found.setdefault(item.reason.removeprefix(_RULED_OUT), []).append(_called(item))
    for reason, names in found.items():
        yield OtherCause(tuple(names), Confidence.RULED_OUT.value, reason)


def _asides(target: TargetDiagnosis) -> Iterable[Aside]:
    for item in target.findings:
        if item.kind is not Kind.FAILURE and _stands(item):
            evidence = tuple(map(_sourced, dict.fromkeys(item.evidence)))
            yield Aside(item.kind.value, item.title, _sure(item), item.summary, evidence)


def _stands(item: Finding) -> bool:
    return item.confidence is not Confidence.RULED_OUT


def _called(item: Finding) -> str:
    return f"{item.code} {item.slug}"


def _sure(item: Finding) -> str:
    return f"{item.confidence.value} · {item.code}"


def _slug(code: str) -> str:
    cause = catalogue.by_code.get(code)
    return "" if cause is None else cause.slug


def _sourced(item: Evidence) -> ShownEvidence:
    source = "target" if item.source is Source.REQUEST else item.source.value
    return ShownEvidence(source, item.text, frames_text(item.frames))


def _more(total: int, drawn: int) -> str:
    return f"{count(total - drawn, 'more attempt')} like this" if total > drawn else ""
