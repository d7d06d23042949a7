"""All questions: the only words in which causes speak about evidence.

Each is declared where it is answered. ``vocabulary_table`` is generated from those declarations, so that whoever
knows the words need not import the rooms that answer. Causes require or exclude answers; neither they nor the
observers know the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from synscope.evidence.question import Question
from synscope.evidence.vocabulary_table import OBSERVERS

QUESTIONS: Final[Mapping[str, Question]] = MappingProxyType(
    {asked.name: asked for asked in OBSERVERS if not asked.is_second}
)
"""Every question by its name, as the room declares it that it belongs to."""
