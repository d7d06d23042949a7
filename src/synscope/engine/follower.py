"""Runs the stages over a batch: headers, then attempts. Every source comes in here.

Input: batches whose record columns are filled, in the order of the capture. Output: what the tracker has of them, and
the counts of the frames that are not followed to a TCP header. ``Decoder`` owns no state but its counts, so that one
thread may decode while another tracks what was decoded before.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from mmap import mmap

from synscope.engine.batch import KIND_FRAGMENT, KIND_ICMP, KIND_SKIP, KIND_TCP, Batch
from synscope.engine.copies import ENTRY_LONGS, SLOTS, leave_out_copies
from synscope.engine.fragments import Fragments
from synscope.engine.headers import decode_batch
from synscope.engine.names import LINKTYPE_RAW, REASON_FRAGMENT, REASONS
from synscope.engine.tracker import BUDGET, Tracker
from synscope.model import Attempt


class Decoder:
    """Fills the header columns of batches, and counts what is not followed to a TCP header.

    With ``hosts`` (addresses in two halves), what is neither from nor to one of them is left out.
    """

    def __init__(self, hosts: frozenset[tuple[int, int]] = frozenset()) -> None:
        self.segments = 0
        self.other_hosts = 0
        """Segments and ICMP errors left out for their addresses."""
        self._hosts = hosts
        self._reasons = array("Q", bytes(8 * len(REASONS)))

    def decode(self, data: bytearray | mmap, batch: Batch) -> None:
        """Fill the header columns of one batch whose frames lie in ``data``."""
        b = batch
        fragments = self._reasons[REASON_FRAGMENT]
        self.segments += decode_batch(
            data, b.count, self._reasons, b.at, b.caplen, b.wirelen, b.linktype, b.kind, b.src_high,
            b.src_low, b.dst_high, b.dst_low, b.ports, b.seq, b.ack, b.flags, b.length, b.ip_at, b.tcp_at,
        )  # fmt: skip
        b.fragments = self._reasons[REASON_FRAGMENT] - fragments
        if self._hosts:
            self._leave_out(b)

    def _leave_out(self, batch: Batch) -> None:
        """Skip what is neither from nor to one of the wanted hosts."""
        b, hosts = batch, self._hosts
        for i in range(b.count):
            kind = b.kind[i]
            if kind not in {KIND_TCP, KIND_ICMP}:
                continue
            if (b.src_high[i], b.src_low[i]) in hosts or (b.dst_high[i], b.dst_low[i]) in hosts:
                continue
            b.kind[i] = KIND_SKIP
            self.segments -= kind == KIND_TCP
            self.other_hosts += 1

    def undecoded(self) -> list[int]:
        """Return how many frames were not followed to a TCP header, by the index of their reason."""
        return self._reasons.tolist()


class Copies:
    """Leaves out what a capture of several interfaces shows more than once; see ``copies``.

    ``loopback`` is the number of the interface whose frames have no copies on others.
    """

    def __init__(self, *, seed: int, loopback: int) -> None:
        self.frames = 0
        """Frames left out."""
        self.segments = 0
        """TCP segments among them."""
        self._seed = seed
        self._loopback = loopback
        self._table = array("Q", bytes(8 * ENTRY_LONGS * SLOTS))
        self._translated = array("Q", bytes(8 * ENTRY_LONGS * SLOTS))

    def leave_out(self, batch: Batch, unfilled: array[int], ifindex: array[int]) -> None:
        """Let a decoded batch, and the columns of a live capture beside it, hold each frame once."""
        b = batch
        told = leave_out_copies(
            b.count, self._loopback, self._seed, self._table, self._translated, b.at, b.caplen, b.wirelen, b.ts_ns,
            b.linktype, b.kind, b.src_high, b.src_low, b.dst_high, b.dst_low, b.ports, b.seq, b.ack, b.flags,
            b.length, b.ip_at, b.tcp_at, unfilled, ifindex,
        )  # fmt: skip
        kept = told & 0xFFFFFFFF
        self.frames += b.count - kept
        self.segments += told >> 32
        b.count = kept


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
        self._whole = Decoder(hosts)  # of the datagrams that were put together
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
        datagram = Batch(1)
        datagram.count = 1
        datagram.caplen[0] = datagram.wirelen[0] = len(whole)
        datagram.linktype[0] = LINKTYPE_RAW
        datagram.ts_ns[0] = ts_ns
        data = bytearray(whole)
        self._whole.decode(data, datagram)
        self._datagrams += 1
        if datagram.kind[0] in {KIND_TCP, KIND_ICMP}:
            self.tracker.feed(data, datagram, again=True)

    def undecoded(self) -> dict[str, int]:
        """Return how many frames were not followed to a TCP header, by reason, most frequent first."""
        counts = [
            frames + whole
            for frames, whole in zip(self._decoder.undecoded(), self._whole.undecoded(), strict=True)
        ]
        counts[REASON_FRAGMENT] -= (
            self._datagrams
        )  # their last frame is counted by what they turned out to be
        counted = [(reason, count) for reason, count in zip(REASONS, counts, strict=True) if count]
        return dict(sorted(counted, key=lambda item: (-item[1], item[0])))
