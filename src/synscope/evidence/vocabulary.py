"""All questions: the only words in which causes speak about evidence.

Each is declared where it is answered; here the rooms' collections come together. Causes require or exclude answers;
neither they nor the observers know the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.evidence import target_number
from synscope.evidence.command import observe as command
from synscope.evidence.host import observe as host
from synscope.evidence.kernel import observe as kernel
from synscope.evidence.packets import observe as packets
from synscope.evidence.question import Question

OBSERVERS: Final[tuple[Question, ...]] = (
    *target_number.QUESTIONS,
    *packets.QUESTIONS,
    *host.QUESTIONS,
    *command.QUESTIONS,
    *kernel.QUESTIONS,
)
"""Every question with each of its observers, room by room."""

QUESTIONS: Final[Mapping[str, Question]] = MappingProxyType(
    {asked.name: asked for asked in OBSERVERS if not asked.is_second}
)
"""Every question by its name, as the room declares it that it belongs to."""


def preload() -> None:
    """Import what the rooms load when they are first asked: afterwards the installation may not be readable."""
    command.preload()
    host.preload()
    kernel.preload()
