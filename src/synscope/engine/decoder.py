"""Fills a batch's header columns, and counts what was not followed to a TCP header.

Input: batches whose record columns are filled. Output: the other columns, and the counts. Owns no other
state, so that one thread may decode while another tracks what was decoded before.
"""

from __future__ import annotations

from array import array
from mmap import mmap

from synscope.engine.batch import KIND_ICMP, KIND_SKIP, KIND_TCP, Batch
from synscope.engine.headers import R_FRAGMENT, REASONS, decode_batch


class Decoder:
    """Decodes batches.

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
        fragments = self._reasons[R_FRAGMENT]
        self.segments += decode_batch(
            data, b.count, self._reasons, b.at, b.caplen, b.wirelen, b.linktype, b.kind, b.src_high,
            b.src_low, b.dst_high, b.dst_low, b.ports, b.seq, b.ack, b.flags, b.length, b.ip_at, b.tcp_at,
        )  # fmt: skip
        b.fragments = self._reasons[R_FRAGMENT] - fragments
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
        """Frames that were not followed to a TCP header, by the index of their reason."""
        return self._reasons.tolist()
