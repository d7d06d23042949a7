"""Answer every question that the watched command answers about one target.

Input: the command's words, the last lines that it printed, how it ended, and the target. Output: one
``Observation`` for each of ``QUESTIONS``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synscope.evidence.command import (
    background,
    client_errors,
    client_limits,
    client_route,
    control_plane,
    local_end,
    named_proxy,
    transport,
)
from synscope.evidence.command.view import CommandView
from synscope.evidence.question import Asked, collected
from synscope.model import Observation, Target

QUESTIONS: Final[tuple[Asked, ...]] = collected(
    client_errors, client_limits, client_route, named_proxy, local_end, transport, background, control_plane
)
"""What the watched command answers."""


def observe_command(
    command: Sequence[str], target: Target, *, lines: tuple[str, ...], status: int | None, exit_status: int
) -> list[Observation]:
    """Return one observation for each of ``QUESTIONS``, in that order; see ``CommandView`` for the parameters."""
    view = CommandView(command, target, lines, status, exit_status)
    return [asked.question.observed(asked.answer(view)) for asked in QUESTIONS]


def preload() -> None:
    """Import what the questions load when they are first asked: afterwards the installation may not be readable."""
    from synscope.command import named_targets, splitting  # noqa: F401
    from synscope.reference import errors  # noqa: F401
