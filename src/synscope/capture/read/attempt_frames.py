"""Which frames of a capture belong to chosen attempts: all of them, not only the key frames an attempt names.

Input: a capture and, by frame number, where attempts begin and which of those are chosen. Output: a mark for each
frame.

A frame belongs to the attempt that began last between its two endpoints, in either direction; an ICMP error to the
attempt whose segment it quotes. So a late retransmission of one attempt counts as the next one's.
"""

from __future__ import annotations

import contextlib
from typing import Final

from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.engine.batch import KIND_ICMP, KIND_TCP
from synscope.engine.follower import Follower

BEGINS: Final = 1
"""Mark of a frame with which an attempt begins."""
CHOSEN: Final = 2
"""Mark of a frame with which a chosen attempt begins."""

_WITH_TCP = frozenset({KIND_TCP, KIND_ICMP})


def attempt_frames(capture: str, marks: bytearray) -> bytearray:
    """Return a byte for each frame, 1 for those of chosen attempts.

    ``marks`` has a mark for each frame from the first on, up to the last with which an attempt begins. Raises
    ``CaptureError``.
    """
    kept = bytearray()
    chosen: set[tuple[tuple[int, int, int], ...]] = set()
    follower = Follower()
    with contextlib.closing(CaptureReader(open_source(capture), capture)) as reader:
        for data, batch in reader.batches():
            follower.decode(data, batch)
            for i in range(batch.count):
                keep = 0
                if batch.kind[i] in _WITH_TCP:
                    ports = batch.ports[i]
                    source = batch.src_high[i], batch.src_low[i], ports >> 16
                    destination = batch.dst_high[i], batch.dst_low[i], ports & 0xFFFF
                    ends = (source, destination) if source < destination else (destination, source)
                    mark = marks[len(kept)] if len(kept) < len(marks) else 0
                    if mark == CHOSEN:
                        chosen.add(ends)
                    elif mark == BEGINS:
                        chosen.discard(ends)
                    keep = ends in chosen
                kept.append(keep)
    return kept
