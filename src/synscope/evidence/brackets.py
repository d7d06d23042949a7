"""Which stages of the path a label leaves open: the table by which all that speaks of labels and stages agrees."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.model import Label, Stage

STAGES: Final = tuple(Stage)
"""In the order of the path."""

BRACKETS: Final[Mapping[Label, tuple[Stage, ...]]] = MappingProxyType(
    {
        Label.CLIENT_NEVER_SENT: STAGES[: STAGES.index(Stage.OUT) + 1],
        # A stack that answers refuses a closed port at once: only behind a rule that hides it is nobody there.
        Label.SYN_NO_REPLY: (Stage.IN, Stage.LISTENER, Stage.QUEUE, Stage.BACK),
        Label.SYN_RST: (Stage.IN, Stage.LISTENER, Stage.QUEUE),
        Label.ODD_REPLY: (Stage.IN, Stage.LISTENER),
        Label.HALF_OPEN: (Stage.BACK,),
        Label.COMPLETED: (Stage.CARRY, Stage.ACCEPT, Stage.TALK, Stage.SERVE),
        Label.ONE_SIDED: (),
        Label.MID_STREAM: (),
    },
)
"""The stages at which a connection with a label may have stopped, by its packets."""
