"""What a finding says in words: headline, summary, and what to do about just the error that somebody named.

Input: a cause, the answers and the placeholders of one target. Output: ``Words``. The most specific fact is the
headline: of a cause's ``headlines`` the first whose question has the answer yes, else its title. The summary then
says what the headline did not. What a service or a client said is looked up in the table of errors: what it means
and what to do about it are the same here and in ``synscope explain``.

Quotes of strangers are bounded here and escaped by the reports. What a stranger wrote has no placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.causes.cause import OBSERVED, QUOTED, Cause, Sign
from synscope.causes.likelihood import holds
from synscope.causes.placeholders import Placeholders
from synscope.model import Kind, Observation, Source
from synscope.reference.errors_services import named_in

if TYPE_CHECKING:
    from synscope.reference.error_meaning import ErrorMeaning

Observations = Mapping[str, Observation]

MOST_QUOTED: Final = 320
"""Characters of an answer's text that a summary quotes at most."""
LONGEST_HEADLINE: Final = 150
"""Characters of a headline."""
_FEW: Final = 40
"""So many characters of a quote tell whether it is there already."""
_LAST_WORDS: Final = "service-error"


class Words(NamedTuple):
    """How a finding is told."""

    title: str
    summary: str
    fixes: tuple[str, ...] = ()
    """What to do about just the error that the service or the client named."""


def words_of(cause: Cause, observations: Observations, placeholders: Placeholders) -> Words:
    """Return how to tell a finding of ``cause``."""
    headline = _headline(cause, observations, placeholders)
    said_by, said = _said(cause, observations, placeholders)
    if said_by and _is_told(said, observations[said_by].text, headline):
        said = ""
    known = _named_error(cause, observations)
    meaning = "" if known is None else known.meaning
    last = _last_words(cause, observations, f"{headline} {said}")
    summary = " ".join(filter(None, (placeholders.fill(cause.summary), said, meaning, last)))
    return Words(
        headline or placeholders.fill(cause.title), summary, (known.remedy,) if known is not None else ()
    )


def _is_told(said: str, text: str, headline: str) -> bool:
    """Whether a headline tells already what a sentence quotes of an answer's text."""
    quoted = _quoted(text) or _counted().sub("", text).removeprefix("the server answered ")
    core, told = _core(" ".join(quoted.split())), _core(headline)
    return bool(headline) and _core(said).find(core[:_FEW]) >= 0 and core[:_FEW] in told


def _last_words(cause: Cause, observations: Observations, told: str) -> str:
    """Return what the service said last in its own protocol, where nothing else tells it; it says why."""
    if cause.kind is not Kind.FAILURE or not holds(Sign(_LAST_WORDS), observations):
        return ""
    quoted = _quoted(observations[_LAST_WORDS].text)
    if not quoted or _core(quoted)[:_FEW] in _core(told):
        return ""
    return f"The service's own last words: \u201c{_cut(quoted, MOST_QUOTED)}\u201d."


def _headline(cause: Cause, observations: Observations, placeholders: Placeholders) -> str:
    """Return the text of the first headline that holds, empty where none does."""
    for name, headline in cause.headlines:
        if not holds(Sign(name), observations):
            continue
        text = _counted().sub("", observations[name].text)
        quoted = _quoted(text)
        if QUOTED in headline and not quoted:
            continue
        shown = placeholders.fill(headline)
        room = LONGEST_HEADLINE - len(shown)
        if OBSERVED in headline and len(text) > room + len(OBSERVED):
            continue  # cut, it would say something else
        observed = _sentence(text) if shown.startswith(OBSERVED) else text
        filled = shown.replace(OBSERVED, observed).replace(QUOTED, _cut(quoted, max(room, 40)))
        return filled.rstrip(".")
    return ""


def _said(cause: Cause, observations: Observations, placeholders: Placeholders) -> tuple[str, str]:
    """Return what a cause says of the first of its questions that has the answer yes, with the answer's words."""
    for name, sentence in cause.says:
        if holds(Sign(name), observations):
            words = _sentence(_cut(observations[name].text, MOST_QUOTED))
            return name, placeholders.fill(sentence).replace(OBSERVED, words)
    return "", ""


def _named_error(cause: Cause, observations: Observations) -> ErrorMeaning | None:
    """Return the error with a remedy that somebody's words name, and that this cause explains."""
    for words in _quotes(cause, observations):
        for known in named_in(words):
            if cause.slug in known.cause_slugs:
                return known
    return None


def _quotes(cause: Cause, observations: Observations) -> Iterator[str]:
    """Yield the texts of the answers that speak for a cause, with the words of others in them."""
    for name in dict.fromkeys(name for name, _ in (*cause.headlines, *cause.says)):
        if not holds(Sign(name), observations):
            continue
        seen = observations[name]
        if seen.source is Source.PAYLOAD or _quoted(seen.text):
            yield seen.text


@cache
def _quotation() -> re.Pattern[str]:
    return re.compile(r"\u201c([^\u201d]{2,})\u201d|\b(?:command|server|log) said: (.{2,})", re.DOTALL)


@cache
def _counted() -> re.Pattern[str]:
    """Return how an answer ends that is about some of the connections: a headline is about what happened."""
    return re.compile(r" \(in [\d,]+ of [\d,]+ connections looked at\)$")


def _quoted(text: str) -> str:
    """Return the first words of somebody else that a text quotes, empty where it quotes none."""
    found = _quotation().search(text)
    return " ".join((found[1] or found[2]).split()) if found is not None else ""


def _sentence(text: str) -> str:
    """Return a text as the beginning of a sentence, on one line."""
    words = " ".join(text.split())
    return words[:1].upper() + words[1:]


def _cut(text: str, most: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else words[:most] + "\u2026"


def _core(text: str) -> str:
    return text.rstrip(". ").casefold()
