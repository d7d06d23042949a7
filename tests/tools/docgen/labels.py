"""``docs/labels.md``: the labels, their outcomes with the conditions in words, the rule table, the events."""

from __future__ import annotations

from docgen.markdown import bullets, code, page, prose, sentence, table
from synscope.causes.catalogue import CATALOGUE
from synscope.causes.priors import prior
from synscope.engine.outcome import EVENTS, OUTCOME_RULES, OutcomeRule
from synscope.evidence.packets.summary import WORST_FIRST
from synscope.model import FAILURES, Kind, Label
from synscope.report.labels_text import CLAIM_TEXTS, LABEL_TEXTS

DIAGRAM = "pictures/rules.svg"
DIAGRAM_ALT = (
    "The rule table as boxes from above, one for neighbouring rules of one label: what they share, then a line a "
    "rule with its other conditions and its outcome. Where no rule of a box holds, the next box is looked at. "
    "The table above says the same in words."
)

_MEANINGS = dict(EVENTS)
_PLACES = {rule.outcome: place for place, rule in enumerate(OUTCOME_RULES, 1)}


def text() -> str:
    """Return the page."""
    return page(
        "Labels and outcomes",
        "An *attempt* is one try to connect. While the capture is read, every attempt collects the set of "
        "events that were seen of it. Afterwards the first rule of the table whose conditions hold names "
        "its *outcome*, and with it its *label*. Which segment may set which event is decided by sequence "
        "and acknowledgement numbers, so stray segments do not change a verdict. [Odd "
        "handshakes](odd-handshakes.md) lists the cases that are easily called by the wrong name.",
        bullets(
            (
                f"[{label.value}](#{label.value.lower()}): {prose(LABEL_TEXTS[label].short)}"
                f"{'; counts as a failure to connect' if label in FAILURES else ''}"
            )
            for label in Label
        ),
        *(_label(label) for label in Label),
        "## The label of a target",
        "A target has many attempts at times. Its label is theirs when they agree. Otherwise it is the first "
        "of this list that any of them has, not counting attempts that failed while the same try "
        "succeeded at another address; without any attempt it is client-never-sent.",
        "\n".join(f"{place}. {label.value}" for place, label in enumerate(WORST_FIRST, 1)),
        "## The rule table",
        "In order; the first rule that holds names the outcome. *All of* and *none of* speak about the set "
        "of events of one attempt.",
        table(("", "outcome", "label", "all of", "one of", "none of"), map(_row, OUTCOME_RULES)),
        "## The same as a diagram",
        f"![{DIAGRAM_ALT}]({DIAGRAM})",
        "## Events",
        table(("event", "what was seen"), ((code(name), prose(meaning)) for name, meaning in EVENTS)),
    )


def _label(label: Label) -> str:
    words = LABEL_TEXTS[label]
    rules = [rule for rule in OUTCOME_RULES if rule.label is label]
    parts = [
        f"## {label.value}",
        prose(words.meaning),
        f"**What it shows.** {prose(words.says)}",
        f"**What it does not show.** {prose(words.says_not)}",
    ]
    if rules:
        parts.append("**Outcomes**, when no earlier rule of the table holds:")
        parts.append("\n".join(_outcome(rule) for rule in rules))
    if label is Label.CLIENT_NEVER_SENT:
        parts.append(
            "It has no outcomes, for it is about a target and not about an attempt. Its *claim* says how "
            "strong it is:"
        )
        parts.append(bullets(f"`{claim.value}`: {prose(words)}" for claim, words in CLAIM_TEXTS.items()))
    causes = sorted(
        (cause for cause in CATALOGUE if cause.kind is Kind.FAILURE and label in cause.labels),
        key=lambda cause: -prior(cause.code, label),
    )
    if causes:
        links = " · ".join(f"[{cause.code} {cause.slug}](causes/{cause.slug}.md)" for cause in causes)
        parts.append(f"**Causes**, the most usual first: {links}")
    return "\n\n".join(parts)


def _outcome(rule: OutcomeRule) -> str:
    lines = [f"- `{rule.outcome.value}` (rule {_PLACES[rule.outcome]}): {sentence(rule.meaning)}"]
    for lead, names in (("all of", rule.needs), ("one of", rule.any_of), ("none of", rule.unless)):
        if names:
            listed = "; ".join(f"{prose(_MEANINGS[name])} (`{name}`)" for name in names)
            lines.append(f"  - *{lead}:* {listed}")
    return "\n".join(lines)


def _row(rule: OutcomeRule) -> tuple[str, ...]:
    columns = (" ".join(map(code, names)) for names in (rule.needs, rule.any_of, rule.unless))
    return (str(_PLACES[rule.outcome]), code(rule.outcome.value), rule.label.value, *columns)
