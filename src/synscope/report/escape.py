r"""Makes text from captures, paths and arguments safe to show: what cannot be seen becomes visible.

Input: any ``str``, also one with lone surrogates. Output: text without control characters, newlines,
bidirectional overrides, invisible format characters or surrogates; each is written as ``\xNN``,
``\uNNNN`` or ``\UNNNNNNNN``. A terminal can then be neither steered nor misled by what is printed, and
every output encodes as UTF-8.
"""

from __future__ import annotations

import re
import unicodedata

_PRINTABLE_ASCII = re.compile(r"[ -~]*", re.ASCII)

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})

_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category that show as nothing."""

_BYTES_AS_SURROGATES = range(0xDC80, 0xDD00)
"""Where Python puts the bytes 0x80 to 0xff of a file name that is no UTF-8 (PEP 383)."""

_SURROGATES = re.compile("[\ud800-\udfff]")

_ASCII = str.maketrans(
    {
        "·": "|",
        "µ": "u",
        "…": "...",
        "→": "->",
        "←": "<-",
        "▶": ">",
        "◀": "<",
        "─": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u00d7": "x",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "✓": "+",
        "✗": "x",
        "│": "|",
        "└": "`",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "²": "^2",
        "\u00a0": " ",
    }
)

OWN_SYMBOLS = "·µ…→▶◀─\u2013\u00d7≠✓✗│└"
"""What reports use beyond ASCII: an output that can encode these gets them."""


def visible(text: str) -> str:
    """Return ``text`` with every character that does not show as itself spelled out."""
    if _PRINTABLE_ASCII.fullmatch(text):
        return text
    return "".join(_shown(character) for character in text)


def ascii_only(text: str) -> str:
    """Return ``text`` for an output that has ASCII only: symbols by their look, others spelled out."""
    return visible(text).translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def well_formed(text: str) -> str:
    r"""Return ``text`` with lone surrogates spelled out: JSON readers other than Python's reject them.

    Python puts bytes of a file name that are no UTF-8 into surrogates; those become ``\xNN``.
    """
    return _SURROGATES.sub(lambda match: _spelled(match.group()), text)


def _shown(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _BLANKS:
        return _spelled(character)
    return character


def _spelled(character: str) -> str:
    number = ord(character)
    if number in _BYTES_AS_SURROGATES:
        number -= _BYTES_AS_SURROGATES.start
        return f"\\x{number + 0x80:02x}"
    if character <= "\xff":
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if character <= "\uffff" else f"\\U{number:08x}"
