"""Whether the command says that the service takes no more of its clients: it is busy, full, or asked too often.

Encrypted connections and protocols that nobody here reads show it by nothing else. Limits of the client's own, such
as its pool of connections or its descriptors, are something else, and so is a service that is still starting.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from synscope.evidence.by_hand import of_client
from synscope.evidence.command.view import CommandView, said_so
from synscope.evidence.payload.words import speaks_of_limit, speaks_of_starting
from synscope.evidence.question import Reply, Says, question, unknown
from synscope.model import Source, Stage

_LATER: Final = ("again later", "come back later")


@cache
def _own() -> re.Pattern[str]:
    """Return what speaks of a limit of the client's own, or of its patience."""
    return re.compile(
        r"\bpool\b|pool ?(?:size|limit|timeout)|queuepool|open files|max(?:imum)? (?:number of )?retries"
        r"|(?:retry|retries|redirects|attempts)\b.{0,20}\bexceeded|ulimit|file descriptors?|resource temporarily",
        re.IGNORECASE,
    )


@cache
def _other_reasons() -> re.Pattern[str]:
    """Return for what other reasons one is asked to try again later."""
    return re.compile(
        r"unavailable|not available|start|load|init|ready|maintenance|upstream|backend|gateway|resol|\bdns\b|\bname\b"
        r"|time.?out|timed|refused|unreachable|internal|fail|went wrong",
        re.IGNORECASE,
    )


@question(
    "client-error-limit",
    Source.HOST,
    "the client reported that the service is busy or full, or that it asks too often",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    by_hand=of_client("the message speaks of too many clients or requests, a busy server, or a limit: yes"),
)
def client_error_limit(view: CommandView) -> Reply:
    """Look for a service's refusal among the command's last words, where they name no other port."""
    from synscope.reference import errors

    if view.exit_status == 0:
        return unknown("the command ended well, whatever it said")
    for line in reversed(view.lines):
        if _is_refusal(line) and errors.port_in(line) in {None, view.target.port}:
            return said_so(line)
    return unknown("the command said nothing of a limit of the service")


def _is_refusal(line: str) -> bool:
    if _own().search(line) or speaks_of_starting(line):
        return False
    told = line.lower()
    later = any(words in told for words in _LATER) and not _other_reasons().search(line)
    return later or speaks_of_limit(line)
