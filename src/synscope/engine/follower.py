"""Runs the stages over a batch: headers, then attempts. The one way in for every source."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from synscope.engine.batch import Batch
from synscope.engine.headers import REASONS, decode_batch
from synscope.engine.tracker import BUDGET, Tracker
from synscope.model import Attempt


class Follower:
    """Decodes and tracks batches whose record columns are filled."""

    def __init__(
        self,
        *,
        seed: int = 0,
        budget: int = BUDGET,
        on_attempt: Callable[[Attempt], None] | None = None,
    ) -> None:
        self.tracker = Tracker(seed=seed, budget=budget, on_attempt=on_attempt)
        self.frames = 0
        self.segments = 0
        self._reasons = array("Q", bytes(8 * len(REASONS)))

    def feed(self, data: bytearray, batch: Batch) -> None:
        """Follow one batch whose frames lie in ``data``."""
        b = batch
        self.segments += decode_batch(
            data, b.count, self._reasons, b.at, b.caplen, b.wirelen, b.linktype, b.kind, b.src_high,
            b.src_low, b.dst_high, b.dst_low, b.ports, b.seq, b.ack, b.flags, b.length, b.ip_at, b.tcp_at,
        )  # fmt: skip
        self.tracker.feed(data, b)
        self.frames += b.count

    def undecoded(self) -> dict[str, int]:
        """Frames that were not followed to a TCP header, by reason, most frequent first."""
        counted = [(reason, count) for reason, count in zip(REASONS, self._reasons, strict=True) if count]
        return dict(sorted(counted, key=lambda item: (-item[1], item[0])))
