"""What a server or client printed about its failure, as evidence.

Input: the lines, the exit status, the target, and a reader that knows error messages (the error table is not this
room's). Output: one observation a word of ``WORDS``. A yes needs the words; silence is no *no*, for programs
swallow errors. Words that name another port are about something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from synscope.model import Answer, Observation, Source, Target

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "bind-failed-in-use": frozenset({"EADDRINUSE"}),
    "bind-failed-permission": frozenset({"EACCES (bind)"}),
    "client-error-refused": frozenset({"ECONNREFUSED"}),
    "client-error-port-invalid": frozenset({"ERR_SOCKET_BAD_PORT", "ERR_UNSAFE_PORT"}),
    "client-error-name": frozenset({"EAI_NONAME", "EAI_AGAIN"}),
    "client-error-unreachable": frozenset({"EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"}),
}
"""The names of errors that each observation stands for."""


class Meaning(NamedTuple):
    """What a line says: the error's name, and the port it speaks of."""

    name: str
    port: int | None = None


class _Said(NamedTuple):
    line: str
    meaning: Meaning


def observe_errors(
    lines: Sequence[str],
    exit_status: int | None,
    target: Target,
    *,
    meaning: Callable[[str], Meaning | None],
    words: Mapping[str, frozenset[str]] = WORDS,
) -> list[Observation]:
    """Return what the last lines of a program say about the target, one observation for each of ``words``.

    ``exit_status`` is ``None`` while the program runs, negative for a signal. ``meaning`` reads one line.
    """
    said = [_Said(line, found) for line in reversed(lines) if (found := meaning(line)) is not None]
    return [_observation(name, names, said, exit_status, target) for name, names in words.items()]


def _observation(
    name: str, names: frozenset[str], said: Sequence[_Said], exit_status: int | None, target: Target
) -> Observation:
    fitting = [one for one in said if one.meaning.name in names]
    for one in fitting:
        # A program that keeps 16 bits of a number may name either.
        if one.meaning.port in {None, target.port, target.wrapped}:
            return Observation(
                name, Answer.YES, Source.HOST, f"it said: {one.line.strip()}{_end(exit_status)}"
            )
    if fitting:
        text = f"it was said of another port: {fitting[0].line.strip()}"
    else:
        text = f"nothing of the kind was said{_end(exit_status)}"
    return Observation(name, Answer.UNKNOWN, Source.HOST, text)


def _end(exit_status: int | None) -> str:
    if exit_status is None:
        return ""
    return f" (ended by signal {-exit_status})" if exit_status < 0 else f" (exit status {exit_status})"
