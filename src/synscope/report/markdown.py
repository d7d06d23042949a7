"""The Markdown report, for issues and chats: the answer, what happened, why, what decides, the capture.

Input: a ``Diagnosis`` and a ``Look`` (its system and its verbosity). Output: CommonMark without links,
images, HTML or tables, which whatever the capture holds cannot change (see ``markdown_text``).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from synscope.causes import catalogue, placeholders
from synscope.model import Confidence, Diagnosis, Evidence, Finding, Kind, Source, TargetDiagnosis
from synscope.report import advice, display_filter, path_view, target_view, terminal, why
from synscope.report.markdown_text import bold, code, fenced, prose
from synscope.report.page import Look, Page
from synscope.report.text_report import TextReport
from synscope.report.wording import SYSTEMS, frames_text
from synscope.units import count

_FULL = 5
_BRIEF = 20
_CHECKS_SHOWN = 2
_WIDTH = 78


class MarkdownReport(TextReport):
    """Writes the Markdown report of each capture."""

    def text(self, diagnosis: Diagnosis, attempts: list[str]) -> str:
        """Return the report of one capture."""
        return render(diagnosis, self.settings.look(), headed=self.settings.several, attempts=attempts)


def render(diagnosis: Diagnosis, look: Look, *, headed: bool = False, attempts: Iterable[str] = ()) -> str:
    """Return the report of one capture.

    ``headed`` names the capture first (for several captures). ``attempts`` are lines of
    ``text_report.attempt_line`` to list at the end.
    """
    plain = Look(width=_WIDTH, verbose=look.verbose, os=look.os)
    name = code("standard input" if diagnosis.capture == "-" else diagnosis.capture)
    parts = [f"## {name}\n"] if headed and name else []
    if diagnosis.health.error is not None:
        parts.append(f"The capture {name} could not be read:\n\n{fenced([diagnosis.health.error])}")
        return _joined(parts)
    if not diagnosis.targets:
        parts.append("This capture holds no attempt to connect.\n")
    parts.extend(_targets(diagnosis, plain))
    if look.why and diagnosis.targets:
        page = Page(plain)
        why.show(page, diagnosis.targets)
        parts.append(_page_block(page.render()))
    listed = [*attempts]
    if listed:
        parts.append(f"**Attempts**\n\n{fenced(listed)}")
    parts.append(f"**Capture**\n\n{_page_block(terminal.capture_lines(diagnosis, plain))}")
    return _joined(parts)


def _targets(diagnosis: Diagnosis, look: Look) -> Iterator[str]:
    """Yield the targets: failing ones in full (of those nobody named a few), the others in a line each."""
    everything = look.verbose or diagnosis.watched
    led = [(target, target_view.leading(target)) for target in diagnosis.targets]
    failing = [(target, top) for target, top in led if top is not None]
    well = [target for target, top in led if top is None]
    if not diagnosis.watched:
        failing.sort(key=lambda item: -sum(item[0].summary.counts.values()))
    in_full = len(failing) if everything else _FULL
    for target, top in failing[:in_full]:
        yield from _full(target, top, look)
    others = [*(target for target, _ in failing[in_full:]), *well]
    shown = others if everything else others[:_BRIEF]
    if shown:
        lines = [_brief(target) for target in shown]
        if len(others) > len(shown):
            lines.append(f"- and {count(len(others) - len(shown), 'more port')}\n")
        yield "".join(lines)


def _brief(target: TargetDiagnosis) -> str:
    top = target_view.leading(target)
    words = target_view.state(target.summary) if top is None else f"{prose(top.title)} {_sure(top)}"
    return f"- {_name(target)}: {target.summary.label.value}, {words}\n"


def _full(target: TargetDiagnosis, top: Finding, look: Look) -> Iterator[str]:
    yield f"### {_name(target)}: {target.summary.label.value}\n"
    yield f"{bold(top.title)} {_sure(top)}\n\n" + _paragraph("In short:", top.summary)
    page = Page(look)
    path_view.show(page, target.path)
    target_view.happened(page, target.summary)
    yield _page_block(page.render())
    evidence = (*target_view.why(target, top), *target_view.also_known(target, top))
    yield f"**Why**\n\n{fenced(_evidence(evidence))}"
    if top.against:
        yield f"**Against it**\n\n{fenced(_evidence(top.against))}"
    yield f"Wireshark display filter:\n\n{fenced([display_filter.finding(target.summary.target, top)])}"
    yield from _deciding(target, top, look)
    if top.fixes:
        yield f"**If it is {top.code}**\n\n" + "".join(f"- Do: {prose(fix)}\n" for fix in top.fixes)
    yield from _others(target, top, look)


def _deciding(target: TargetDiagnosis, top: Finding, look: Look) -> Iterator[str]:
    """Yield the commands that decide, each in a block of its own, with what their results mean."""
    deciders = advice.open_deciders(target, top, look)
    if deciders:
        others = count(len(top.look_alikes), "other cause")
        yield f"**What decides** (the packets cannot tell this from {others})\n"
        fill = placeholders.for_target(target.summary, target.facts.setting).fill
        for decider, outcomes in deciders if look.verbose else deciders[:_CHECKS_SHOWN]:
            results = "".join(f"- Result {code(fill(result))}: {_cause(to)}\n" for result, to in outcomes)
            command = fenced([fill(decider.command, decider.os)], _shell(decider.os))
            yield f"{SYSTEMS[decider.os]}:\n\n{command}\n{results}"
        return
    checks = [
        check for check in top.checks if look.verbose or check.os in {advice.system_of(target, look), "any"}
    ]
    if checks:
        yield "**Checks**\n"
    for check in checks if look.verbose else checks[:_CHECKS_SHOWN]:
        yield (
            f"{SYSTEMS.get(check.os, 'other')}:\n\n{fenced([check.command], _shell(check.os))}\n"
            f"- Result {code(check.expect)}: {prose(check.then)}\n"
        )


def _others(target: TargetDiagnosis, top: Finding, look: Look) -> Iterator[str]:
    """Yield what else is possible, what is ruled out, and warnings and notes."""
    rest = [item for item in target.findings if item is not top and item.kind is Kind.FAILURE]
    possible = [item for item in rest if item.confidence is not Confidence.RULED_OUT]
    out = [item for item in rest if item.confidence is Confidence.RULED_OUT]
    for title, items in (("Also possible", possible), ("Ruled out", out)):
        if items and look.verbose:
            yield f"**{title}**\n\n" + "".join(f"- {_called(item)}: {prose(item.reason)}\n" for item in items)
        elif items:
            yield f"{title}: {', '.join(_called(item) for item in items)}\n"
    notes = [
        item
        for item in target.findings
        if item.kind is not Kind.FAILURE and item.confidence is not Confidence.RULED_OUT
    ]
    for item in notes:
        yield f"{item.kind.value.capitalize()}: {prose(item.title)} {_sure(item)}. {prose(item.summary)}\n"


def _called(item: Finding) -> str:
    return f"{item.code} {code(item.slug)}"


def _name(target: TargetDiagnosis) -> str:
    return code(target_view.name_of(target.summary.target)) or "target"


def _sure(finding: Finding) -> str:
    return f"({finding.confidence.value}, {finding.code})"


def _cause(to: str) -> str:
    cause = catalogue.by_code.get(to)
    return to if cause is None else f"{to} {code(cause.slug)}"


def _shell(system: str) -> str:
    return "powershell" if system == "windows" else "sh"


def _evidence(items: Iterable[Evidence]) -> Iterator[str]:
    """Yield a line for each piece of evidence: its source, what it says, the frames that show it."""
    for item in dict.fromkeys(items):
        source = "target" if item.source is Source.REQUEST else item.source.value
        yield f"{source:<9}{item.text}{frames_text(item.frames, lead=' (', close=')')}"


def _paragraph(lead: str, text: str) -> str:
    words = prose(text)
    return f"{lead} {words}\n" if words else ""


def _page_block(text: str) -> str:
    """Return rows of a page as a block, moved to the left as far as they go."""
    return fenced(textwrap.dedent(text).splitlines())


def _joined(parts: Iterable[str]) -> str:
    """Return blocks with an empty line between them."""
    return "\n".join(parts)
