"""Splits a command line into options and arguments, and a shell's text into command lines.

Input: words, and which options take a value. Output: plain tuples. Nothing here knows a program.

Source: getopt_long(3): ``-ab``, ``-ovalue``, ``-o value``, ``--long=value``, ``--long value``, ``--`` ends options.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

_SEPARATORS: Final = frozenset("();<>|&\n")


class Part(NamedTuple):
    """An option with or without a value, or an argument (then ``option`` is empty)."""

    option: str
    value: str | None


def options_and_arguments(
    words: Sequence[str], with_value: Collection[str], *, long_with_one_dash: bool = False
) -> Iterator[Part]:
    """Yield the options and arguments in their order."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from (Part("", argument) for argument in rest)
        elif not word.startswith("-") or word == "-":
            yield Part("", word)
        elif word.startswith("--") or long_with_one_dash or word in with_value:
            name, equals, value = word.partition("=")
            takes = not equals and name in with_value
            yield Part(name, value if equals else next(rest, None) if takes else None)
        else:
            yield from _short(word, with_value, rest)


def _short(word: str, with_value: Collection[str], rest: Iterator[str]) -> Iterator[Part]:
    for at, letter in enumerate(word[1:], start=2):
        name = f"-{letter}"
        if name in with_value:
            yield Part(name, word[at:].removeprefix("=") or next(rest, None))
            return
        yield Part(name, None)


def shell_commands(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the simple commands of a shell's text; empty where its quotes do not match.

    Variables and substitutions stay as they are written: nothing is expanded.
    """
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) <= _SEPARATORS:
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError:
        return ()
    return tuple(tuple(command) for command in commands if command)
