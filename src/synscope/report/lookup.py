"""What ``explain`` was asked about: a cause, a label, an outcome, a stage, an error message or a port number.

Input: text as people type or paste it. Output: one ``Explained``, or ``None``; then ``suggestions`` may help.
Tried in this order: port number (digits only), cause by code or slug, label, outcome, stage of the path, error text,
and at last a port that the text mentions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from synscope import targets
from synscope.causes import catalogue
from synscope.causes.cause import Cause
from synscope.engine.outcome import OUTCOME_RULES, OutcomeRule
from synscope.model import Label, Stage
from synscope.reference import errors
from synscope.reference.error_meaning import ErrorMeaning

_SUGGESTIONS = 4

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class PortAnswer:
    """A number asked about as a port; ``errors`` are the errors that have the same number."""

    port: int
    errors: tuple[ErrorMeaning, ...]


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A pasted error: its meanings, best first, and the port that the text mentions."""

    meanings: tuple[ErrorMeaning, ...]
    port: int | None


Explained = Cause | Label | Stage | OutcomeRule | ErrorAnswer | PortAnswer


def look_up(text: str) -> Explained | None:
    """Return what ``text`` names, or ``None`` when nothing is known by that name."""
    asked = text.strip()
    if asked.isascii() and asked.isdigit():
        return _port(asked)
    return (
        catalogue.find(asked)
        or _label(asked)
        or _outcome(asked)
        or _stage(asked)
        or _error(asked)
        or _mentioned(asked)
    )


def suggestions(text: str) -> tuple[str, ...]:
    """Return a few names that resemble ``text``, best first."""
    names = [
        *(label.value for label in Label),
        *(stage.value for stage in Stage),
        *(rule.outcome.value for rule in OUTCOME_RULES),
    ]
    by_folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(text.strip().lower(), by_folded, n=2, cutoff=0.6)
    found = [*errors.close_matches(text), *(by_folded[name] for name in close), *catalogue.suggest(text)]
    return tuple(dict.fromkeys(found))[:_SUGGESTIONS]


def _port(digits: str) -> PortAnswer | None:
    try:
        number = targets.parse(digits).port
    except targets.TargetError:
        return None
    return PortAnswer(number, errors.find(f"[Errno {number}]"))


def _label(text: str) -> Label | None:
    return _named(text, ((label.value, label) for label in Label))


def _outcome(text: str) -> OutcomeRule | None:
    return _named(text, ((rule.outcome.value, rule) for rule in OUTCOME_RULES))


def _stage(text: str) -> Stage | None:
    return _named(text, ((stage.value, stage) for stage in Stage))


def _named(text: str, names: Iterable[tuple[str, _Thing]]) -> _Thing | None:
    folded = _folded(text)
    return next((thing for name, thing in names if _folded(name) == folded), None)


def _folded(text: str) -> str:
    return text.lower().replace("_", "-").replace(" ", "-")


def _error(text: str) -> ErrorAnswer | None:
    meanings = errors.find(text)
    return ErrorAnswer(meanings, errors.port_in(text)) if meanings else None


def _mentioned(text: str) -> PortAnswer | None:
    """Return the port that the text mentions, or that of the target that the text is."""
    port = errors.port_in(text)
    if port is None:
        try:
            port = targets.parse(text).port
        except targets.TargetError:
            return None
    return PortAnswer(port, ())
