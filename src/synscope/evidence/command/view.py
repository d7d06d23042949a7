"""The watched command as its questions look at it: its words, what it printed, how it ended.

Texts and numbers are recognised by ``reference.errors`` alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.question import Reply, yes
from synscope.model import Target

if TYPE_CHECKING:
    from synscope.reference.error_meaning import ErrorMeaning

_SAME_ERROR: Final = 30
"""Lines of a trace back from one in which the same error may name its port."""

LONGEST_TEXT: Final = 20_000
"""Characters of a shell's text that are read."""

_STATUS_SPEAKS: Final = frozenset({"curl"})
"""Programs whose exit statuses the error table numbers."""


class Said(NamedTuple):
    """One line that means a known error."""

    line: str
    """The line, or the exit status in words. Attacker-chosen, unescaped."""
    meaning: ErrorMeaning
    port: int | None
    """The port it names, as written."""


class _Watched(NamedTuple):
    """What a ``CommandView`` is made of."""

    command: Sequence[str]
    """Its words, the program first."""
    target: Target
    lines: tuple[str, ...]
    """The last lines of its standard error. Attacker-chosen, unescaped."""
    status: int | None
    """Its own exit status, ``None`` where it had none."""
    exit_status: int
    """The number a shell would show for how it ended."""


class CommandView(_Watched):
    """A command that was watched, and the target that it is asked about."""

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return os.path.basename(self.command[0])  # noqa: PTH119 - the name as typed, not a path of ours

    def simple_commands(self) -> Iterator[Sequence[str]]:
        """Yield the command itself, and the simple commands in its shells' texts."""
        from synscope.command.splitting import shell_commands

        yield self.command
        for word in self.command:
            if any(letter in word for letter in " ;&|\n"):
                yield from shell_commands(word[:LONGEST_TEXT])

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """The lines that mean something known, the last first; each meaning once."""
        from synscope.reference import errors

        lines = list(self.lines)
        if self.program in _STATUS_SPEAKS and self.status:
            lines.insert(0, f"{self.program} exit status {self.status}")
        found: dict[str, Said] = {}
        for at in reversed(range(len(lines))):
            for meaning in errors.find(lines[at])[:1]:
                found.setdefault(meaning.name, Said(lines[at], meaning, _port_of(lines, at, meaning)))
        return tuple(found.values())


def _port_of(lines: list[str], at: int, meaning: ErrorMeaning) -> int | None:
    """Return the port that the line names, or that the same error's lines right before it name."""
    from synscope.reference import errors

    for line in reversed(lines[max(0, at - _SAME_ERROR) : at + 1]):
        port = errors.port_in(line)
        if port is not None and (line is lines[at] or meaning in errors.find(line)[:1]):
            return port
    return None


def said_so(line: str) -> Reply:
    """Return that the command's own words are the answer yes."""
    return yes(f"the command said: {line.strip()}")
