"""Text for Markdown that nobody can write Markdown with: words, code spans and fenced blocks.

Input: any text, also attacker-chosen. Output: CommonMark whose structure the text cannot change, nor
what sites make of it beyond CommonMark (autolinks, @mentions, #references, :emoji:, $formulas$): whatever
is no plain word stands in code, where none of them looks. Backslashes would not do: sites search the
text for mentions after it is rendered. Source: CommonMark 0.31.2 (4.5 fenced blocks, 6.1 code spans).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from synscope.report.escape import visible

_WORD: Final = r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*"
_NUMBER: Final = r"\d{1,3}(?:,\d{3})*(?:\.\d+)?|\d{1,6}"
_PLAIN: Final = re.compile(
    rf"[(\"\u201c\u2018]*(?:{_WORD}|{_NUMBER})[.,;:?)\"\u201d\u2019]*|\u2013|\u2192|\u00b7|\u2026"
)
"""A word or a number as prose has it, with its punctuation. Nothing with dots or dashes inside: chats link it."""

_BACKTICKS: Final = re.compile("`+")
_SHORTEST_FENCE: Final = 3


def prose(text: str) -> str:
    """Return ``text`` as one line inside a paragraph: plain words as they are, all else in code.

    It must not begin a line: after a line's beginning, words like ``1.`` would mean something.
    """
    runs = groupby(visible(text).split(), key=_is_plain)
    return " ".join(" ".join(words) if plain else code(" ".join(words)) for plain, words in runs)


def bold(text: str) -> str:
    """Return ``text`` as ``prose``, strong; empty where there is none."""
    inner = prose(text)
    return f"**{inner}**" if inner else ""


def code(text: str) -> str:
    """Return ``text`` as a code span, empty where there is none."""
    shown = visible(text)
    if not shown.strip():
        return ""
    marks = "`" * (_longest(shown) + 1)
    edge = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{marks}{edge}{shown}{edge}{marks}"


def fenced(lines: Iterable[str], language: str = "text") -> str:
    """Return ``lines`` as a fenced block that none of them can end, with its newline."""
    body = "".join(f"{visible(line)}\n" for line in lines)
    marks = "`" * max(_SHORTEST_FENCE, _longest(body) + 1)
    return f"{marks}{language}\n{body}{marks}\n"


def _is_plain(word: str) -> bool:
    return _PLAIN.fullmatch(word) is not None


def _longest(text: str) -> int:
    return max((len(found.group()) for found in _BACKTICKS.finditer(text)), default=0)
