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

import mmap
import os
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from synscope.capture import pcapng
from synscope.engine.batch import KIND_ICMP, KIND_TCP, Batch

_ISB_FILTERACCEPT, _ISB_OSDROP, _ISB_USRDELIV = 6, 7, 8
_NS = 1_000_000_000
_ETHERNET = 1
_MODE = 0o600
_HEAD = struct.Struct("<7I").pack
_LENGTH = struct.Struct("<I").pack
_PACKET = pcapng.PACKET
_HEAD_AND_TAIL = 32
_WITH_TCP = frozenset({KIND_TCP, KIND_ICMP})
_NO_COMMENTS: Mapping[int, str] = {}


class SaveError(Exception):
    """A capture cannot be saved (any further); ``path`` is the file, the text says why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a new file is begun: before one exceeds ``size`` bytes, or after ``seconds`` of its frames' time."""

    size: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How to save: what the section header says, and what is kept.

    ``snap_length`` is what the filter cuts frames to, 0 when it does not. With ``replace`` an existing file
    gives way, otherwise it is an error.
    """

    about: pcapng.About
    comments: Sequence[str] = ()
    snap_length: int = 0
    headers_only: bool = False
    replace: bool = False
    rotation: Rotation | None = None


def _tail(not_ready: int, caplen: int, comments: Sequence[str] = ()) -> bytes:
    """What follows a frame's bytes: padding and options."""
    flags = pcapng.CHECKSUM_NOT_READY if not_ready else 0
    return bytes(-caplen & 3) + pcapng.packet_options(flags, comments)


_TAILS = tuple(tuple(_tail(not_ready, caplen) for caplen in range(4)) for not_ready in (0, 1))


def _cut(data: bytearray | mmap.mmap, batch: Batch) -> list[int]:
    """Bytes of each frame up to the end of its TCP header; a quoted header need not be whole."""
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
    """Writes batches to ``path``; with a rotation to ``NAME_00001.EXT`` and so on next to it.

    ``name_of`` gives an interface's name by its number, ``counts`` how many frames the ring received and
    dropped so far. Raises ``SaveError``.
    """

    def __init__(
        self,
        path: Path,
        options: SaveOptions,
        *,
        name_of: Callable[[int], str | None],
        counts: Callable[[], tuple[int, int]],
    ) -> None:
        self._options = options
        self._path = path
        self._header = pcapng.section(options.about, options.comments)
        self._name_of = name_of
        self._counts = counts
        self._counted = (0, 0)
        self._descriptor = -1
        self._size = 0
        self._first_ts = 0
        self._last_ts = 0
        self._here = 0  # frames in the current file
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
        if self._descriptor < 0:
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

    def close(self) -> None:
        """Write the statistics and close the file. Raises ``SaveError``."""
        if self._descriptor >= 0:
            self._finish()

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
        path = self._path
        if self._options.rotation is not None:
            path = path.with_name(f"{path.stem}_{len(self.files) + 1:05}{path.suffix}")
        try:
            self._descriptor = create(path, replace=self._options.replace, first=self._header)
        except OSError as error:
            self.error = SaveError(path, _reason(error))
            raise self.error from error
        self.files.append(path)
        self._size = len(self._header)
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
        os.close(self._descriptor)
        self._descriptor = -1

    def _put(self, parts: Sequence[bytes | bytearray], frames: int = 0) -> None:
        """Write whole blocks, with so many frames; if not all of them fit, none."""
        whole = b"".join(parts)
        try:
            _write(self._descriptor, whole)
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            os.close(self._descriptor)
            self._descriptor = -1
            self.error = SaveError(self.files[-1], f"{_reason(error)}; nothing is saved from here on")
            raise self.error from error
        self._size += len(whole)
        self.frames += frames
        self._here += frames


def create(path: Path, *, replace: bool, first: bytes) -> int:
    """A new file with these bytes in it, readable by its owner alone; its descriptor.

    With ``replace`` it takes the place of an existing one only once the bytes are in it. Raises ``OSError``.
    """
    made = path.with_name(f".{path.name}.{os.getpid()}.new") if replace else path
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(made, flags, _MODE)
    try:
        _write(descriptor, first)
        if replace:
            made.replace(path)
    except OSError:
        os.close(descriptor)
        made.unlink()
        raise
    return descriptor


def _write(descriptor: int, data: bytes) -> None:
    """Write all of it: a disk that is nearly full takes only a part at first."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _reason(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "is there already, and is not overwritten unasked"
    return f"cannot be written: {error.strerror}"
