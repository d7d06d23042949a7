"""The path of a connection as a row of stages: each with a shape, a name and its state in a word.

Input: a ``Path``. Output: plain values for the templates. SYN and handshake stand between the stages; a milestone
that was not reached is drawn as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.model import Path, Role, StageState, State
from synscope.report import path_view

SHAPES: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.PASSED: "M-6 0L-2 4.5L6-4.5",
        State.STOPPED: "M-5-5L5 5M5-5L-5 5",
        State.TOOK_LONG: "M0-6A6 6 0 1 1 0 6A6 6 0 1 1 0-6M0-3.5V0L3 2",
        State.UNKNOWN: "M-3.5-3A3.5 3.5 0 1 1 0 1V2.5M0 5.5V6.5",
        State.NOT_REACHED: "M-1 0H1",
    },
)
"""What is drawn for each state, as the lines of an SVG path around 0,0, at most 7 to each side."""

_WITNESSES: Final = 4


class ShownStage(NamedTuple):
    """A stage of the row, or a milestone between two."""

    name: str
    state: str
    look: str
    """The name of its class."""
    shape: str
    is_milestone: bool = False
    told: tuple[str, ...] = ()
    """What shows it."""
    more: int = 0


class ShownPath(NamedTuple):
    """The row, in a sentence too, and the legs beside it."""

    stages: tuple[ShownStage, ...]
    sentence: str
    legs: tuple[str, ...]

    @property
    def witnessed(self) -> tuple[ShownStage, ...]:
        """The stages of which somebody says something."""
        return tuple(stage for stage in self.stages if stage.told)


def drawn(path: Path) -> ShownPath | None:
    """Return the drawing, ``None`` where nothing is known of the path."""
    if not path_view.is_worth_showing(path):
        return None
    stages: list[ShownStage] = []
    for each in path.stages:
        stages.append(_stage(each))
        if each.stage in path_view.MILESTONES:
            stages.append(_milestone(each))
    legs = tuple(path_view.leg_words(leg) for leg in path.legs if leg.role is not Role.LEADING)
    return ShownPath(tuple(stages), path_view.summary(path), legs)


def _stage(each: StageState) -> ShownStage:
    told = path_view.witness_words(each)
    return ShownStage(
        each.stage.value,
        path_view.stage_words(each),
        path_view.SIGNS[each.state].name,
        SHAPES[each.state],
        told=tuple(told[:_WITNESSES]),
        more=max(0, len(told) - _WITNESSES),
    )


def _milestone(before: StageState) -> ShownStage:
    reached = before.state in {State.PASSED, State.TOOK_LONG}
    look = "reached" if reached else "unreached"
    return ShownStage(
        path_view.MILESTONES[before.stage], "" if reached else "none", look, "", is_milestone=True
    )
