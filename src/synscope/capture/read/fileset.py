"""Several capture files as one capture in order of time: directories, rotated sets, ring buffers.

Input: paths in any order. Output: what ``CaptureReader`` gives for one file, with frames counted through the whole
set. Files are ordered by the time of their first frame, never by name, for ring buffers wrap. As long as one
ends before the next begins, its batches pass through untouched; where files overlap, frames are merged.

Invariants: the frames of one file keep their order; a file that cannot be read, or not to its end, loses
none of the others; only files that overlap are open at the same time (and those that cannot be opened again).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import CaptureError
from synscope.capture.write.attachments import MOST_COMMENTS
from synscope.engine.batch import SIZE, Batch
from synscope.model import CaptureFile, Cut

if TYPE_CHECKING:
    from synscope.capture.read.process_claims import Claim

_COPIED_AT_MOST = 128
"""Rows that are copied into a merged batch; longer runs of one file are a batch of their own."""
_MERGED_BYTES = 1 << 24


class _Stream:
    """One file of the set, and how far it has been read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.reader: CaptureReader | None = None
        self.first_ts = 0
        self.first_frame: int | None = None
        self.position = 0
        self.done = 0
        self.error: str | None = None
        self.data = bytearray()
        self.batch = Batch(0)
        self._batches: Iterator[tuple[bytearray, Batch]] = iter(())

    @property
    def head(self) -> int:
        """Time of the next frame."""
        return self.batch.ts_ns[self.position]

    def start(self, on_read: Callable[[int], None] | None) -> bool:
        """Open the file and read its first batch; false when it has none or cannot be read."""
        if self.reader is not None:
            return True
        try:
            self.reader = CaptureReader(open_source(self.path, on_read), self.path)
            self.reader.claims = deque()
            self._batches = self.reader.batches()
            return self.advance()
        except CaptureError as error:
            self.error = error.reason
            self.close()
            return False

    def advance(self) -> bool:
        """Read the next batch; false at the end."""
        found = next(self._batches, None)
        if found is None:
            self.close()
            return False
        self.data, self.batch = found
        self.position = 0
        return True

    def park(self) -> None:
        """Close the file until its turn comes, if it can be opened again."""
        if os.path.isfile(self.path):  # noqa: PTH113 - paths are text as given
            self.close()
            self.reader = None

    def until(self, limit: int | None) -> int:
        """Return the row after the last one in turn: those not later than ``limit``, one at least."""
        count, ts_ns = self.batch.count, self.batch.ts_ns
        if limit is None or max(ts_ns[self.position : count]) <= limit:
            return count
        row = self.position + 1
        while row < count and ts_ns[row] <= limit:
            row += 1
        return row

    def close(self) -> None:
        """Close the file and let go of its buffers; what its reader counted stays."""
        if self.reader is not None:
            self.reader.close()
        self._batches = iter(())
        self.data, self.batch = bytearray(), Batch(0)

    def report(self) -> CaptureFile:
        """Return what there is to say about the file."""
        cut = None if self.reader is None else self.reader.cut
        return CaptureFile(self.path, self.first_frame, self.done, cut, self.error)


class FileSet:
    """Reads several files as one capture.

    ``capture`` names the whole in messages. ``on_read`` is told how many bytes were read, as they are.
    """

    def __init__(
        self, capture: str, paths: Sequence[str], on_read: Callable[[int], None] | None = None
    ) -> None:
        self._capture = capture
        self._streams = [_Stream(path) for path in paths]
        self._on_read = on_read
        self._merged = Batch()
        self._bytes = bytearray()
        self.frames = 0
        self.overlap = False
        self.odd_times: dict[int, int] = {}
        self.comments: list[str] = []
        self.claims: deque[Claim] | None = None

    @property
    def buffers(self) -> int:
        """One: a batch is only there until the next is asked for."""
        return 1

    def batches(self) -> Iterator[tuple[bytearray, Batch]]:
        """Yield buffers and batches in order of time."""
        waiting = self._ordered()
        reading: list[_Stream] = []
        while reading or waiting:
            stream = min(reading, key=lambda stream: stream.head) if reading else None
            if waiting and (stream is None or waiting[-1].first_ts < stream.head):
                following = waiting.pop()
                if following.start(self._on_read):
                    self.overlap = self.overlap or stream is not None
                    reading.append(following)
                continue
            if stream is None:
                return
            others = [other.head for other in reading if other is not stream]
            if waiting:
                others.append(waiting[-1].first_ts)
            yield from self._run(stream, stream.until(min(others, default=None)))
            if stream.position == stream.batch.count and not stream.advance():
                reading.remove(stream)
                self._take_comments(stream)
        yield from self._flush()

    def close(self) -> None:
        """Close every file that is open."""
        for stream in self._streams:
            stream.close()

    def _ordered(self) -> list[_Stream]:
        """Look at the beginning of every file; return those with frames, the last one first."""
        found = []
        for stream in self._streams:
            if stream.start(None):
                stream.first_ts = stream.head
                found.append(stream)
                stream.park()
            else:
                self._take_comments(stream)
        if self._streams and all(stream.error is not None for stream in self._streams):
            first = self._streams[0]
            reason = first.error or ""
            if len(self._streams) > 1:
                reason = f"none of the {len(self._streams):,} files can be read; {first.path}: {reason}"
            raise CaptureError(self._capture, reason)
        found.sort(key=lambda stream: stream.first_ts)
        with_frames = set(map(id, found))
        empty = [stream for stream in self._streams if id(stream) not in with_frames]
        self._streams = found + empty
        return found[::-1]

    def _take_comments(self, stream: _Stream) -> None:
        """Take over what a file that has been read says of itself: its reader stays, its comments need not."""
        if stream.reader is not None:
            self.comments += stream.reader.comments[: MOST_COMMENTS - len(self.comments)]
            stream.reader.comments = []

    def _run(self, stream: _Stream, stop: int) -> Iterator[tuple[bytearray, Batch]]:
        """Yield the rows of a file's batch up to ``stop``, or keep them to be merged."""
        start, batch = stream.position, stream.batch
        self._count(stream, stop - start)
        stream.position = stop
        if stop - start == batch.count:
            yield from self._flush()
            yield stream.data, batch
        elif stop - start > _COPIED_AT_MOST:
            yield from self._flush()
            yield stream.data, batch.part(start, stop)
        else:
            for row in range(start, stop):
                if self._merged.count == SIZE or len(self._bytes) > _MERGED_BYTES:
                    yield from self._flush()
                self._keep(stream.data, batch, row)

    def _count(self, stream: _Stream, count: int) -> None:
        if stream.first_frame is None:
            stream.first_frame = self.frames + 1
        odd_times = stream.reader.odd_times if stream.reader is not None else {}
        if odd_times:
            for number in range(1, count + 1):
                if stream.done + number in odd_times:
                    self.odd_times[self.frames + number] = odd_times[stream.done + number]
        self._take_claims(stream, count)
        stream.done += count
        self.frames += count

    def _take_claims(self, stream: _Stream, count: int) -> None:
        """Take over what the file's next frames claim, with the numbers that they have in the whole."""
        found = None if stream.reader is None else stream.reader.claims
        while found and found[0].frame <= stream.done + count:
            claim = found.popleft()
            if self.claims is not None:
                self.claims.append(claim._replace(frame=self.frames + claim.frame - stream.done))

    def _keep(self, data: bytearray, batch: Batch, row: int) -> None:
        merged, at, size = self._merged, batch.at[row], batch.caplen[row]
        into = merged.count
        merged.at[into] = len(self._bytes)
        self._bytes += data[at : at + size]
        merged.caplen[into] = size
        merged.wirelen[into] = batch.wirelen[row]
        merged.ts_ns[into] = batch.ts_ns[row]
        merged.linktype[into] = batch.linktype[row]
        merged.count = into + 1

    def _flush(self) -> Iterator[tuple[bytearray, Batch]]:
        """Yield the frames that were merged so far."""
        if self._merged.count:
            yield self._bytes, self._merged
            self._merged.count = 0
            self._bytes = bytearray()

    # -- what there is to say -------------------------------------------------------------------------

    @property
    def _readers(self) -> list[CaptureReader]:
        return [stream.reader for stream in self._streams if stream.reader is not None]

    @property
    def files(self) -> tuple[CaptureFile, ...]:
        """The files in order of time; those without frames come last."""
        return tuple(stream.report() for stream in self._streams)

    @property
    def format(self) -> str:
        """The formats of the files, each once."""
        return " and ".join(dict.fromkeys(reader.format for reader in self._readers if reader.format))

    @property
    def linktypes(self) -> tuple[str, ...]:
        """Names of the link types, in order of appearance."""
        return tuple(dict.fromkeys(name for reader in self._readers for name in reader.linktypes))

    @property
    def system(self) -> str:
        """The system on which all of them were made that say so."""
        told = {reader.system for reader in self._readers if reader.system}
        return told.pop() if len(told) == 1 else ""

    @property
    def cut(self) -> Cut | None:
        """None: the files say by themselves where each is cut."""
        return None

    @property
    def snapped(self) -> int:
        """Frames that are stored only in part."""
        return sum(reader.snapped for reader in self._readers)

    @property
    def dropped(self) -> int | None:
        """Frames the capturing programs say they lost, where one says so."""
        lost = [reader.dropped for reader in self._readers if reader.dropped is not None]
        return sum(lost) if lost else None
