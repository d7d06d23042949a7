"""Saves a live capture as pcapng while it runs.

Input: the batches of a ``Ring``, with its checksum and interface columns. Output: a pcapng file, or a row of
them by size or time; each is whole in itself: section header, one interface description for each interface and
link type, enhanced packet blocks with times in nanoseconds, interface statistics at the end.

A frame whose TCP checksum was left to the hardware has bit 9 ("checksum not ready") of its flags option set; a
frame without the bit was captured with its checksum filled in. With ``headers_only`` a frame ends with its TCP
header (an ICMP error: with the TCP header it quotes), and of any other frame only time and length are kept.

Invariants: every batch is written at once, so that whatever ends the program leaves a file that can be read up
to its last whole block; files are made anew, readable by their owner alone; after an error of the disk the
file is cut back to whole blocks, ``SaveError`` is raised once, and writing on does nothing.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from synscope.capture.write import pcapng
from synscope.capture.write.annotate import PIECE, Copy, put_in_place
from synscope.capture.write.storage import SaveError, Storage, reason, write
from synscope.engine.batch import KIND_ICMP, KIND_TCP, Batch

_ISB_FILTERACCEPT, _ISB_OSDROP, _ISB_USRDELIV = 6, 7, 8
_NS = 1_000_000_000
_ETHERNET = 1
_HEAD = struct.Struct("<7I").pack
_LENGTH = struct.Struct("<I").pack
_PACKET = pcapng.PACKET
_HEAD_AND_TAIL = 32
_WITH_TCP = frozenset({KIND_TCP, KIND_ICMP})
_NO_COMMENTS: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a new file is begun: before one exceeds ``size`` bytes, or after ``seconds`` of its frames' time."""

    size: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """What is kept, and in which files. ``snap_length`` is what the filter cuts frames to, 0 when it does not."""

    snap_length: int = 0
    headers_only: bool = False
    rotation: Rotation | None = None


def _tail(not_ready: int, caplen: int, comments: Sequence[str] = ()) -> bytes:
    """Return what follows a frame's bytes: padding and options."""
    flags = pcapng.CHECKSUM_NOT_READY if not_ready else 0
    return bytes(-caplen & 3) + pcapng.packet_options(flags, comments)


_TAILS = tuple(tuple(_tail(not_ready, caplen) for caplen in range(4)) for not_ready in (0, 1))


def _cut(data: bytearray | mmap.mmap, batch: Batch) -> list[int]:
    """Return the bytes of each frame up to the end of its TCP header; a quoted header need not be whole."""
    found = []
    columns = zip(batch.at, batch.caplen, batch.kind, batch.tcp_at, strict=True)
    for at, caplen, kind, tcp_at in islice(columns, batch.count):
        if kind not in _WITH_TCP:
            found.append(0)
        elif tcp_at + 12 < at + caplen:
            found.append(min(caplen, tcp_at - at + max(20, data[tcp_at + 12] >> 4 << 2)))
        else:
            found.append(caplen)
    return found


class Saver:
    """Writes batches to the files that ``storage`` makes, which begin with a section header.

    ``name_of`` gives an interface's name by its number, ``counts`` how many frames the ring received and
    dropped so far. Raises ``SaveError``.
    """

    def __init__(
        self,
        storage: Storage,
        options: SaveOptions,
        *,
        name_of: Callable[[int], str | None],
        counts: Callable[[], tuple[int, int]],
    ) -> None:
        self._options = options
        self._storage = storage
        self._name_of = name_of
        self._counts = counts
        self._counted = (0, 0)
        self._descriptor = -1
        self._size = 0
        self._first_ts = 0
        self._last_ts = 0
        self._here = 0  # frames in the current file
        self._ended = False
        self._interfaces: dict[tuple[int, int], int] = {}
        self.files: list[Path] = []
        """The files made so far, in order."""
        self.frames = 0
        """Frames written."""
        self.error: SaveError | None = None
        """Why nothing is written any more."""
        self._begin()

    def write(
        self,
        data: bytearray | mmap.mmap,
        batch: Batch,
        unfilled: array[int],
        ifindex: array[int],
        comments: Mapping[int, str] = _NO_COMMENTS,
    ) -> None:
        """Write a batch's frames; ``comments`` are by their place in it. Raises ``SaveError``, once.

        With ``headers_only``, the batch's header columns must be filled already.
        """
        if self._descriptor < 0 or self._ended:
            return
        rotation = self._options.rotation
        parts: list[bytes | bytearray] = []
        waiting = frames = number = 0
        here: tuple[int, int] | None = None
        caplens = _cut(data, batch) if self._options.headers_only else batch.caplen
        columns = zip(
            batch.at, caplens, batch.wirelen, batch.ts_ns, ifindex, batch.linktype, unfilled, strict=False
        )
        for i, (at, caplen, wirelen, ts_ns, index, linktype, not_ready) in enumerate(
            islice(columns, batch.count)
        ):
            tail = _TAILS[not_ready][caplen & 3]
            if comments and i in comments:
                tail = _tail(not_ready, caplen, [comments[i]])
            size = _HEAD_AND_TAIL + caplen + len(tail)
            if rotation is not None and self._is_over(rotation, waiting + size, ts_ns):
                self._put(parts, frames)
                self._finish()
                self._close()
                self._begin()
                parts, waiting, frames, here = [], 0, 0, None
            if here != (index, linktype):
                here = (index, linktype)
                if here not in self._interfaces:
                    parts.append(self._describe(*here))
                    waiting += len(parts[-1])
                number = self._interfaces[here]
            if not self._first_ts:
                self._first_ts = ts_ns
            self._last_ts = ts_ns
            parts += (
                _HEAD(_PACKET, size, number, ts_ns >> 32, ts_ns & 0xFFFFFFFF, caplen, wirelen),
                data[at : at + caplen],
                tail,
                _LENGTH(size),
            )
            waiting += size
            frames += 1
        self._put(parts, frames)

    def end(self) -> None:
        """Write the statistics; nothing is written any more. Raises ``SaveError``."""
        if self._descriptor >= 0 and not self._ended:
            self._ended = True
            self._finish()

    def annotate(self, packet_comments: Mapping[int, str], section_comments: Sequence[str]) -> None:
        """Let a copy with comments take the place of the file, of a rotation the last one, after the end.

        Frames are counted through all files. Raises ``SaveError``; the file then is as it was.
        """
        if self._descriptor < 0:
            return
        before = self.frames - self._here
        here = {number - before: text for number, text in packet_comments.items() if number > before}
        copy = Copy(here, section_comments)
        try:
            source: io.BufferedReader = io.BufferedReader(io.FileIO(os.dup(self._descriptor)), PIECE)
            with source:
                source.seek(0)
                put_in_place(self._storage, copy.pieces(source))
        except OSError as error:
            why = f"its copy with the diagnosis {reason(error)}; it stays as it was captured"
            raise SaveError(self.files[-1], why) from error

    def close(self) -> None:
        """End and close the file. Raises ``SaveError``."""
        try:
            self.end()
        finally:
            self._close()

    def _describe(self, index: int, linktype: int) -> bytes:
        name = self._name_of(index) or f"interface {index}"
        self._interfaces[index, linktype] = len(self._interfaces)
        return pcapng.interface(name, linktype, self._options.snap_length)

    def _is_over(self, rotation: Rotation, size: int, ts_ns: int) -> bool:
        """Whether the current file, which has frames, must end before this one."""
        if not (self._first_ts and self._interfaces):
            return False
        too_large = rotation.size is not None and self._size + size > rotation.size
        too_long = rotation.seconds is not None and ts_ns - self._first_ts >= rotation.seconds * _NS
        return too_large or too_long

    # -- files ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        try:
            path, self._descriptor = self._storage.begin()
        except OSError as error:
            path = self.files[-1] if self.files else self._storage.path
            more = "the file after this one " if self.files else ""
            self.error = SaveError(path, more + reason(error))
            raise self.error from error
        self.files.append(path)
        self._size = len(self._storage.first)
        self._first_ts = self._last_ts = self._here = 0
        self._interfaces = {}

    def _finish(self) -> None:
        """End the current file with what came into it and what the ring lost meanwhile.

        The ring counts all its interfaces together: the first stands for them.
        """
        described = b"" if self._interfaces else self._describe(0, _ETHERNET)
        received, dropped = self._counts()
        lost = dropped - self._counted[1]
        accepted = received - self._counted[0] + lost
        self._counted = (received, dropped)
        counts = {_ISB_FILTERACCEPT: accepted, _ISB_OSDROP: lost, _ISB_USRDELIV: self._here}
        self._put([described, pcapng.statistics(0, self._last_ts, counts)])

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put(self, parts: Sequence[bytes | bytearray], frames: int = 0) -> None:
        """Write whole blocks, with so many frames; if not all of them fit, none."""
        whole = b"".join(parts)
        try:
            write(self._descriptor, whole)
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            self._close()
            self.error = SaveError(self.files[-1], f"{reason(error)}; nothing is saved from here on")
            raise self.error from error
        self._size += len(whole)
        self.frames += frames
        self._here += frames
