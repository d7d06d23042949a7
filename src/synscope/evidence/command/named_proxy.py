"""A question about a command that is told of a proxy: by an option, a setting in its words, a variable before it.

What stands in the client's environment or in its files is the host's to tell (``proxy-configured``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from posixpath import basename
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.view import CommandView
from synscope.evidence.question import Reply, Says, no, question, yes
from synscope.model import Source, Stage

_SHORT: Final[dict[str, str]] = {"curl": "-x", "curl.exe": "-x", "hey": "-x", "oha": "-x"}
"""Clients that have a letter for it (their manual pages)."""
_SHOWN: Final = 100


@cache
def _option() -> re.Pattern[str]:
    """Return the names of options that take a proxy: curl, httpie, pip, npm, ncat, grpcurl, Chromium and others."""
    return re.compile(
        r"--?(?:(?:https?|all|pre|socks)-?proxy|proxy(?:-server|-url|1\.0)?|socks[45]a?(?:-hostname)?)"
    )


@cache
def _setting() -> re.Pattern[str]:
    """Return the names of settings and variables: of git, Java, wget, shells. The first group is what it is for."""
    return re.compile(r"(?:-D)?(https?|all|socks)?[._]?proxy(?:host|_host)?", re.IGNORECASE)


@question(
    "command-names-proxy",
    Source.HOST,
    "the words of the command tell the client to use a proxy",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=of_client("an option or setting for a proxy in the client's command line: yes"),
)
def command_names_proxy(view: CommandView) -> Reply:
    from synscope.probes.host.proxy import redacted

    for words in view.simple_commands():
        for name, value in _proxies(words, view.target.scheme):
            shown = redacted(value)[:_SHOWN]
            return yes(f"the command is told of the proxy {shown} by {name.lstrip('-')[:_SHOWN]}")
    return no("no word of the command names a proxy")


def _proxies(words: Sequence[str], scheme: str | None) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each proxy that a simple command names; an empty value switches it off."""
    short = ""
    for word, following in zip(words, (*words[1:], ""), strict=True):
        short = _SHORT.get(basename(word), short)
        name, equals, value = word.partition("=")
        if short and word.startswith(short) and not word.startswith("--"):
            yield from _valued(short, word.removeprefix(short) or following)
        elif _option().fullmatch(name):
            yield from _valued(name, value if equals else following)
        elif equals and (found := _setting().fullmatch(name)):
            kind = (found[1] or "all").lower()
            if scheme is None or kind in {scheme, "all", "socks"}:
                yield from _valued(name, value)


def _valued(name: str, value: str) -> Iterator[tuple[str, str]]:
    if value and not value.startswith("-"):
        yield name, value
