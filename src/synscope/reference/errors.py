"""Recognises pasted error messages and says what each means for the connection.

Input: text as people paste it: one error name, one line, or a stack trace with noise around it. It may be
huge or hostile; only the first ``TEXT_LIMIT`` characters are read and every pattern is bounded. Output:
rows of the error table, best first. Nothing here raises on any text.

Rules of recognition, strongest first: a text that belongs to one error; a number in a form that marks it
as an error code (``[Errno 111]``, ``WinError 10061``, ``curl: (7)``); a text that several errors share.
Among texts the longer match wins. A bare number is a port, never a code.

Sources: the tables ``errors_kernel``, ``errors_client``, ``errors_exchange`` and ``errors_services``, whose
rows name theirs; errno.h of Linux and macOS for numbers that differ.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from synscope.reference.error_meaning import GAP, ErrorMeaning, System
from synscope.reference.errors_client import CLIENT_ERRORS
from synscope.reference.errors_exchange import EXCHANGE_ERRORS
from synscope.reference.errors_kernel import KERNEL_ERRORS
from synscope.reference.errors_services import SERVICE_ERRORS

__all__ = ["ERRORS", "TEXT_LIMIT", "ErrorMeaning", "System", "close_matches", "find", "port_in"]

TEXT_LIMIT = 10_000
"""Characters of the pasted text that are read."""

_RESULT_LIMIT = 6
_GAP_WIDTH = 80

ERRORS: tuple[ErrorMeaning, ...] = (*KERNEL_ERRORS, *CLIENT_ERRORS, *EXCHANGE_ERRORS, *SERVICE_ERRORS)
"""The whole table; among equally good matches the earlier row wins."""

_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_PLAIN_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def _plain(text: str) -> str:
    """Return the text in the form the patterns expect: bounded, lower case, one blank between words."""
    uncoloured = _TERMINAL_COLOUR.sub("", text[:TEXT_LIMIT])
    return " ".join(uncoloured.translate(_PLAIN_QUOTES).lower().split())


class _Strength(NamedTuple):
    """How well a row fits; compares as better when larger."""

    tier: int
    length: int


_HINT, _NUMBER, _TEXT = range(3)
_NO_MATCH = _Strength(-1, 0)


class _Phrase(NamedTuple):
    parts: tuple[str, ...]
    """What stands before and after the gap: where one of them is not in a text, the spelling is not."""
    strength: _Strength
    row: int


def _phrase(spelling: str, tier: int, row: int) -> _Phrase:
    parts = tuple(part.strip() for part in spelling.lower().split(GAP))
    return _Phrase(parts, _Strength(tier, len(spelling.replace(GAP, ""))), row)


def _occurs(parts: tuple[str, ...], plain: str) -> bool:
    return all(part in plain for part in parts) and _pattern(parts).search(plain) is not None


@cache
def _pattern(parts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what a spelling looks like. Only a few of hundreds are in any text, so none is compiled before."""
    # Not \b: an underscore may join a prefix (WSA_, UV_), and some spellings begin or end with a quote.
    before = "(?<![a-z0-9])" if parts[0][:1].isalnum() else ""
    after = "(?![a-z0-9])" if parts[-1][-1:].isalnum() else ""
    return re.compile(before + f".{{0,{_GAP_WIDTH}}}?".join(map(re.escape, parts)) + after)


_PHRASES: tuple[_Phrase, ...] = tuple(
    _phrase(spelling, tier, row)
    for row, error in enumerate(ERRORS)
    for tier, spellings in ((_TEXT, (error.name, *error.spellings)), (_HINT, error.hints))
    for spelling in spellings
)

_POSIX = (System.LINUX, System.MACOS, System.WINDOWS)

_NUMBER_FORMS: tuple[tuple[tuple[System, ...], re.Pattern[str]], ...] = tuple(
    (systems, re.compile(form))
    for systems, form in (
        (_POSIX, r"\[errno (-?\d{1,5})\]"),
        (_POSIX, r"\berrno[ :=]{1,2}(-?\d{1,5})(?!\d)"),
        (_POSIX, r"\bos error (\d{1,5})(?!\d)"),
        (_POSIX, r"\bsocketexception \((\d{1,5})\)"),
        (_POSIX, r"\berror (\d{1,5}) connecting"),
        (_POSIX, r"\((\d{1,3}): "),
        (_POSIX, r"(?:mysql|connect to) server on .{0,80}?\((\d{1,5})\)"),
        (_POSIX, r"\(0x[0-9a-f]{8}/(\d{5})\)"),
        ((System.WINDOWS,), r"(?:error|err|code)[ :#=(]{1,3}(?:code[ :=]{1,2})?(1[01]\d{3})(?!\d)"),
        ((System.CURL,), r"\bcurl:? \((\d{1,2})\)"),
        ((System.CURL,), r"\bcurl(?: error| exit code| exit status| exit)?:? (\d{1,2})(?![\d.])"),
        ((System.CURL,), r"\bpycurl\.error: \((\d{1,2}),"),
        # Exit code 1 is left out: it is what every other program returns, too.
        ((System.CURL,), r"\bcurl\b.{0,400}?\bexit(?:ed)?(?: with)?(?: code| status)? ([2-9]|\d\d)(?!\d)"),
        ((System.CURL,), r"^exit (?:code|status) ([2-9]|\d\d)$"),
        ((System.CHROMIUM,), r"\bnet_error (-\d{1,3})(?!\d)"),
        ((System.CHROMIUM,), r"\b(?:errorcode|code)[ :=]{1,3}(-\d{1,3})(?!\d)"),
        ((System.CHROMIUM,), r"\berr_[a-z_]{3,60} \((-\d{1,3})\)"),
        ((System.HTTP,), r"\bhttp(?:/\d(?:\.\d)?)?[ :]{1,2}(\d{3})(?!\d)"),
        ((System.HTTP,), r"\bstatus(?: ?code)?[ :=]{1,3}(\d{3})(?!\d)"),
        ((System.HTTP,), r"\b(?:returned error|server response): (\d{3})(?!\d)"),
        ((System.HTTP,), r"\berror[ :]{1,2}(?:code[ :]{1,2})?([45]\d\d)(?!\d)"),
    )
)
"""How a code looks in text, and whose codes that form can hold."""

_MEANS_ELSEWHERE: MappingProxyType[int, tuple[System, System, str]] = MappingProxyType(
    {
        **{
            number: (System.MACOS, System.LINUX, symbol)
            for number, symbol in (
                (8, "ENOEXEC"),
                (35, "EDEADLK"),
                (36, "ENAMETOOLONG"),
                (42, "ENOMSG"),
                (47, "EL3RST"),
                (48, "ELNRNG"),
                (49, "EUNATCH"),
                (50, "ENOCSI"),
                (51, "EL2HLT"),
                (53, "EBADR"),
                (54, "EXFULL"),
                (55, "ENOANO"),
                (57, "EBADSLT"),
                (60, "ENOSTR"),
                (61, "ENODATA"),
                (65, "ENOPKG"),
            )
        },
        **{
            number: (System.LINUX, System.MACOS, symbol)
            for number, symbol in (
                (11, "EDEADLK"),
                (92, "EILSEQ"),
                (97, "ENOLINK"),
                (98, "ENOSR"),
                (99, "ENOSTR"),
                (100, "EPROTO"),
                (101, "ETIME"),
                (103, "ENOPOLICY"),
                (104, "ENOTRECOVERABLE"),
                (105, "EOWNERDEAD"),
            )
        },
    }
)
"""Number: the system whose row it leads to, the system on which it is something else, and what."""


def _rows_by_code() -> MappingProxyType[tuple[System, int], tuple[int, ...]]:
    rows: defaultdict[tuple[System, int], list[int]] = defaultdict(list)
    for row, error in enumerate(ERRORS):
        for code in error.numbers:
            rows[code].append(row)
    return MappingProxyType({code: tuple(found) for code, found in rows.items()})


_ROWS_BY_CODE = _rows_by_code()


def _numbered(plain: str) -> dict[int, int]:
    """Return row: number, for every row whose code stands in the text in a form that marks it as one."""
    found: dict[int, int] = {}
    for systems, form in _NUMBER_FORMS:
        for match in form.finditer(plain):
            written = int(match.group(1))
            # libuv and Go print errno negated; getaddrinfo's own codes are negative to begin with.
            for number in dict.fromkeys((written, abs(written))):
                for system in systems:
                    for row in _ROWS_BY_CODE.get((system, number), ()):
                        found.setdefault(row, number)
    return found


def _with_note(error: ErrorMeaning, number: int) -> ErrorMeaning:
    """Return the row, with a sentence about the number if another system uses it for something else."""
    if number not in _MEANS_ELSEWHERE:
        return error
    here, there, symbol = _MEANS_ELSEWHERE[number]
    note = f"The number {number} means this on {here}; on {there} it is {symbol}."
    return error._replace(meaning=f"{error.meaning} {note}")


def find(text: str) -> tuple[ErrorMeaning, ...]:
    """Return what the pasted ``text`` says, best first, at most six rows; empty when nothing is known.

    A row that only a number led to carries a note in its ``meaning`` if that number means something else
    on another system ([Errno 61] is ECONNREFUSED on macOS and ENODATA on Linux).
    """
    plain = _plain(text)
    numbered = _numbered(plain)
    strengths: dict[int, _Strength] = {row: _Strength(_NUMBER, 0) for row in numbered}
    for phrase in _PHRASES:
        if phrase.strength > strengths.get(phrase.row, _NO_MATCH) and _occurs(phrase.parts, plain):
            strengths[phrase.row] = phrase.strength
    best = sorted(strengths, key=lambda row: (-strengths[row].tier, -strengths[row].length, row))
    return tuple(
        _with_note(ERRORS[row], numbered[row]) if strengths[row].tier == _NUMBER else ERRORS[row]
        for row in best[:_RESULT_LIMIT]
    )


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,59}")
_CLOSE_TEXT_LIMIT = 300
_CLOSE_WORDS = 12
_CLOSE_RESULTS = 3
_CLOSE_CUTOFF = 0.75

_NAMES: MappingProxyType[str, str] = MappingProxyType(
    {
        word.lower(): word
        for error in ERRORS
        for word in (error.name, *error.spellings)
        if _WORD.fullmatch(word) and (word.upper() == word or word.endswith(("Error", "Exception")))
    }
)


def close_matches(text: str) -> tuple[str, ...]:
    """Return up to three known error names that a word of ``text`` may be a misspelling of, closest first."""
    words = [word.lower() for word in _WORD.findall(text[:_CLOSE_TEXT_LIMIT])][:_CLOSE_WORDS]
    scored = {
        name: max(difflib.SequenceMatcher(None, name, word).ratio() for word in words)
        for word in words
        if word not in _NAMES
        for name in difflib.get_close_matches(word, _NAMES, n=_CLOSE_RESULTS, cutoff=_CLOSE_CUTOFF)
    }
    closest = sorted(scored, key=lambda name: (-scored[name], name))[:_CLOSE_RESULTS]
    return tuple(_NAMES[name] for name in closest)


_HOST = r"(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.%]{2,60}\]|::1|::|\*)"
_PORT = r"(\d{1,9})(?!\d|\.\d)"

_PORT_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form)
    for form in (
        # A socket pair names the client's own port first; a proxy's log names its listener first.
        rf"->(?:{_HOST}|[a-z0-9._-]{{1,80}}):{_PORT}",
        rf'upstream: "?(?:[a-z]{{2,6}}://)?[^\s:/"]{{1,80}}:{_PORT}',
        # Who asks a proxy names the target's URL first, then where the connect failed.
        rf"(?:proxyconnect tcp: dial tcp|connect to|connect (?:econnrefused|etimedout|ehostunreach))"
        rf" (?:{_HOST}|[a-z0-9._-]{{1,80}})(?::| port ){_PORT}(?= \[| failed| after|:|;|$)",
        # The number the client refused, next to the numbers it would take.
        rf"received(?: type number)? ?\(?{_PORT}\)",
        rf"port (?:out of range|number too large|number invalid|specification)[: \"']{{1,3}}{_PORT}(?! ?-)",
        rf"\baddress {_PORT}: invalid port",
        (
            rf"(?<![a-z0-9:.]){_HOST}:{_PORT}|://[^\s/:@\"']{{1,80}}:{_PORT}"
            rf"|\(['\"][^'\"\s]{{1,80}}['\"], {_PORT}"
            rf"|(?<![a-z])(?:host|container)?port(?: number)?[ :='\"(>]{{1,4}}{_PORT}(?! ?-)"
            rf"|\bdial tcp [a-z0-9._-]{{1,80}}:{_PORT}|\[\d{{1,3}}(?:\.\d{{1,3}}){{3}}\] {_PORT}"
        ),
        rf"^:?{_PORT}$",
    )
)
"""Where a port stands in a message; the first form that occurs wins, and within it the first place."""


def port_in(text: str) -> int | None:
    """Return the port that the pasted ``text`` names as the target, or None.

    The number is returned as written and may be larger than any port (up to nine digits). Of a socket
    pair (``a:1->b:2``) it is the far end, of a gateway's log line the upstream.
    """
    plain = _plain(text)
    for form in _PORT_FORMS:
        match = form.search(plain)
        if match is not None:
            return next(int(group) for group in match.groups() if group is not None)
    return None
