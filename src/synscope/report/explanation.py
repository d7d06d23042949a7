"""Explanations on the terminal: a cause, label, outcome, stage, error or port in plain words, and all causes.

Input: a ``Look``, and for one explanation an ``Explained`` of ``lookup``. Output: text, as from ``terminal``. What is
said comes from the catalogue, the rule table, the priors and the tables of errors and ports; only the order is made
here.
"""

from __future__ import annotations

from synscope.causes import catalogue, deciding, priors
from synscope.causes.cause import Cause
from synscope.causes.placeholders import Placeholders
from synscope.engine.outcome import OUTCOME_RULES, OutcomeRule
from synscope.model import Kind, Label, Stage
from synscope.reference import ports
from synscope.reference.error_meaning import ErrorMeaning
from synscope.report.labels_text import LABEL_TEXTS
from synscope.report.lookup import ErrorAnswer, Explained, PortAnswer
from synscope.report.page import Look, Page, Span, glued, joined
from synscope.report.stages_text import STAGE_TEXTS, HandLook, causes_at, labels_at, looks_at
from synscope.report.wording import SYSTEMS, ordered_systems
from synscope.units import listed

GENERIC = Placeholders(port="PORT", host="localhost", address="127.0.0.1", wrapped="PORT modulo 65536")
"""What stands in the texts of causes where no target is known."""

_LIKELY_SHOWN = 5
_MEANINGS_SHOWN = 3
_LOOK_ALIKES_SHOWN = 6
_LOOKS_SHOWN = 3


def render(answer: Explained, look: Look) -> str:
    """Return the explanation of ``answer``, every line ended by a newline."""
    page = Page(look)
    if isinstance(answer, Cause):
        _cause(page, answer)
    elif isinstance(answer, Label):
        _label(page, answer)
    elif isinstance(answer, Stage):
        _stage(page, answer)
    elif isinstance(answer, OutcomeRule):
        _outcome(page, answer)
    elif isinstance(answer, ErrorAnswer):
        _errors(page, answer)
    else:
        _port(page, answer)
    return page.render()


def render_catalogue(look: Look) -> str:
    """Return all causes: code, slug, kind, title, labels; every line ended by a newline."""
    page = Page(look)
    for kind in Kind:
        causes = [cause for cause in catalogue.CATALOGUE if cause.kind is kind]
        if not causes:
            continue
        page.blank()
        page.paragraph((f"{kind.value.capitalize()}s", "head"))
        for cause in causes:
            labels = [*cause.labels] if len(cause.labels) < len(Label) else ["every label"]
            page.paragraph("  ", (cause.code, "command"), f"  {GENERIC.fill(cause.title)}", hang=10)
            page.paragraph(" " * 10, cause.slug, (f": {', '.join(labels)}", "dim"), hang=10)
    page.blank()
    page.paragraph(
        "synscope explain CODE tells more about one: what it looks like, how to check it, what to do."
    )
    return page.render()


def likely_causes(label: Label) -> tuple[Cause, ...]:
    """Return the failures behind ``label``, most usual first, by the table of priors."""
    by_prior = sorted(
        (cause for cause in catalogue.CATALOGUE if cause.kind is Kind.FAILURE and label in cause.labels),
        key=lambda cause: -priors.prior(cause.code, label),
    )
    return tuple(by_prior)


def _cause(page: Page, cause: Cause) -> None:
    fill = GENERIC.fill
    page.row(
        cause.code, (fill(cause.title), "head"), "   ", (glued(f"[{cause.slug} · {cause.kind.value}]"), "dim")
    )
    page.blank()
    page.row("Meaning", fill(cause.meaning))
    page.row("Shows as", *joined(label.value for label in cause.labels))
    page.row("Decided by", fill(cause.decided_by))
    for system in ordered_systems(page.look.os):
        for at, check in enumerate(check for check in cause.checks if check.os == system):
            page.command(f"  {SYSTEMS[system]}" if at == 0 else "", fill(check.command, check.os))
            if page.look.verbose or system in {page.look.os, "any"}:
                page.row("", f"  {fill(check.expect)}: {fill(check.then)}", hang=2)
    for at, fix in enumerate(cause.fixes):
        page.row("Do" if at == 0 else "", fill(fix), hang=2)
    if deciding.neighbours(cause):
        _look_alikes(page, cause)
    _references(page, cause.references)


def _look_alikes(page: Page, cause: Cause) -> None:
    names = [glued(f"{code} {catalogue.by_code[code].slug}") for code in deciding.neighbours(cause)]
    shown = names if page.look.verbose else names[:_LOOK_ALIKES_SHOWN]
    more = f"{len(names) - len(shown)} more with --verbose"
    page.row("Looks like", *joined([*shown, (more, "dim")] if len(names) > len(shown) else shown))


def _label(page: Page, label: Label) -> None:
    text = LABEL_TEXTS[label]
    page.row(label.value, (text.short, "head"))
    page.blank()
    page.row("Meaning", text.meaning)
    page.row("It says", text.says)
    page.row("It does not say", text.says_not)
    outcomes = [rule for rule in OUTCOME_RULES if rule.label is label]
    page.columns([((rule.outcome.value, "head"), rule.meaning) for rule in outcomes], label="Outcomes")
    _likely(page, likely_causes(label))


def _stage(page: Page, stage: Stage) -> None:
    text = STAGE_TEXTS[stage]
    page.row(stage.value, (text.short, "head"), "   ", (glued(_place(stage)), "dim"))
    page.blank()
    page.row("What happens", text.happens)
    page.row("Proves it passed", text.passed)
    page.row("A stop shows as", *joined(label.value for label in labels_at(stage)))
    _likely(page, causes_at(stage))
    looks = looks_at(stage)
    for system in sorted(SYSTEMS, key=lambda name: (name != page.look.os, name != "any", name)):
        found = [look for look in looks if look.os == system]
        shown = found if page.look.verbose else found[:_LOOKS_SHOWN]
        if shown and (page.look.verbose or system in {page.look.os, "any"}):
            _looks(page, SYSTEMS[system], shown, len(found) - len(shown))
    if not page.look.verbose:
        page.row("", ("commands for the other systems: --verbose", "dim"))


def _looks(page: Page, system: str, looks: list[HandLook], more: int) -> None:
    page.row(f"By hand, {system}")
    for look in looks:
        page.command("", GENERIC.fill(look.command, look.os))
        page.row("", f"  whether {GENERIC.fill(look.asks)}. {_sentence(GENERIC.fill(look.reading))}", hang=2)
    if more:
        page.row("", (f"{more} more with --verbose", "dim"))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _place(stage: Stage) -> str:
    stages = list(Stage)
    return f"[stage {stages.index(stage) + 1} of {len(stages)}]"


def _outcome(page: Page, rule: OutcomeRule) -> None:
    page.row(rule.outcome.value, (rule.meaning, "head"))
    page.blank()
    page.row("Label", f"{rule.label.value}: {LABEL_TEXTS[rule.label].short}")
    page.row("It says", LABEL_TEXTS[rule.label].says)
    page.row("It does not say", LABEL_TEXTS[rule.label].says_not)
    page.row("Next", f"synscope explain {rule.label.value}")


def _errors(page: Page, answer: ErrorAnswer) -> None:
    shown = answer.meanings if page.look.verbose else answer.meanings[:_MEANINGS_SHOWN]
    for at, meaning in enumerate(shown):
        if at:
            page.blank()
        _error(page, meaning)
    rest = answer.meanings[len(shown) :]
    if rest:
        page.row("Also", listed([meaning.name for meaning in rest], most=len(rest)))
    page.blank()
    if answer.port is not None and not 1 <= answer.port <= ports.PORT_MAX:
        page.row("The port", ports.describe(answer.port))
    port = "PORT" if answer.port is None else str(answer.port)
    page.command("Next", f"synscope analyze CAPTURE -p {port}")
    page.row(
        "",
        "Record the failing try first, on the loopback interface: no capture tool does so by default.",
    )


def _error(page: Page, error: ErrorMeaning) -> None:
    codes = [f"{system.value} {number}" for system, number in error.numbers]
    page.row(error.name, error.meaning, (f"   [{', '.join(codes)}]" if codes else "", "dim"))
    page.row("On the wire", error.on_the_wire)
    if error.remedy:
        page.row("Do", error.remedy)
    if error.labels:
        page.row("Shows as", *joined(error.labels))
    _likely(page, [catalogue.by_slug[slug] for slug in error.cause_slugs if slug in catalogue.by_slug])
    _references(page, error.references)


def _port(page: Page, answer: PortAnswer) -> None:
    port = answer.port
    page.row(f"port {port}", (ports.describe(port), "head"))
    page.columns([(use.name, (use.what, "dim")) for use in ports.usual(port)], label="Usually here")
    if port in ports.BLOCKED_BY_BROWSERS:
        page.row(
            "Browsers", "browsers and fetch refuse it before any packet: ERR_UNSAFE_PORT, 'bad port' (SYN142)"
        )
    if port > ports.PORT_MAX:
        _out_of_range(page)
    elif port:
        lent = [span for span in ports.EPHEMERAL_RANGES if span.first <= port <= span.last]
        if lent:
            systems = [f"{span.system} ({span.first}-{span.last})" for span in lent]
            page.row(
                "Lent to clients", f"by default on {listed(systems)}: a server may find it taken (SYN108)"
            )
        if page.look.verbose:
            for span in lent:
                page.command(f"  {span.system}", span.show)
    if answer.errors:
        names = [error.name for error in answer.errors]
        page.row(
            "As an error",
            f"errno {port} can be {listed(names)}",
            (f"; see synscope explain {names[0]}", "dim"),
        )
    page.command("Next", f"synscope analyze CAPTURE -p {port}")


def _out_of_range(page: Page) -> None:
    tables = (
        ("Refused by", "no packet is sent", ports.REFUSING_CLIENTS),
        ("Shortened by", "they go to the wrong port", ports.WRAPPING_CLIENTS),
    )
    for label, consequence, clients in tables:
        if page.look.verbose:
            page.row(label, consequence)
            page.columns([(saying.client, (saying.says, "dim")) for saying in clients])
        else:
            names = [glued(saying.client) for saying in clients]
            page.row(label, *joined(names), (f" ({consequence})", "dim"))
    page.row(
        "Cause",
        "SYN141 port-out-of-range",
        ("; what each client says: --verbose" * (not page.look.verbose), "dim"),
    )


def _likely(page: Page, causes: tuple[Cause, ...] | list[Cause]) -> None:
    shown = causes if page.look.verbose else causes[:_LIKELY_SHOWN]
    rows: list[tuple[Span, ...]] = [(cause.code, cause.slug, GENERIC.fill(cause.title)) for cause in shown]
    page.columns(rows, label="Likely causes")
    if len(causes) > len(shown):
        page.row("", (f"{len(causes) - len(shown)} more with --verbose", "dim"))


def _references(page: Page, references: tuple[str, ...]) -> None:
    page.lines("Read", references)
