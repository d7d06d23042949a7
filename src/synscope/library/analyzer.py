"""Captures in, a diagnosis out: from a path, a stream, or pieces that somebody pushes.

Memory is bounded by what is kept of attempts, never by the size of the capture: of its bytes at most one buffer
is there at a time.
"""

from __future__ import annotations

import contextlib
import os
from typing import Self

from synscope import analysis
from synscope.capture.read.byte_sources import PushedBytes, Readable, Starved, stream_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import CaptureError
from synscope.capture.write.attachments import attachments
from synscope.engine.follower import Follower
from synscope.library.wanted import Targets, wanted
from synscope.model import Diagnosis, Target

_SEED_BYTES = 8
_UNNAMED = "stream"


def analyze(capture: str | os.PathLike[str] | Readable, targets: Targets = ()) -> Diagnosis:
    """Analyse one capture, pcap or pcapng, plain or compressed.

    ``capture`` is a path (``"-"`` is standard input) or a binary stream, which is read to its end and left open.
    ``targets`` is what to look at: one or several port numbers, texts as ``-p`` takes them, or ``Target``; without
    any, every server port in the capture is a target.

    A capture that is cut is analysed up to the cut, and ``health.cut`` says where that is. Raises ``CaptureError``
    where nothing can be read, ``TargetError`` where a text names no port.
    """
    chosen = wanted(targets)
    if isinstance(capture, str | os.PathLike):
        path = os.fspath(capture)
        diagnosis = analysis.analyze(path, chosen)
        if diagnosis.health.error is not None:
            raise CaptureError(path, diagnosis.health.error)
        return diagnosis
    name = _name(capture)
    with _Following(CaptureReader(stream_source(capture, name), name), name, chosen) as following:
        following.follow()
        return following.diagnosis()


class Analyzer:
    """Analyses a capture that comes in pieces: ``feed`` as they come, then ``finish``.

    The bytes are those of a pcap or pcapng file, not compressed, cut anywhere. ``targets`` is as in ``analyze``,
    ``name`` what the capture is called in reports and messages. Not for several threads at once.
    """

    def __init__(self, targets: Targets = (), *, name: str = _UNNAMED) -> None:
        self._source = PushedBytes()
        self._following = _Following(CaptureReader(self._source, name), name, wanted(targets))
        self._error: CaptureError | None = None
        self._finished = False

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; none are kept that are not part of an unfinished record.

        Bytes behind damage, where the capture cannot be read on, are ignored. Raises ``CaptureError`` where the
        beginning is not that of a capture, ``ValueError`` after ``finish``.
        """
        if self._finished:
            raise ValueError("the analyzer is finished: make another one for another capture")
        self._source.push(data)
        try:
            self._follow()
        finally:
            self._source.drop()

    def finish(self) -> Diagnosis:
        """End the capture and return what it shows.

        Raises ``CaptureError`` where there was no capture, ``ValueError`` when called again.
        """
        if self._finished:
            raise ValueError("the analyzer is finished: make another one for another capture")
        self._finished = True
        self._source.end()
        with self._following:
            self._follow()
            return self._following.diagnosis()

    def _follow(self) -> None:
        if self._error is not None:
            raise self._error
        try:
            with contextlib.suppress(Starved):
                self._following.follow()
        except CaptureError as error:
            self._error = error
            raise


class _Following:
    """One capture on its way through the engine. Owns ``reader``; use as a context manager."""

    def __init__(self, reader: CaptureReader, name: str, targets: tuple[Target, ...]) -> None:
        self._reader = reader
        self._name = name
        self._targets = targets
        # Keyed hashing: a capture must not be able to choose its own collisions.
        self._follower = Follower(seed=int.from_bytes(os.urandom(_SEED_BYTES)))
        self._follower.tracker.odd_times = reader.odd_times
        self._first: int | None = None
        self._last: int | None = None
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def follow(self) -> None:
        """Follow all frames there are; where the source raises, it can be called again."""
        if self._over:
            return
        for data, batch in self._reader.batches():
            self._first = batch.ts_ns[0] if self._first is None else self._first
            # Of all frames, not of each batch's last: how the bytes are cut must not show where times go back.
            self._last = max(self._last or 0, *batch.ts_ns[: batch.count])
            self._follower.decode(data, batch)
            self._follower.track(data, batch)
        self._over = True

    def diagnosis(self) -> Diagnosis:
        """Return what the frames show. Call once."""
        tracker = self._follower.tracker
        groups = tracker.finish()
        health = analysis.health_of(self._reader, self._follower, self._first, self._last)
        found = analysis.diagnose(self._name, groups, tracker.orphans(), health, self._targets)
        return found._replace(attachments=attachments(self._reader.comments))


def _name(stream: Readable) -> str:
    """What a stream calls itself, where that is a path."""
    name = getattr(stream, "name", None)
    return name if isinstance(name, str) else _UNNAMED
