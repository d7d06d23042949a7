"""Every room's questions with the functions that answer them: what ``vocabulary_table`` is generated from.

Who asks the questions of one room imports that room. This imports all of them, which an analysis of packets alone
does without.
"""

from __future__ import annotations

from typing import Final

from synscope.evidence import greeting, target_number
from synscope.evidence.command import observe as command
from synscope.evidence.host import observe as host
from synscope.evidence.kernel import observe as kernel
from synscope.evidence.packets import observe as packets
from synscope.evidence.question import Asked

ASKED: Final[tuple[Asked, ...]] = (
    *target_number.QUESTIONS,
    *packets.QUESTIONS,
    *host.QUESTIONS,
    *command.QUESTIONS,
    *kernel.QUESTIONS,
    *greeting.QUESTIONS,
)
"""Every question with each of its observers, room by room."""


def preload() -> None:
    """Import what the rooms load when they are first asked: afterwards the installation may not be readable."""
    command.preload()
    host.preload()
    kernel.preload()
