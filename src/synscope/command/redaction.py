"""Takes passwords and tokens out of a command line, and out of what a command printed, before they are recorded.

Input: words or text. Output: the same with ``***`` in place of what looks like a secret: credentials in URLs,
values of options and variables whose names say so, headers that authorise. It goes by form: a password given as a
plain word, with nothing beside it that calls it one, stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

HIDDEN: Final = "***"

_NAME: Final = (
    r"[\w-]*(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|bearer|credentials?)[\w-]*"
)
_OPTION: Final = re.compile(rf"--?(?:{_NAME}|pass|pw)", re.IGNORECASE)
_USERS: Final = frozenset({"-u", "--user", "-U", "--proxy-user"})
_IN_TEXT: Final = (
    # scheme://user:password@host
    (re.compile(r"(?<=://)[^\s/@'\"]*:?[^\s/@'\"]*@"), f"{HIDDEN}@"),
    # Authorization: Bearer …
    (
        re.compile(
            r"((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token|secret|auth)[\w-]*)(\s*:\s*)[^'\"\r\n]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    # --token=…, API_KEY=…
    (
        re.compile(rf"((?:--?|\b)(?:{_NAME}|pass)=)(?:'[^']*'|\"[^\"]*\"|[^\s'\"&;]+)", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    # --password … and -u user:…, inside the argument of sh -c
    (re.compile(rf"((?:^|\s)--?(?:{_NAME}|pass)\s+)(?!-)[^\s'\"]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"((?:^|\s)(?:-u|-U|--user|--proxy-user)[\s=]?[^\s:'\"]+:)[^\s'\"]+"), rf"\1{HIDDEN}"),
)


def redact_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command without secrets."""
    shown: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if _OPTION.fullmatch(before) and not word.startswith("-"):
            shown.append(HIDDEN)
        elif before in _USERS and ":" in word:
            shown.append(f"{word.partition(':')[0]}:{HIDDEN}")
        else:
            shown.append(redact_text(word))
    return tuple(shown)


def redact_text(text: str) -> str:
    """Return a line or a shell's command without secrets."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text
