"""Follows a source: its frames are decoded and tracked, and what comes out are groups of attempts and a health.

Input: batches of frames, from a file, a pipe, pieces that somebody pushes or a live capture. Output: the counted
attempts (``Following.finish``) and how complete the capture was (``Following.counted``, ``health_of``).

Invariants: every source is followed by the same loop, so that the same bytes say the same whichever way they come
in; the first time stamp is that of the first frame, and the last one is the largest of all frames, for frames need
not stand in order of time. Memory is bounded by what is kept of attempts: of the frames one batch is there at a time.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from mmap import mmap
from typing import TYPE_CHECKING, Final, TypeVar

from synscope.capture.read.ahead import read_ahead
from synscope.capture.read.fileset import FileSet
from synscope.capture.read.time_range import batches_within
from synscope.capture.source import FrameSource
from synscope.engine.batch import Batch
from synscope.engine.follower import Follower
from synscope.engine.moments import Moments
from synscope.engine.records import largest_time
from synscope.engine.tracker import Orphan, Tracker
from synscope.model import Attempt, AttemptGroup, CaptureHealth
from synscope.selection import EVERYTHING, Selection

if TYPE_CHECKING:
    from synscope.capture.read.claimed_processes import ClaimedProcesses
    from synscope.capture.read.process_claims import Claim

SETTLE_S: Final = 0.5
"""Seconds between two settlings of what is over."""

_SEED_BYTES: Final = 8
_SETTLE_SHARE: Final = 20
"""Settling takes at most one part in so many of the time."""
_PAUSE_S: Final = 10.0
"""Seconds without a frame after which all that is over has been settled."""

_Data = TypeVar("_Data", bytearray, mmap, bytearray | mmap)


class Following:
    """One capture on its way through the engine.

    ``on_attempt`` receives every attempt as it settles. ``moments`` counts when attempts began. Of ``selection``
    the addresses count for every source, the stretch of time for those that ``follow`` takes.
    """

    def __init__(
        self,
        *,
        selection: Selection = EVERYTHING,
        on_attempt: Callable[[Attempt], None] | None = None,
        moments: Moments | None = None,
    ) -> None:
        # Keyed hashing: a capture must not be able to choose its own collisions.
        seed = int.from_bytes(os.urandom(_SEED_BYTES))
        self._selection = selection
        self._follower = Follower(seed=seed, on_attempt=on_attempt, hosts=selection.hosts)
        self._follower.tracker.moments = moments
        self._next_settling = 0.0
        self._over = False
        self._claims: deque[Claim] = deque()
        self._claimed: ClaimedProcesses | None = None
        self.first_ts_ns: int | None = None
        """The time stamp of the first frame."""
        self.last_ts_ns: int | None = None
        """The largest time stamp so far."""
        self.settles_early = False
        """Whether ``follow`` settles attempts while the source is open, because somebody waits for them."""

    @property
    def tracker(self) -> Tracker:
        """The attempts as they stand."""
        return self._follower.tracker

    @property
    def frames(self) -> int:
        """Frames so far, those that the selection leaves out among them."""
        return self._follower.frames

    def follow(self, source: FrameSource, end_ts_ns: int | None = None) -> None:
        """Follow all frames of a source; where the source raises, it can be called again.

        ``end_ts_ns`` is the largest time stamp of the whole capture, where the selection needs it.
        """
        if self._over:
            return
        self.tracker.odd_times = source.odd_times
        source.claims = self._claims
        ahead = source.buffers > 1 and not self._selection.timed
        with contextlib.closing(self._selected(source, end_ts_ns, ahead=ahead)) as batches:
            for _ in self.followed(batches, decoded=ahead):
                if self.settles_early:
                    self.settle()
        self._over = True

    def followed(
        self,
        batches: Iterable[tuple[_Data, Batch]],
        *,
        decoded: bool = False,
        once: Callable[[Batch], None] | None = None,
    ) -> Iterator[tuple[_Data, Batch]]:
        """Follow each batch, decoding it unless that was done, then yield it.

        ``once`` leaves out of a decoded batch what is in it more than once.
        """
        for data, batch in batches:
            if not decoded:
                self._follower.decode(data, batch)
            if once is not None:
                once(batch)
            if self._claims:
                self._take_claims(batch)
            self._follower.track(data, batch)
            if batch.count:
                if self.first_ts_ns is None:
                    self.first_ts_ns = batch.ts_ns[0]
                # Of all frames, not of each batch's last: how the bytes are cut must not show where times go back.
                self.last_ts_ns = max(self.last_ts_ns or 0, largest_time(batch.ts_ns, batch.count))
            yield data, batch

    def _take_claims(self, batch: Batch) -> None:
        """Take what frames claim about processes; from the first on, attempts are told with them."""
        if self._claimed is None:
            from synscope.capture.read.claimed_processes import ClaimedProcesses  # noqa: PLC0415 - few files claim any

            self._claimed = claimed = ClaimedProcesses()
            told = self.tracker.on_attempt
            if told is not None:
                self.tracker.on_attempt = lambda attempt: told(claimed.named(attempt))
        self._claimed.take(self._claims, batch, self._follower.frames + 1)

    def _selected(
        self, source: FrameSource, end_ts_ns: int | None, *, ahead: bool
    ) -> Generator[tuple[bytearray, Batch]]:
        """Yield the source's frames in the selected time; with ``ahead``, a thread reads and decodes them before."""
        if ahead:
            yield from read_ahead(source.batches(), self._follower.decode, source.buffers)
        elif self._selection.timed:
            yield from batches_within(source.batches(), self._selection, end_ts_ns, self._follower.skip)
        else:
            yield from source.batches()

    # -- settling before the end ----------------------------------------------------------------------

    def settle(self, quiet_ns: int = 0) -> None:
        """Settle what is over, but not so often that it would cost much of the time.

        ``quiet_ns`` is how long nothing has come since the last frame.
        """
        began = time.monotonic()
        if began < self._next_settling:
            return
        self.tracker.settle_over(quiet_ns)
        ended = time.monotonic()
        self._next_settling = ended + max(SETTLE_S, _SETTLE_SHARE * (ended - began))

    def settle_in_pause(self, quiet_s: float) -> None:
        """Settle what is over, in a pause of a pipe that has lasted for ``quiet_s`` seconds."""
        if quiet_s <= _PAUSE_S:  # nothing changes after that
            self.tracker.settle_over(int(quiet_s * 1e9))

    # -- at the end -----------------------------------------------------------------------------------

    def finish(self) -> tuple[tuple[AttemptGroup, ...], list[Orphan]]:
        """Settle every attempt that is left; return all groups, and the ICMP errors about SYNs never seen."""
        groups = self.tracker.finish()
        if self._claimed is not None:
            groups = tuple(
                replace(group, examples=tuple(map(self._claimed.named, group.examples))) for group in groups
            )
        return groups, self.tracker.orphans()

    def counted(self) -> CaptureHealth:
        """Return what the engine counted; what the source knows of itself is still missing."""
        follower, tracker = self._follower, self.tracker
        skipped = (
            ("outside the selected time", follower.skipped),
            ("other addresses", follower.other_hosts),
        )
        return CaptureHealth(
            frames=follower.frames,
            undecoded=follower.undecoded(),
            tcp_segments=follower.segments,
            duplicates=tracker.duplicates,
            strays=tracker.strays,
            first_ts_ns=self.first_ts_ns,
            last_ts_ns=self.last_ts_ns,
            aggregated=tracker.aggregated,
            skipped={reason: number for reason, number in skipped if number},
        )


def health_of(source: FrameSource, following: Following) -> CaptureHealth:
    """Return how complete a capture was that has been followed to its end."""
    notes = _notes_on_files(source)
    if source.odd_times:
        notes.append(
            f"{len(source.odd_times):,} time stamps lie outside any calendar: waits are not reliable"
        )
    if following.tracker.merged:
        notes.append("too many servers to tell apart: most are counted together under the address ::")
    return replace(
        following.counted(),
        frames=source.frames,
        cut=source.cut,
        linktypes=source.linktypes,
        system=source.system,
        format=source.format,
        snapped=source.snapped,
        dropped=source.dropped,
        notes=tuple(notes),
        files=source.files,
    )


def _notes_on_files(source: FrameSource) -> list[str]:
    """Return what is wrong with files of a set; nothing about a single capture, whose cut stands by itself."""
    notes = []
    for file in source.files:
        if file.error is not None:
            notes.append(f"{file.path} was left out: {file.error}")
        elif file.cut is not None:
            where = f"after its frame {file.cut.frame}" if file.cut.frame else "before its first whole frame"
            notes.append(f"{file.path} is cut short {where}, at byte {file.cut.offset:,}: {file.cut.reason}")
    if isinstance(source, FileSet) and source.overlap:
        notes.append("files overlap in time: frames are counted in order of time, across all of them")
    return notes
