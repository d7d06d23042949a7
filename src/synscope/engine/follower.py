"""Runs the stages over a batch: headers, then attempts. The one way in for every source."""

from __future__ import annotations

from collections.abc import Callable
from mmap import mmap

from synscope.engine.batch import KIND_FRAGMENT, KIND_ICMP, KIND_SKIP, KIND_TCP, Batch
from synscope.engine.decoder import Decoder
from synscope.engine.fragments import Fragments
from synscope.engine.headers import R_FRAGMENT, REASONS
from synscope.engine.tracker import BUDGET, Tracker
from synscope.model import Attempt

_RAW = 101


class Follower:
    """Decodes and tracks batches whose record columns are filled.

    With ``hosts`` (addresses in two halves), only segments and ICMP errors from or to one of them are tracked.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        budget: int = BUDGET,
        on_attempt: Callable[[Attempt], None] | None = None,
        hosts: frozenset[tuple[int, int]] = frozenset(),
    ) -> None:
        self.tracker = Tracker(seed=seed, budget=budget, on_attempt=on_attempt)
        self.frames = 0
        self.skipped = 0
        """Frames left out before they were decoded."""
        self._decoder = Decoder(hosts)
        self._whole = Decoder(hosts)  # of the datagrams that were put together, whoever decodes frames
        self._fragments = Fragments()
        self._datagrams = 0

    @property
    def segments(self) -> int:
        """TCP segments that were followed."""
        return self._decoder.segments + self._whole.segments

    @property
    def other_hosts(self) -> int:
        """Segments and ICMP errors left out for their addresses."""
        return self._decoder.other_hosts + self._whole.other_hosts

    def feed(self, data: bytearray | mmap, batch: Batch) -> None:
        """Follow one batch whose frames lie in ``data``."""
        self.decode(data, batch)
        self.track(data, batch)

    def decode(self, data: bytearray | mmap, batch: Batch) -> None:
        """Fill the batch's header columns. One thread may do this while another tracks earlier batches."""
        self._decoder.decode(data, batch)

    def track(self, data: bytearray | mmap, batch: Batch) -> None:
        """Follow one decoded batch. Batches must come in the order of the capture."""
        if batch.fragments:
            self._track_around_fragments(data, batch)
        else:
            self.tracker.feed(data, batch)
        self.frames += batch.count

    def skip(self, count: int) -> None:
        """Count frames that are left out."""
        self.frames += count
        self.skipped += count
        self.tracker.skip(count)

    def _track_around_fragments(self, data: bytearray | mmap, batch: Batch) -> None:
        """Track a batch in file order, each datagram at the frame that completes it."""
        start = 0
        for i in range(batch.count):
            if batch.kind[i] != KIND_FRAGMENT:
                continue
            batch.kind[i] = KIND_SKIP
            at, end = batch.ip_at[i], batch.at[i] + batch.caplen[i]
            whole = self._fragments.add(bytes(data[at:end]))
            if whole is None:
                continue
            self.tracker.feed(data, batch.part(start, i + 1))
            start = i + 1
            self._feed_datagram(whole, batch.ts_ns[i])
        if start < batch.count:
            self.tracker.feed(data, batch.part(start, batch.count))

    def _feed_datagram(self, whole: bytes, ts_ns: int) -> None:
        """Track one datagram that was put together, as the frame that completed it."""
        one = Batch(1)
        one.count = 1
        one.caplen[0] = one.wirelen[0] = len(whole)
        one.linktype[0] = _RAW
        one.ts_ns[0] = ts_ns
        data = bytearray(whole)
        self._whole.decode(data, one)
        self._datagrams += 1
        if one.kind[0] in {KIND_TCP, KIND_ICMP}:
            self.tracker.feed(data, one, again=True)

    def undecoded(self) -> dict[str, int]:
        """Frames that were not followed to a TCP header, by reason, most frequent first."""
        counts = [
            frames + whole
            for frames, whole in zip(self._decoder.undecoded(), self._whole.undecoded(), strict=True)
        ]
        counts[R_FRAGMENT] -= self._datagrams  # their last frame is counted by what they turned out to be
        counted = [(reason, count) for reason, count in zip(REASONS, counts, strict=True) if count]
        return dict(sorted(counted, key=lambda item: (-item[1], item[0])))
