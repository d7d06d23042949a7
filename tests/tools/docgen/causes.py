"""``docs/causes/``: an index and one page a cause, from the catalogue, the priors and the look-alikes."""

from __future__ import annotations

from collections.abc import Iterable

from docgen.markdown import block, bullets, code, page, prose, sentence, table
from synscope.causes.catalogue import CATALOGUE, by_code, by_slug
from synscope.causes.cause import Cause, Clue, Sign, Signature
from synscope.causes.look_alikes import GROUPS, Decider, Group
from synscope.causes.priors import prior
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Check, Kind, Label, Source
from synscope.report.explanation import GENERIC
from synscope.report.wording import SYSTEMS

GUIDES = {
    "A": "the guide 'How to fix localhost:619009 connection errors'",
    "B": "the guide 'How to access localhost:619009'",
    "C": "the guide 'Understanding loopback addresses' (127.0.0.1:62893)",
    "field": "field knowledge",
}
"""What the letters of ``Cause.documented_in`` stand for."""

_SOURCES = {
    Source.PACKETS: "packets",
    Source.PAYLOAD: "payload",
    Source.HOST: "host, not in a file",
    Source.KERNEL: "kernel, not in a file",
    Source.REQUEST: "the target as given",
}


def index() -> str:
    """Return ``docs/causes/index.md``."""
    return page(
        "Causes",
        "Every cause has a code that keeps its meaning and a page of its own. `synscope explain CODE` prints "
        "the gist of it. In texts and commands, PORT stands for the target's port; reports fill it in.",
        *(part for kind in Kind for part in _of_kind(kind)),
        "## The usual ones under each label",
        "The number is the prior: how usual the cause is behind the label before any evidence is looked at. "
        "The numbers are judgement, not measurement; see [confidence](../confidence.md).",
        bullets(_usual(label) for label in Label if _failures(label)),
        "## Look-alikes, and what tells them apart",
        "Causes of a group look the same in the packets when the group's sign is seen. The commands are for "
        "the affected machine; each says which result points to which cause.",
        *(_group(group) for group in GROUPS),
    )


def one(cause: Cause) -> str:
    """Return the page of one cause."""
    labels = "every label" if len(cause.labels) == len(Label) else ", ".join(map(_label_link, cause.labels))
    facts = (
        ("code", code(cause.code)),
        ("slug", code(cause.slug)),
        ("kind", cause.kind.value),
        ("since", cause.since),
        ("shows as", labels),
        ("documented in", "; ".join(prose(GUIDES[name]) for name in cause.documented_in)),
    )
    parts = [
        f"**{sentence(GENERIC.fill(cause.title))}** {prose(GENERIC.fill(cause.summary))}",
        table(("", ""), facts),
        "## What it is, and why the packets look as they do",
        prose(GENERIC.fill(cause.meaning)),
        "## How it shows",
        *(_signature(signature) for signature in cause.signatures),
        *_evidence(cause),
        "## What decides",
        sentence(GENERIC.fill(cause.decided_by)),
        *_looks_like(cause),
        "## Checks",
        *_checks(cause.checks),
        "## What to do",
        bullets(prose(GENERIC.fill(fix)) for fix in cause.fixes),
        "## References",
        bullets(f"<{reference}>" for reference in cause.references),
    ]
    return page(f"{cause.code} {cause.slug}", *parts)


def _of_kind(kind: Kind) -> Iterable[str]:
    causes = [cause for cause in CATALOGUE if cause.kind is kind]
    if causes:
        yield f"## {kind.value.capitalize()}s"
        yield table(
            ("code", "cause", "what the report says", "shows as"),
            (
                (
                    code(cause.code),
                    _link(cause),
                    prose(GENERIC.fill(cause.title)),
                    "every label" if len(cause.labels) == len(Label) else ", ".join(cause.labels),
                )
                for cause in causes
            ),
        )


def _failures(label: Label) -> list[Cause]:
    causes = (cause for cause in CATALOGUE if cause.kind is Kind.FAILURE and label in cause.labels)
    return sorted(causes, key=lambda cause: -prior(cause.code, label))


def _usual(label: Label) -> str:
    named = ", ".join(f"{_link(cause)} {prior(cause.code, label)}" for cause in _failures(label))
    return f"**{_label_link(label)}**: {named}"


def _group(group: Group) -> str:
    signs = ", ".join(f"{prose(QUESTIONS[name].meaning)} (`{name}`)" for name in group.signs)
    labels = ", ".join(_label_link(label) for label in group.labels)
    return "\n\n".join(
        (
            f"### {group.slug}",
            f"{sentence(group.title)} Under {labels}, when this is seen: {signs}.",
            f"Causes: {', '.join(_link(by_code[number]) for number in group.codes)}",
            *_deciders(group.deciders),
        )
    )


def _deciders(deciders: tuple[Decider, ...]) -> Iterable[str]:
    """Yield the commands; those of several systems with the same results stand together."""
    for outcomes in dict.fromkeys(decider.outcomes for decider in deciders):
        for decider in deciders:
            if decider.outcomes == outcomes:
                yield _command(decider.os, decider.command)
        yield bullets(
            f"{prose(GENERIC.fill(result))} → {_link(by_code[number])}" for result, number in outcomes
        )


def _signature(signature: Signature) -> str:
    labels = "every label" if len(signature.labels) == len(Label) else ", ".join(signature.labels)
    lines = [_sign(sign) for sign in signature.requires]
    if len(signature.any_of) == 1:
        lines.append(_sign(signature.any_of[0]))
    elif signature.any_of:
        lines.append("one of these:")
        lines.extend(f"  - {_sign(sign)}" for sign in signature.any_of)
    listed = "\n".join(line if line.startswith("  ") else f"- {line}" for line in lines)
    seen = "this is" if len(lines) == 1 or not signature.requires else "all of this is"
    return f"Under {labels}, when {seen} seen:\n\n{listed}"


def _evidence(cause: Cause) -> Iterable[str]:
    yield "## Evidence"
    if cause.supports:
        yield "Makes it more likely (by this much, on the scale of the priors):"
        yield bullets(f"+{clue.weight}: {_clue(clue)}" for clue in cause.supports)
    if cause.weakened_by:
        yield "Makes it less likely:"
        yield bullets(f"-{clue.weight}: {_clue(clue)}" for clue in cause.weakened_by)
    if cause.contradicts:
        yield "Contradicts it; any of these rules it out:"
        yield bullets(_sign(sign) for sign in cause.contradicts)
    if cause.decisive:
        yield "Proves it; each line alone is enough, all of a line are needed:"
        yield bullets("; *and* ".join(_sign(sign) for sign in group) for group in cause.decisive)
        if cause.doubted_by:
            yield "Not while one of these holds, which leave room for a deeper cause:"
            yield bullets(_sign(sign) for sign in cause.doubted_by)
    else:
        yield "No observation proves it by itself, so it is never *certain*."
    yield "Who can see these things:"
    yield table(
        ("evidence", "seen in", "meaning"),
        (
            (code(name), _SOURCES[QUESTIONS[name].source], prose(QUESTIONS[name].meaning))
            for name in cause.names
        ),
    )


def _looks_like(cause: Cause) -> Iterable[str]:
    if cause.refines:
        yield (
            "It can be the reason behind a more general cause, and both are true then: "
            + ", ".join(_link(by_slug[slug]) for slug in cause.refines)
            + "."
        )
    if cause.look_alikes:
        groups = [group for group in GROUPS if cause.code in group.codes]
        yield "## Look-alikes"
        yield "The commands that tell them apart are in the index: " + ", ".join(
            f"[{group.slug}](index.md#{group.slug})" for group in groups
        )
        yield bullets(
            f"{_link(by_code[number])}: {prose(GENERIC.fill(by_code[number].title))}"
            for number in cause.look_alikes
        )


def _checks(checks: tuple[Check, ...]) -> Iterable[str]:
    """Yield each check once; those that differ only in the system's command stand together."""
    for expect, then in dict.fromkeys((check.expect, check.then) for check in checks):
        same = [check for check in checks if (check.expect, check.then) == (expect, then)]
        yield f"**If it prints:** {prose(GENERIC.fill(expect))}. **Then:** {prose(GENERIC.fill(then))}."
        for check in same:
            yield _command(check.os, check.command)


def _command(system: str, command: str) -> str:
    name = "Any system" if system == "any" else SYSTEMS[system]
    shell = "powershell" if system == "windows" else "sh"
    return f"{name}:\n\n" + block(GENERIC.fill(command), shell)


def _clue(clue: Clue) -> str:
    when = f", when {' and '.join(_sign(sign) for sign in clue.when)}" if clue.when else ""
    return _sign(clue.sign) + when


def _sign(sign: Sign) -> str:
    meaning = prose(QUESTIONS[sign.name].meaning)
    wanted = meaning if sign.answer is Answer.YES else f"someone looked, and it is *not* so that {meaning}"
    return f"{wanted} (`{sign.name}`)"


def _link(cause: Cause) -> str:
    return f"[{cause.code} {cause.slug}]({cause.slug}.md)"


def _label_link(label: Label) -> str:
    return f"[{label.value}](../labels.md#{label.value.lower()})"
