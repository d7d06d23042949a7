"""One target on the terminal: the answer, what happened, why, what to do, what it is not.

Input: a ``TargetDiagnosis``. Output: rows on a ``Page``. ``full`` shows a target that deserves a screen,
``brief`` one that deserves a line. What to do is ``advice``'s part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from synscope.model import (
    Answer,
    AttemptGroup,
    Confidence,
    Evidence,
    Finding,
    Kind,
    Label,
    Outcome,
    Source,
    Stage,
    State,
    Target,
    TargetDiagnosis,
    TargetSummary,
)
from synscope.reference import ports
from synscope.report import advice, display_filter, ladder, path_view
from synscope.report.labels_text import CLAIM_TEXTS, LABEL_TEXTS
from synscope.report.page import Look, Page, Span, glued, joined
from synscope.report.wording import OUTCOME_TEXTS, frames_text
from synscope.units import count, listed

_WAYS_SHOWN = 3
_EVIDENCE_SHOWN = 2
_TIMES = "\u00d7"
_RULED_OUT = "Ruled out: "
_NEAR_MISSES_SHOWN = 4
_CLIENTS_SHOWN = 6
_OWNERS_SHOWN = 3

_ANSWERED = frozenset({Outcome.ANSWERED, Outcome.CLOSED, Outcome.STILL_OPEN})
"""Ways to end after which nobody asks why: the server answered and nobody was reset."""

_LABEL_STYLES: dict[Label, str] = {
    Label.COMPLETED: "good",
    Label.ONE_SIDED: "warn",
    Label.ODD_REPLY: "warn",
    Label.MID_STREAM: "dim",
}


def name_of(target: Target) -> str:
    """Return what to call ``target``: as it was asked for, a bare number as ``port 62893``."""
    return f"port {target.text}" if target.text.isdecimal() else target.text


def full(page: Page, diagnosis: TargetDiagnosis, *, same_as: Target | None = None) -> None:
    """Add everything that is to be said about one target.

    ``same_as`` is a target shown before whose advice is the same; it is then not repeated.
    """
    top = leading(diagnosis)
    if top is None:
        brief(page, diagnosis)
        return
    _answer(page, diagnosis, top)
    page.blank()
    path_view.show(page, diagnosis.path)
    happened(page, diagnosis.summary)
    _why(page, diagnosis, top)
    if page.look.verbose:
        _usual_owner(page, diagnosis)
    if same_as is None:
        advice.show(page, diagnosis, top)
    else:
        page.row("Do", f"the same as for {name_of(same_as)} above")
    if page.look.verbose:
        _not(page, diagnosis)
    _asides(page, diagnosis)


def happened(page: Page, summary: TargetSummary) -> None:
    """Add what happened to a target and, where its number is no port, what clients make of it."""
    _what_happened(page, summary)
    not_a_port(page, summary)


def brief(page: Page, diagnosis: TargetDiagnosis) -> None:
    """Add one line about a target; what is merely worth knowing follows below it."""
    summary = diagnosis.summary
    name, label = name_of(summary.target), (summary.label.value, style_of(diagnosis))
    top = leading(diagnosis)
    if top is not None:
        page.row(name, label, f"   {top.code} {top.confidence.value}: {top.title}", hang=2)
        return
    words = f"   {state(summary)}"
    if summary.label is not Label.COMPLETED:
        page.row(name, label, words, hang=2)
    elif len(label[0]) + len(words) + len(ends := f"   {_how_they_ended(summary)}") <= page.room:
        page.row(name, label, words, (ends, "dim"))
    else:
        page.row(name, label, words)
        page.row("", (ends.strip(), "dim"))
    if path_view.took_long(diagnosis.path):
        path_view.show(page, diagnosis.path)
    _asides(page, diagnosis)


def state(summary: TargetSummary) -> str:
    """Return in a few words how a target is that no finding calls a failure."""
    if summary.label is not Label.COMPLETED:
        return LABEL_TEXTS[summary.label].short
    answered = all(group.outcome in _ANSWERED for group in summary.groups)
    return "healthy" if answered else "no failure found"


def _how_they_ended(summary: TargetSummary) -> str:
    """Return ``12 attempts: 10 closed and 2 still-open``."""
    ends: Counter[str] = Counter()
    for group in summary.groups:
        ends[group.outcome.value] += group.count
    total = count(sum(ends.values()), "attempt")
    if len(ends) == 1:
        return f"{total}, {next(iter(ends))}"
    return f"{total}: {listed([f'{number:,} {outcome}' for outcome, number in ends.most_common()])}"


def leading(diagnosis: TargetDiagnosis) -> Finding | None:
    """Return the best finding of kind failure that is not ruled out, if there is one."""
    return next((item for item in diagnosis.findings if item.kind is Kind.FAILURE and _stands(item)), None)


def style_of(diagnosis: TargetDiagnosis) -> str:
    """Return the style of the target's label; a failure is never shown as good."""
    style = _LABEL_STYLES.get(diagnosis.summary.label, "bad")
    return "bad" if style == "good" and diagnosis.failed else style


def _stands(finding: Finding) -> bool:
    return finding.confidence is not Confidence.RULED_OUT


def verdict(finding: Finding, look: Look) -> Span:
    """Return how sure ``finding`` is and its code, linked to the page about it where that can be shown."""
    page = f"{look.docs}/causes/{finding.slug}.md" if look.docs else ""
    return glued(f"[{finding.confidence.value} · {finding.code}]"), "dim", page


def sentence(diagnosis: TargetDiagnosis, top: Finding) -> str:
    """Return the answer in a sentence that names the target.

    It may quote a stranger: single blanks alone, so that nothing in it looks like a row of the report.
    """
    target, title = diagnosis.summary.target, " ".join(top.title.split())
    return f"{title}." if str(target.port) in title else f"{name_of(target)}: {title}."


def _answer(page: Page, diagnosis: TargetDiagnosis, top: Finding) -> None:
    """Add the sentence, and below it the words to search for: label, confidence, code and slug."""
    page.paragraph((sentence(diagnosis, top), "head"), hang=2)
    where = f"{page.look.docs}/causes/{top.slug}.md" if page.look.docs else ""
    page.paragraph(
        (diagnosis.summary.label.value, style_of(diagnosis)),
        f" · {top.confidence.value} · ",
        (glued(f"{top.code} {top.slug}"), "", where),
    )
    if page.look.verbose and top.summary.rstrip(".") != top.title.rstrip("."):
        page.row("", top.summary)


def overview(summary: TargetSummary) -> tuple[Span, ...]:
    """Return in a line what was seen of a target: how many attempts, or that there is none and what that proves."""
    total = sum(group.count for group in summary.groups)
    if not total:
        if summary.claim is None:
            return ("nothing was sent to it, and nothing was captured",)
        return "no SYN to it in this capture", (f" ({CLAIM_TEXTS[summary.claim]})", "dim")
    servers = len({group.server for group in summary.groups})
    ways = len({group.outcome for group in summary.groups})
    return (
        count(total, "attempt"),
        f" to {servers:,} addresses" if servers > 1 else "",
        f", {ways:,} ways it ended" if ways > 1 else "",
    )


def ordered(summary: TargetSummary) -> list[AttemptGroup]:
    """Return the groups of a target, those that have its label and those that are many first."""
    return sorted(summary.groups, key=lambda group: (group.label is not summary.label, -group.count))


def _what_happened(page: Page, summary: TargetSummary) -> None:
    groups = ordered(summary)
    if not page.look.verbose and len(groups) == 1 and groups[0].examples:
        (group,) = groups
        page.row("What happened", *overview(summary), f", {group.outcome.value}: {meaning(group)}")
        ladder.show(page, group.examples[0], short=True)
        near_misses(page, summary)
        return
    page.row("What happened", *overview(summary))
    shown = groups if page.look.verbose else groups[:_WAYS_SHOWN]
    for group in shown:
        _way(page, group, with_ladder=page.look.verbose or group is groups[0])
    if len(groups) > len(shown):
        rest = sum(group.count for group in groups[len(shown) :])
        page.row(
            "",
            (
                f"{count(rest, 'attempt')} in {count(len(groups) - len(shown), 'more group')}: --verbose",
                "dim",
            ),
        )
    near_misses(page, summary)


def meaning(group: AttemptGroup) -> str:
    """Return how the attempts of a group ended, in words."""
    recovered = "; it then worked at another address" if group.recovered else ""
    recovered = "; the capture ends before an answer could come" if group.unfinished else recovered
    return OUTCOME_TEXTS[group.outcome] + recovered


def _way(page: Page, group: AttemptGroup, *, with_ladder: bool) -> None:
    page.row(f"  {group.count:,} {_TIMES}", (group.outcome.value, "head"), f": {meaning(group)}", style="")
    if not page.look.verbose:
        if with_ladder and group.examples:
            ladder.show(page, group.examples[0], short=True)
        return
    for example in group.examples:
        page.row(
            "",
            (
                f"{'e.g. ' if group.count > 1 else ''}{example.client} → {example.server}  #{example.id}",
                "dim",
            ),
        )
        ladder.show(page, example)
        page.whole("  Wireshark", display_filter.attempt(example), style="dim")


def near_misses(page: Page, summary: TargetSummary) -> None:
    """Add what may be meant although it did not go to the target."""
    shown = summary.near_misses if page.look.verbose else summary.near_misses[:_NEAR_MISSES_SHOWN]
    for number, miss in enumerate(shown):
        frames = frames_text(miss.frames, lead=" (", close=")")
        page.row("  but" if number == 0 else "", miss.text + frames, style="")
    rest = len(summary.near_misses) - len(shown)
    if rest:
        page.row("", (f"{rest:,} more with --verbose", "dim"))


def not_a_port(page: Page, summary: TargetSummary) -> None:
    """Say why the number is no port, and where clients that accept it go."""
    target = summary.target
    if target.is_port:
        return
    if target.port <= ports.PORT_MAX:
        page.row("Not a port", ports.describe(target.port))
        return
    page.row("Not a port", f"ports run from 0 to {ports.PORT_MAX}. What a client makes of {target.port}:")
    _clients(page, "  refused by", ports.REFUSING_CLIENTS, "no packet is sent")
    _clients(page, f"  → {target.wrapped} by", ports.WRAPPING_CLIENTS, "they keep the lower 16 bits")
    if summary.claim is not None and not any(miss.kind == "wrapped-port" for miss in summary.near_misses):
        page.row("", f"this capture has no SYN to {target.wrapped} either")


def _clients(page: Page, label: str, clients: Sequence[ports.ClientSaying], consequence: str) -> None:
    shown = clients if page.look.verbose else clients[:_CLIENTS_SHOWN]
    names = [glued(saying.client) for saying in shown]
    if len(clients) > len(shown):
        names.append(glued(f"{len(clients) - len(shown)} more"))
    page.row(label, *joined(names), (f" ({consequence})", "dim"), style="")


def why(diagnosis: TargetDiagnosis, top: Finding) -> tuple[Evidence, ...]:
    """Return what speaks for a finding: its own evidence, else what shows where on the path it may be."""
    if top.evidence:
        return top.evidence
    told = (
        Evidence(witness.source, witness.text, witness.frames)
        for each in diagnosis.path.stages
        if each.stage in diagnosis.path.possible
        for witness in each.witnesses
        if witness.says is State.STOPPED
    )
    return tuple(dict.fromkeys(told))


_BEARS_ON_IT: Final = (
    "rule-redirects-target",
    "port-sharer-stopped",
    "port-has-two-programs",
    "container-publishes-port",
    "bound-not-listening",
    "udp-or-unix-lookalike",
)
"""What a look at the host shows and any reader wants to know where the connection stopped at that stage or later."""


def also_known(diagnosis: TargetDiagnosis, top: Finding) -> tuple[Evidence, ...]:
    """Return what was seen of the host that bears on the failure and that the finding does not tell."""
    told = {item.text for item in (*top.evidence, *top.against)}
    found = (diagnosis.facts.observations.get(name) for name in _BEARS_ON_IT)
    return tuple(
        Evidence(seen.source, seen.text, seen.frames)
        for seen in found
        if seen is not None and seen.answer is Answer.YES and seen.text not in told
    )


def _why(page: Page, diagnosis: TargetDiagnosis, top: Finding) -> None:
    target, evidence = diagnosis.summary.target, why(diagnosis, top)
    evidence = tuple(dict.fromkeys(evidence))
    shown = evidence if page.look.verbose else evidence[:_EVIDENCE_SHOWN]
    _evidence(page, "Why", shown)
    if (also := also_known(diagnosis, top)) and (page.look.verbose or len(shown) < _EVIDENCE_SHOWN):
        _evidence(page, "  seen as well", also if page.look.verbose else also[:1])
    if top.against:
        _evidence(page, "  against it", top.against)
    if page.look.verbose:
        page.row("  place", top.reason, style="")
        for at, text in enumerate(top.unknown):
            page.row("  not known" if at == 0 else "", f"whether {text}", style="")
        page.whole("  Wireshark", display_filter.finding(target, top))


_WHO_ANSWERS: Final = frozenset({Stage.LISTENER, Stage.TALK})
_ANSWERED_BY: Final = frozenset({Label.COMPLETED, Label.SYN_RST})
_OWNER_TOLD: Final = frozenset({"port-owner-shown", "usual-owner-answered"})


def usual_owners(diagnosis: TargetDiagnosis) -> tuple[ports.PortUse, ...]:
    """Return what usually has the port, where that matters: who answers there is the question, and nobody knows."""
    observations = diagnosis.facts.observations
    told = any(
        (found := observations.get(name)) is not None and found.answer is Answer.YES for name in _OWNER_TOLD
    )
    return (
        ()
        if told
        or diagnosis.summary.label not in _ANSWERED_BY
        or not _WHO_ANSWERS & {*diagnosis.path.possible}
        else ports.usual(diagnosis.summary.target.port)
    )


def _usual_owner(page: Page, diagnosis: TargetDiagnosis) -> None:
    """Add who usually has the port; a habit, so in a line and without a verdict."""
    owners = usual_owners(diagnosis)
    if owners:
        page.row("Usually there", *joined([owner.name for owner in owners[:_OWNERS_SHOWN]]), style="dim")


def _evidence(page: Page, label: str, items: Sequence[Evidence]) -> None:
    rows: list[tuple[Span, ...]] = []
    for item in dict.fromkeys(items):
        source = "target" if item.source is Source.REQUEST else item.source.value
        rows.append(((source, "dim"), item.text + frames_text(item.frames, lead=" (", close=")")))
    page.columns(rows, label=label)


def _not(page: Page, diagnosis: TargetDiagnosis) -> None:
    """Add all that was ruled out, with the reason."""
    out: dict[str, list[Finding]] = {}
    for item in diagnosis.findings:
        if not _stands(item) and item.kind is Kind.FAILURE:
            out.setdefault(item.reason, []).append(item)
    for at, (reason, items) in enumerate(out.items()):
        names = [glued(f"{item.code} {item.slug}") for item in items]
        page.row("Not" if at == 0 else "", *joined(names), f": {reason.removeprefix(_RULED_OUT)}", hang=2)


def _asides(page: Page, diagnosis: TargetDiagnosis) -> None:
    """Add warnings and notes: true beside the answer, and no failure."""
    for item in diagnosis.findings:
        if item.kind is Kind.FAILURE or not _stands(item):
            continue
        style = "warn" if item.kind is Kind.WARNING else "head"
        if not page.look.verbose:
            page.row(item.kind.value.capitalize(), item.title, "  ", verdict(item, page.look), style=style)
            continue
        page.row(item.kind.value.capitalize(), item.title, style=style)
        page.row("", verdict(item, page.look), "  ", item.summary)
        for evidence in item.evidence:
            page.row("", (evidence.text + frames_text(evidence.frames, lead=" (", close=")"), "dim"))
