"""Copies a pcapng file and adds comments: to single frames, and to the file as a whole.

Input: a pcapng file, in either byte order, of any number of sections, cut or not. Output: the same blocks with
the comments in them. Everything else stays byte for byte: frames, times, interfaces, other options and blocks
of any kind; only a section header that told its section's length no longer does. From damage on, the rest is
copied as it is.

Invariants: the destination (which may be the source) is replaced only by a complete file; memory holds one
block at a time.

Source: draft-ietf-opsawg-pcapng, sections 3 (blocks and options) and 4.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from synscope.capture import pcapng
from synscope.capture.errors import CaptureError
from synscope.capture.save import SaveError, create

_LARGEST_BLOCK = 1 << 26
_SMALLEST_BLOCK = 12
_END = b"\0\0\0\0"
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SECTION_HEAD = 16
_PACKET_HEAD = 20
_FRAMES = frozenset({pcapng.PACKET, pcapng.SIMPLE_PACKET, pcapng.OLD_PACKET})


class _Copy:
    """One copy on its way: what the blocks so far have said."""

    def __init__(self, packet_comments: Mapping[int, str], section_comments: Sequence[str]) -> None:
        self._packets = packet_comments
        self._sections = section_comments
        self._order = ""
        self._frame = 0
        self._placed: set[int] = set()

    @property
    def left_over(self) -> tuple[int, ...]:
        """Frame numbers whose comment found no place."""
        return tuple(sorted(set(self._packets) - self._placed))

    def pieces(self, source: BinaryIO) -> Iterator[bytes]:
        """The copy's blocks; ends before the first that is not whole, at which it leaves the source."""
        while True:
            start = source.tell()
            block = self._block(source)
            copied = None if block is None else self._copied(*block)
            if copied is None:
                source.seek(start)
                return
            yield copied

    def _block(self, source: BinaryIO) -> tuple[int, bytes] | None:
        """The next block's kind and body, ``None`` when there is no whole one."""
        head = source.read(_SMALLEST_BLOCK)
        if len(head) < _SMALLEST_BLOCK:
            return None
        if head[:4] == struct.pack("<I", pcapng.SECTION):
            self._order = _ORDERS.get(head[8:12], "")
        if not self._order:
            return None
        kind, length = struct.unpack_from(f"{self._order}II", head)
        if length < _SMALLEST_BLOCK or length % 4 or length > _LARGEST_BLOCK:
            return None
        whole = head + source.read(length - _SMALLEST_BLOCK)
        if len(whole) < length or whole[-4:] != whole[4:8]:
            return None
        return kind, whole[8:-4]

    def _copied(self, kind: int, body: bytes) -> bytes | None:
        if kind == pcapng.SECTION:
            if len(body) < _SECTION_HEAD:
                return None
            texts, self._sections = self._sections, ()
            head = body[:8] + b"\xff" * 8
            return self._with(kind, head, body[_SECTION_HEAD:], texts)
        if kind in _FRAMES:
            return self._frame_copied(kind, body)
        return pcapng.block(kind, body, self._order)

    def _frame_copied(self, kind: int, body: bytes) -> bytes | None:
        self._frame += 1
        if self._frame not in self._packets or kind == pcapng.SIMPLE_PACKET:  # which has no options
            return pcapng.block(kind, body, self._order)
        if len(body) < _PACKET_HEAD:
            return None
        (caplen,) = struct.unpack_from(f"{self._order}I", body, 12)
        at = _PACKET_HEAD + caplen + (-caplen & 3)
        if at > len(body):
            return None
        self._placed.add(self._frame)
        return self._with(kind, body[:at], body[at:], [self._packets[self._frame]])

    def _with(self, kind: int, head: bytes, options: bytes, texts: Sequence[str]) -> bytes:
        """The block with comments before its other options."""
        added = pcapng.comments(texts, self._order)
        if added and not options:
            added += _END
        return pcapng.block(kind, head + added + options, self._order)


def annotate(
    source: Path,
    destination: Path,
    packet_comments: Mapping[int, str],
    section_comments: Sequence[str] = (),
) -> tuple[int, ...]:
    """Copy ``source`` to ``destination`` with comments; return the frames whose comment found no place.

    Frames are counted from 1, as in every report. A frame in a simple packet block takes no comment, nor does
    one behind damage. Raises ``CaptureError`` when the source cannot be read or is no pcapng file,
    ``SaveError`` when the destination cannot be written, ``ValueError`` for a comment that is too long.
    """
    copy = _Copy(packet_comments, section_comments)
    try:
        opened = source.open("rb")
    except OSError as error:
        raise CaptureError(str(source), f"cannot be opened: {error.strerror}") from error
    with opened:
        if opened.read(4) != struct.pack("<I", pcapng.SECTION):
            raise CaptureError(str(source), "is no pcapng capture, so it takes no comments")
        opened.seek(0)
        try:
            _replace(opened, destination, copy)
        except OSError as error:
            raise SaveError(destination, f"cannot be written: {error.strerror}") from error
    return copy.left_over


def _replace(source: BinaryIO, destination: Path, copy: _Copy) -> None:
    made = destination.with_name(f".{destination.name}.{os.getpid()}.copy")
    try:
        with os.fdopen(create(made, replace=False, first=b""), "wb") as output:
            for piece in copy.pieces(source):
                output.write(piece)
            shutil.copyfileobj(source, output)
            output.flush()
            os.fsync(output.fileno())
        made.replace(destination)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
