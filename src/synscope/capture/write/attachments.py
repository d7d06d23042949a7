"""Documents as comments of a capture file, and back.

Input: a document; or the comments of a file, which may hold anything. Output: comments of at most
``pcapng.LARGEST_COMMENT`` bytes; or the documents that are there with all their parts.

A comment is a line and a part of the document: ``synscope evidence 1/3 diagnosis 0.1.0 2026-01-31T12:00:00Z`` are
the part's number, how many there are, the document's kind, the version of the program and the time of writing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from synscope.capture.write.pcapng import LARGEST_COMMENT
from synscope.model import Attachment

DIAGNOSIS: Final = "diagnosis"
"""Kind of a diagnosis: the report document of ``--format json``."""
HOST_SNAPSHOT: Final = "host-snapshot"
"""Kind of what was known about the host."""
MOST_COMMENTS: Final = 64
"""Comments of a file that are looked at."""

_FIRST_LINE = (
    r"synscope evidence ([1-9][0-9]?)/([1-9][0-9]?) ([a-z-]{1,32}) ([0-9A-Za-z.+-]{1,32})"
    r" ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)\n"
)
_INSIDE_CHARACTER: Final = range(0x80, 0xC0)
_PART: Final = LARGEST_COMMENT - 200


def comments(attachment: Attachment) -> tuple[str, ...]:
    """Return the comments that carry a document."""
    parts = _parts(attachment.text.encode("utf-8", "replace"))
    return tuple(
        f"synscope evidence {number}/{len(parts)} {attachment.kind} {attachment.version} {attachment.made}\n{part}"
        for number, part in enumerate(parts, 1)
    )


def attachments(texts: Iterable[str]) -> tuple[Attachment, ...]:
    """Return the documents in a file's comments, in order; one that lacks a part is left out."""
    found: dict[tuple[str, str, str, int], dict[int, str]] = {}
    for text in texts:
        head = re.match(_FIRST_LINE, text)
        if head is not None:
            number, total = int(head[1]), int(head[2])
            found.setdefault((head[3], head[4], head[5], total), {}).setdefault(number, text[head.end() :])
    return tuple(
        Attachment(kind, version, made, "".join(parts[number] for number in range(1, total + 1)))
        for (kind, version, made, total), parts in found.items()
        if parts.keys() >= set(range(1, total + 1))
    )


def _parts(data: bytes) -> list[str]:
    """Return the text in pieces that each fit, cut between characters."""
    found: list[str] = []
    start = 0
    while start < len(data) or not found:
        end = min(start + _PART, len(data))
        while end < len(data) and data[end] in _INSIDE_CHARACTER:
            end -= 1
        found.append(data[start:end].decode("utf-8"))
        start = end
    return found
