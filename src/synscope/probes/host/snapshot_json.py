"""A snapshot as a JSON document, and back. A document may come from anybody: ``codec`` checks it field by field.

``to_json`` clips what is too long, so that ``from_json`` takes all it wrote. The shape is that of ``snapshot``'s
records. There are no other fields, no other types and no larger sizes.
"""

from __future__ import annotations

from typing import Final

from synscope.codec import Codec, Limits
from synscope.probes.host.snapshot import VERSION, Snapshot

LONGEST_DOCUMENT: Final = 8 << 20
LONGEST_TEXT: Final = 1000
MOST_ITEMS: Final = 2000
_LARGEST_NUMBER: Final = (1 << 63) - 1


class SnapshotError(ValueError):
    """The text is no snapshot of a host; the message names the field."""


_CODEC: Final = Codec(
    Snapshot,
    "host snapshot",
    "snapshot",
    SnapshotError,
    Limits(LONGEST_DOCUMENT, LONGEST_TEXT, MOST_ITEMS, _LARGEST_NUMBER, whole_characters=True),
)

to_json: Final = _CODEC.to_json
"""Returns a snapshot's document, in one line."""
snapshot_document: Final = _CODEC.to_plain
"""Returns a snapshot's document as plain dictionaries, lists, texts and numbers."""


def from_json(text: str | bytes) -> Snapshot:
    """Return the snapshot in a document. Raises ``SnapshotError`` for any other text."""
    document = _CODEC.parsed(text)
    if isinstance(document, dict) and document.get("version", VERSION) != VERSION:
        raise SnapshotError(
            f"version {str(document['version'])[:20]} of host snapshots is unknown here; this reads {VERSION}"
        )
    return _CODEC.from_plain(document)
