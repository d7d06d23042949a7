"""``docs/causes/``: an index and one page a cause, from the catalogue, the priors and the questions."""

from __future__ import annotations

from collections.abc import Iterable

from docgen.markdown import block, bullets, code, page, prose, sentence, table
from synscope.causes.catalogue import CATALOGUE, by_code, by_slug
from synscope.causes.cause import Cause, Prediction, Sign, Word
from synscope.causes.deciding import neighbours
from synscope.causes.priors import PRIORS, STAGES, prior
from synscope.evidence.by_hand import ByHand
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Check, Kind, Label, Source, Stage
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
        "## Where connections stop",
        "How often a connection with a label stops at a stage, in parts of a hundred, and how often each cause is "
        "the reason there, in parts of a thousand. The prior of a cause behind a label is the product, summed over "
        "the stages.",
        table(
            ("label", "stages"),
            (
                (_label_link(label), ", ".join(f"{stage.value} {parts}" for stage, parts in stages.items()))
                for label, stages in STAGES.items()
            ),
        ),
        table(("stage", "causes"), ((stage.value, _at_stage(stage)) for stage in Stage if _at_stage(stage))),
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
        *_shows(cause),
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


def _at_stage(stage: Stage) -> str:
    found = [(cause, PRIORS[cause.code][stage]) for cause in CATALOGUE if stage in PRIORS.get(cause.code, {})]
    return ", ".join(f"{_link(cause)} {parts}" for cause, parts in sorted(found, key=lambda item: -item[1]))


def _shows(cause: Cause) -> Iterable[str]:
    """Yield where it stops a connection, and what makes it a candidate."""
    if cause.stops:
        yield (
            f"It stops a connection at: {', '.join(stage.value for stage in cause.stops)}. It is considered where "
            "the packets leave one of these stages open."
        )
    only = "It is considered only" if cause.kind is Kind.FAILURE else "It is mentioned only"
    unless = ", or nobody could tell" if cause.kind is Kind.FAILURE else ""
    for group in cause.shows_by:
        yield f"{only} where one of these is seen{unless}:"
        yield bullets(map(_sign, group))


_WORDS = {
    Word.ALWAYS: ("Always shows", "Where all that was looked for is denied, it is ruled out."),
    Word.USUALLY: ("Usually shows", ""),
    Word.SELDOM: ("Seldom shows", ""),
    Word.NEVER: ("Never shows", "Where it is there, this cause is ruled out."),
}


def _evidence(cause: Cause) -> Iterable[str]:
    yield "## Evidence"
    if cause.predicts:
        yield "What it predicts ([the words and their numbers](../confidence.md#four-words)):"
        yield "\n".join(_prediction(prediction) for prediction in cause.predicts)
    if cause.proof:
        yield "Proves it; each line alone is enough, all of a line are needed:"
        yield bullets("; *and* ".join(_sign(sign) for sign in group) for group in cause.proof)
    else:
        yield "No observation proves it by itself, so it is never *certain*."
    if not cause.names:
        return
    yield "Who can see these things, and how to ask by hand:"
    yield table(
        ("evidence", "seen in", "meaning", "by hand (Linux)"),
        (
            (
                code(name),
                _SOURCES[QUESTIONS[name].source],
                prose(QUESTIONS[name].meaning),
                _on_linux(QUESTIONS[name].by_hand),
            )
            for name in cause.names
        ),
    )


def _on_linux(by_hand: tuple[ByHand, ...]) -> str:
    found = next((each for each in by_hand if each.os in {"linux", "any"}), None)
    return "" if found is None else code(GENERIC.fill(found.command))


def _prediction(prediction: Prediction) -> str:
    """Return a prediction as an item of a list; several ways of showing the same stand below it."""
    lead, consequence = _WORDS[prediction.word]
    after = f" {consequence}" if consequence else ""
    if len(prediction.signs) == 1:
        return f"- {lead}: {_sign(prediction.signs[0])}.{after}"
    head = "Shows none" if prediction.word is Word.NEVER else f"{lead} one"
    lines = [f"- {head} of these.{after}"]
    return "\n".join([*lines, *(f"  - {_sign(sign)}" for sign in prediction.signs)])


def _looks_like(cause: Cause) -> Iterable[str]:
    if cause.refines:
        yield (
            "It can be the reason behind a more general cause, and both are true then: "
            + ", ".join(_link(by_slug[slug]) for slug in cause.refines)
            + "."
        )
    alike = neighbours(cause)
    if alike:
        yield "## Look-alikes"
        yield "These stop a connection at the same stage. A report names those that stand, and what decides."
        yield bullets(
            f"{_link(by_code[number])}: {prose(GENERIC.fill(by_code[number].title))}" for number in alike
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
    return f"{name}:\n\n" + block(GENERIC.fill(command, system), shell)


def _sign(sign: Sign) -> str:
    meaning = prose(QUESTIONS[sign.name].meaning)
    wanted = meaning if sign.answer is Answer.YES else f"someone looked, and it is *not* so that {meaning}"
    return f"{wanted} (`{sign.name}`)"


def _link(cause: Cause) -> str:
    return f"[{cause.code} {cause.slug}]({cause.slug}.md)"


def _label_link(label: Label) -> str:
    return f"[{label.value}](../labels.md#{label.value.lower()})"
