"""Runs the stages over a batch: headers, then attempts. The one way in for every source."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from synscope.engine.batch import KIND_FRAGMENT, KIND_ICMP, KIND_SKIP, KIND_TCP, Batch
from synscope.engine.fragments import Fragments
from synscope.engine.headers import R_FRAGMENT, REASONS, decode_batch
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
        self.segments = 0
        self.skipped = 0
        """Frames left out before they were decoded."""
        self.other_hosts = 0
        """Segments and ICMP errors left out for their addresses."""
        self._hosts = hosts
        self._fragments = Fragments()
        self._reasons = array("Q", bytes(8 * len(REASONS)))

    def feed(self, data: bytearray, batch: Batch) -> None:
        """Follow one batch whose frames lie in ``data``."""
        b = batch
        fragments = self._reasons[R_FRAGMENT]
        self.segments += self._decode(data, b)
        if self._reasons[R_FRAGMENT] != fragments:
            self._feed_around_fragments(data, b)
        else:
            self.tracker.feed(data, b)
        self.frames += b.count

    def skip(self, count: int) -> None:
        """Count frames that are left out."""
        self.frames += count
        self.skipped += count
        self.tracker.skip(count)

    def _feed_around_fragments(self, data: bytearray, batch: Batch) -> None:
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
        self.segments += self._decode(data, one)
        self._reasons[R_FRAGMENT] -= 1  # its last frame is counted by what the datagram turned out to be
        if one.kind[0] in {KIND_TCP, KIND_ICMP}:
            self.tracker.feed(data, one, again=True)

    def _decode(self, data: bytearray, batch: Batch) -> int:
        b = batch
        segments = decode_batch(
            data, b.count, self._reasons, b.at, b.caplen, b.wirelen, b.linktype, b.kind, b.src_high,
            b.src_low, b.dst_high, b.dst_low, b.ports, b.seq, b.ack, b.flags, b.length, b.ip_at, b.tcp_at,
        )  # fmt: skip
        return segments - self._leave_out(b) if self._hosts else segments

    def _leave_out(self, batch: Batch) -> int:
        """Skip what is neither from nor to one of the wanted hosts; return how many segments that were."""
        b, hosts, segments = batch, self._hosts, 0
        for i in range(b.count):
            kind = b.kind[i]
            if kind not in {KIND_TCP, KIND_ICMP}:
                continue
            if (b.src_high[i], b.src_low[i]) in hosts or (b.dst_high[i], b.dst_low[i]) in hosts:
                continue
            b.kind[i] = KIND_SKIP
            segments += kind == KIND_TCP
            self.other_hosts += 1
        return segments

    def undecoded(self) -> dict[str, int]:
        """Frames that were not followed to a TCP header, by reason, most frequent first."""
        counted = [(reason, count) for reason, count in zip(REASONS, self._reasons, strict=True) if count]
        return dict(sorted(counted, key=lambda item: (-item[1], item[0])))
