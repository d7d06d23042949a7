"""A question about a command that starts what it then asks: a script that begins with a server in the background."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.view import LONGEST_TEXT, CommandView
from synscope.evidence.question import Reply, no, question, yes
from synscope.model import Source, Stage

_SHOWN: Final = 60


@cache
def _background() -> re.Pattern[str]:
    """Return what a shell takes for the end of a program that goes on in the background."""
    return re.compile(r"([^;&|\n]{1,400})\s&(?=\s|$|;|\))")


@cache
def _only_waits() -> re.Pattern[str]:
    return re.compile(r"^\W*(?:sleep|wait|true|:)\b")


@question(
    "command-starts-background",
    Source.HOST,
    "the command starts a program in the background, which may be the server that it then asks",
    stage=Stage.LISTENER,
    by_hand=of_client("a & after the program that is the server: yes"),
)
def command_starts_background(view: CommandView) -> Reply:
    for word in view.command:
        for found in _background().finditer(word[:LONGEST_TEXT]):
            started = " ".join(found[1].split())
            if not _only_waits().match(started):
                return yes(f"the command starts in the background: {started[:_SHOWN]}")
    return no("no word of the command starts a program in the background")
