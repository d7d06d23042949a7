"""The frames of a stretch of time: whole batches outside it are skipped, those at its border are split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from synscope.engine.batch import Batch
from synscope.selection import Selection


def batches_within(
    batches: Iterator[tuple[bytearray, Batch]],
    selection: Selection,
    last_ts_ns: int | None,
    skip: Callable[[int], None],
) -> Iterator[tuple[bytearray, Batch]]:
    """Yield what lies in the selected time; ``skip`` is told, in turn, of how many frames that do not.

    ``last_ts_ns`` is the time of the capture's last frame, where the selection needs it.
    """
    since = until = None
    for data, batch in batches:
        if since is None or until is None:
            first = batch.ts_ns[0]
            since = 0 if selection.since is None else selection.since.resolve(first, last_ts_ns)
            until = _EVER if selection.until is None else selection.until.resolve(first, last_ts_ns)
        ts_ns = batch.ts_ns[: batch.count]
        earliest, latest = min(ts_ns), max(ts_ns)
        if since <= earliest and latest <= until:
            yield data, batch
        elif latest < since or until < earliest:
            skip(batch.count)
        else:
            yield from _split(data, batch, [since <= ts <= until for ts in ts_ns], skip)


_EVER = 0xFFFFFFFFFFFFFFFF


def _split(
    data: bytearray, batch: Batch, wanted: list[bool], skip: Callable[[int], None]
) -> Iterator[tuple[bytearray, Batch]]:
    start = 0
    for inside, run in groupby(wanted):
        stop = start + sum(1 for _ in run)
        if inside:
            yield data, batch.part(start, stop)
        else:
            skip(stop - start)
        start = stop
