"""A diagnosis as one line of JSON between two processes of the same version, whole and typed on both ends.

Input: a ``Diagnosis``. Output: JSON, and back, in the shape of ``model``'s types (``codec``). It is private;
``report.schema`` is the one that is published. The process that writes has parsed packets of strangers, and the one
that reads may have every privilege: so everything is checked.
"""

from __future__ import annotations

from typing import Final

from synscope.codec import Codec
from synscope.model import Diagnosis


class WireError(ValueError):
    """The text is no diagnosis."""


_CODEC: Final = Codec(Diagnosis, "diagnosis", "diagnosis", WireError)

to_json: Final = _CODEC.to_json
"""Returns a diagnosis as one line, ASCII only."""
from_json: Final = _CODEC.from_json
"""Returns the diagnosis that ``to_json`` wrote. Raises ``WireError`` for any other text."""
