"""From an event's ``format`` text to a pattern that takes its lines apart.

Fields differ between kernels, and so does what is printed of them; the ``print fmt`` string says what and in which
order. Each conversion is named by the word before it (``skbaddr=%p``, ``reason: %s``). Pure. Source:
Documentation/trace/events.rst, "Event formats".
"""

from __future__ import annotations

import re
from typing import Final

_PRINT = re.compile(r'^print fmt: "((?:[^"\\]|\\.)*)"', re.MULTILINE)
_CONVERSION = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)(?P<between>=|: ))?%[-+ #0]*\d*(?:\.\d+)?[hlqzjtL]*[A-Za-z]"
)
_SPECIFIER_TAIL: Final = {"p": re.compile(r"(?:I(?:S[pfscbnh]*|[46][hnbslc]*)|[SsFfBxKehMmUVDdgNtOEG])")}
"""What may follow ``%p`` (Documentation/core-api/printk-formats.rst)."""


class FormatError(ValueError):
    """A ``format`` text that does not say what is printed."""


def pattern_of(text: str) -> re.Pattern[str]:
    """Return a pattern for what follows ``event: `` in a line; its groups carry the printed names.

    Raises ``FormatError`` when ``text`` has no ``print fmt`` or a name twice.
    """
    found = _PRINT.search(text)
    if found is None:
        raise FormatError("the event's format has no 'print fmt'")
    printed = found[1]
    parts: list[str] = []
    at = 0
    for conversion in _CONVERSION.finditer(printed):
        if conversion.start() < at:
            continue
        parts.append(re.escape(printed[at : conversion.start()]))
        parts.append(_group(conversion))
        at = _end(printed, conversion)
    parts.append(re.escape(printed[at:]))
    try:
        return re.compile("".join(parts))
    except re.error as error:
        raise FormatError(f"the event's format names a field twice: {error}") from error


def _group(conversion: re.Match[str]) -> str:
    if not conversion["name"]:
        return "(?:.*?)"
    return f"{conversion['name']}{re.escape(conversion['between'])}(?P<{conversion['name']}>.*?)"


def _end(printed: str, conversion: re.Match[str]) -> int:
    tail = _SPECIFIER_TAIL.get(conversion[0][-1])
    follows = tail.match(printed, conversion.end()) if tail else None
    return follows.end() if follows else conversion.end()
