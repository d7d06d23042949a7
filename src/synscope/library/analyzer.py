"""Captures in, a diagnosis out: from a path, a stream, or pieces that somebody pushes.

Memory is bounded by what is kept of attempts, never by the size of the capture: of its bytes at most one buffer
is there at a time.
"""

from __future__ import annotations

import contextlib
import os

from synscope import analysis
from synscope.capture.read.byte_sources import PushedBytes, Readable, Starved, stream_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import CaptureError
from synscope.following import Following
from synscope.library.named_targets import Targets, named_targets
from synscope.model import Diagnosis

_UNNAMED = "stream"


def analyze(capture: str | os.PathLike[str] | Readable, targets: Targets = ()) -> Diagnosis:
    """Analyse one capture, pcap or pcapng, plain or compressed.

    ``capture`` is a path (``"-"`` is standard input) or a binary stream, which is read to its end and left open.
    ``targets`` is what to look at: one or several port numbers, texts as ``-p`` takes them, or ``Target``; without
    any, every server port in the capture is a target.

    A capture that is cut is analysed up to the cut, and ``health.cut`` says where that is. Raises ``CaptureError``
    where nothing can be read, ``TargetError`` where a text names no port.
    """
    chosen = named_targets(targets)
    if isinstance(capture, str | os.PathLike):
        path = os.fspath(capture)
        diagnosis = analysis.analyze(path, chosen)
        if diagnosis.health.error is not None:
            raise CaptureError(path, diagnosis.health.error)
        return diagnosis
    name = _name(capture)
    following = Following()
    with contextlib.closing(CaptureReader(stream_source(capture, name), name)) as reader:
        following.follow(reader)
        return analysis.conclude(name, reader, following, chosen)


class Analyzer:
    """Analyses a capture that comes in pieces: ``feed`` as they come, then ``finish``.

    The bytes are those of a pcap or pcapng file, not compressed, cut anywhere. ``targets`` is as in ``analyze``,
    ``name`` what the capture is called in reports and messages. Not for several threads at once.
    """

    def __init__(self, targets: Targets = (), *, name: str = _UNNAMED) -> None:
        self._source = PushedBytes()
        self._name = name
        self._targets = named_targets(targets)
        self._reader = CaptureReader(self._source, name)
        self._following = Following()
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
        with contextlib.closing(self._reader):
            self._follow()
            return analysis.conclude(self._name, self._reader, self._following, self._targets)

    def _follow(self) -> None:
        if self._error is not None:
            raise self._error
        try:
            with contextlib.suppress(Starved):
                self._following.follow(self._reader)
        except CaptureError as error:
            self._error = error
            raise


def _name(stream: Readable) -> str:
    """What a stream calls itself, where that is a path."""
    name = getattr(stream, "name", None)
    return name if isinstance(name, str) else _UNNAMED
