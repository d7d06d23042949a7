"""Explanations and the catalogue as JSON values: ``explain --format json``, ``causes --format json``."""

from __future__ import annotations

from synscope.causes import deciding
from synscope.causes.cause import Cause
from synscope.engine.outcome import OUTCOME_RULES, OutcomeRule
from synscope.model import Label, Stage
from synscope.reference import ports
from synscope.reference.error_meaning import ErrorMeaning
from synscope.report.explanation import GENERIC, likely_causes
from synscope.report.json_records import JsonValue, Record
from synscope.report.labels_text import LABEL_TEXTS
from synscope.report.lookup import ErrorAnswer, Explained, PortAnswer
from synscope.report.stages_text import STAGE_TEXTS, causes_at, labels_at, looks_at


def explanation(query: str, answer: Explained) -> Record:
    """Return the document for one question: what was asked, what kind of thing it is, what is known."""
    about: str
    if isinstance(answer, Cause):
        about, known = "cause", cause(answer)
    elif isinstance(answer, Label):
        about, known = "label", _label(answer)
    elif isinstance(answer, Stage):
        about, known = "stage", _stage(answer)
    elif isinstance(answer, OutcomeRule):
        about, known = "outcome", _outcome(answer)
    elif isinstance(answer, ErrorAnswer):
        about, known = "error", _errors(answer)
    else:
        about, known = "port", _port(answer)
    return {"type": "explanation", "query": query, "about": about, about: known}


def cause(cause: Cause) -> Record:
    """Return all that the catalogue says about one cause."""
    fill = GENERIC.fill
    checks: list[JsonValue] = [
        {
            "os": item.os,
            "command": fill(item.command, item.os),
            "expect": fill(item.expect),
            "then": fill(item.then),
        }
        for item in cause.checks
    ]
    return {
        **summary(cause),
        "since": cause.since,
        "meaning": fill(cause.meaning),
        "documented_in": [*cause.documented_in],
        "decided_by": fill(cause.decided_by),
        "checks": checks,
        "fixes": [fill(fix) for fix in cause.fixes],
        "look_alikes": [*deciding.neighbours(cause)],
        "references": [*cause.references],
    }


def summary(cause: Cause) -> Record:
    """Return one line of the list of causes."""
    return {
        "code": cause.code,
        "slug": cause.slug,
        "kind": cause.kind.value,
        "title": GENERIC.fill(cause.title),
        "labels": [label.value for label in cause.labels],
    }


def _label(label: Label) -> Record:
    text = LABEL_TEXTS[label]
    return {
        "label": label.value,
        "short": text.short,
        "meaning": text.meaning,
        "says": text.says,
        "says_not": text.says_not,
        "outcomes": [_outcome(rule) for rule in OUTCOME_RULES if rule.label is label],
        "causes": [cause.code for cause in likely_causes(label)],
    }


def _stage(stage: Stage) -> Record:
    text, fill = STAGE_TEXTS[stage], GENERIC.fill
    by_hand: list[JsonValue] = [
        {
            "os": look.os,
            "command": fill(look.command, look.os),
            "reading": fill(look.reading),
            "asks": fill(look.asks),
        }
        for look in looks_at(stage)
    ]
    return {
        "stage": stage.value,
        "short": text.short,
        "happens": text.happens,
        "passed": text.passed,
        "labels": [label.value for label in labels_at(stage)],
        "causes": [cause.code for cause in causes_at(stage)],
        "by_hand": by_hand,
    }


def _outcome(rule: OutcomeRule) -> Record:
    return {"outcome": rule.outcome.value, "label": rule.label.value, "meaning": rule.meaning}


def _errors(answer: ErrorAnswer) -> Record:
    return {"port": answer.port, "meanings": [_error(item) for item in answer.meanings]}


def _error(error: ErrorMeaning) -> Record:
    numbers: list[JsonValue] = [
        {"system": system.value, "number": number} for system, number in error.numbers
    ]
    return {
        "name": error.name,
        "meaning": error.meaning,
        "on_the_wire": error.on_the_wire,
        "labels": [*error.labels],
        "causes": [*error.cause_slugs],
        "numbers": numbers,
        "references": [*error.references],
        **({"remedy": error.remedy} if error.remedy else {}),
    }


def _port(answer: PortAnswer) -> Record:
    port = answer.port
    uses: list[JsonValue] = [
        {"name": use.name, "what": use.what, "tags": [*use.tags]} for use in ports.usual(port)
    ]
    record: Record = {
        "port": port,
        "class": ports.classify(port).value,
        "is_port": 1 <= port <= ports.PORT_MAX,
        "description": ports.describe(port),
        "usual": uses,
        "blocked_by_browsers": port in ports.BLOCKED_BY_BROWSERS,
        "errors": [error.name for error in answer.errors],
    }
    if port > ports.PORT_MAX:
        record["wrapped"] = ports.wrap(port)
        record["refused_by"] = [saying.client for saying in ports.REFUSING_CLIENTS]
        record["wrapped_by"] = [saying.client for saying in ports.WRAPPING_CLIENTS]
    return record
