"""Copies a capture as pcapng and adds comments: to single frames, and to the file as a whole.

Input: a pcapng file, in either byte order, of any number of sections, cut or not. Output: the same blocks with
the comments in them. Everything else stays byte for byte: frames, times, interfaces, other options and blocks
of any kind; only a section header that told its section's length no longer does. From damage on, the rest is
copied as it is. A pcap file becomes a pcapng file of the same frames and times, up to where it is cut.

With ``keep`` (a mark for each frame) frames without a mark are left out, and so is all behind damage.

Invariants: the destination (which may be the source) is replaced only by a complete file; memory holds one
block or one batch of frames at a time.

Source: draft-ietf-opsawg-pcapng, sections 3 (blocks and options) and 4.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synscope.capture.read.byte_sources import open_source
from synscope.capture.read.capture_reader import CaptureReader
from synscope.capture.source import ByteSource, CaptureError
from synscope.capture.write import pcapng
from synscope.capture.write.storage import Files, SaveError, Storage, reason

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LARGEST_BLOCK = 1 << 26
_SMALLEST_BLOCK = 12
PIECE = 1 << 18
"""Bytes that are read at once."""
_END = b"\0\0\0\0"
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SECTION_HEAD = 16
_PACKET_HEAD = 20
_FRAMES = frozenset({pcapng.PACKET, pcapng.SIMPLE_PACKET, pcapng.OLD_PACKET})


class Copy:
    """One copy on its way: what the blocks so far have said."""

    def __init__(
        self,
        packet_comments: Mapping[int, str],
        section_comments: Sequence[str] = (),
        keep: bytearray | None = None,
    ) -> None:
        self._packets = packet_comments
        self._sections = section_comments
        self._keep = keep
        self._order = ""
        self._frame = 0
        self._placed: set[int] = set()

    @property
    def left_over(self) -> tuple[int, ...]:
        """Frame numbers whose comment found no place."""
        return tuple(sorted(set(self._packets) - self._placed))

    def pieces(self, source: io.BufferedReader) -> Iterator[bytes]:
        """Yield the copy's blocks; from the first on that is not whole, the source's bytes."""
        whole = b""
        while not self._is_done:
            same = self._same(source.peek())
            if same:
                yield source.read(same)
            whole = self._block(source)
            copied = self._copied(whole) if self._is_whole(whole) else None
            if copied is None:
                break
            yield copied
            whole = source.read(PIECE) if self._is_done else b""
        while whole and self._keep is None:
            yield whole
            whole = source.read(PIECE)

    def frames(self, reader: CaptureReader) -> Iterator[bytes]:
        """Yield the copy's blocks of a capture that is not pcapng yet."""
        texts, self._sections = self._sections, ()
        yield pcapng.section(pcapng.About(), texts)
        interfaces: dict[int, int] = {}
        for data, batch in reader.batches():
            for i in range(batch.count):
                self._frame += 1
                if not self._wanted():
                    continue
                if batch.linktype[i] not in interfaces:
                    interfaces[batch.linktype[i]] = len(interfaces)
                    yield pcapng.interface("", batch.linktype[i], 0)
                at, ts_ns = batch.at[i], batch.ts_ns[i]
                yield pcapng.packet(
                    interfaces[batch.linktype[i]],
                    ts_ns,
                    bytes(data[at : at + batch.caplen[i]]),
                    batch.wirelen[i],
                    self._texts(),
                )

    @property
    def _is_done(self) -> bool:
        """Whether the rest needs no more changes."""
        return self._keep is None and not self._sections and len(self._placed) == len(self._packets)

    def _wanted(self) -> bool:
        return self._keep is None or (self._frame <= len(self._keep) and self._keep[self._frame - 1] != 0)

    def _texts(self) -> list[str]:
        """Return the comment of the frame at hand, and note that it has its place."""
        if self._frame not in self._packets:
            return []
        self._placed.add(self._frame)
        return [self._packets[self._frame]]

    def _same(self, data: bytes) -> int:
        """Return how many bytes of whole blocks at the beginning of ``data`` are copied as they are."""
        at = 0
        if not self._order or self._sections or self._keep is not None:
            return at
        head = struct.Struct(f"{self._order}II").unpack_from
        while at + _SMALLEST_BLOCK <= len(data):
            kind, length = head(data, at)
            end = at + length
            if kind == pcapng.SECTION or length < _SMALLEST_BLOCK or length % 4 or end > len(data):
                break
            if data[end - 4 : end] != data[at + 4 : at + 8]:
                break
            if kind in _FRAMES:
                if self._frame + 1 in self._packets:
                    break
                self._frame += 1
            at = end
        return at

    def _block(self, source: io.BufferedReader) -> bytes:
        """Return the next block, or as much of it as there is before the end or the damage."""
        head = source.read(_SMALLEST_BLOCK)
        if len(head) < _SMALLEST_BLOCK:
            return head
        if head[:4] == struct.pack("<I", pcapng.SECTION):
            self._order = _ORDERS.get(head[8:12], "")
        if not self._order:
            return head
        (length,) = struct.unpack_from(f"{self._order}I", head, 4)
        if length < _SMALLEST_BLOCK or length % 4 or length > _LARGEST_BLOCK:
            return head
        return head + source.read(length - _SMALLEST_BLOCK)

    def _is_whole(self, block: bytes) -> bool:
        if len(block) < _SMALLEST_BLOCK or not self._order:
            return False
        (length,) = struct.unpack_from(f"{self._order}I", block, 4)
        return len(block) == length and block[-4:] == block[4:8]

    def _copied(self, whole: bytes) -> bytes | None:
        (kind,) = struct.unpack_from(f"{self._order}I", whole)
        body = whole[8:-4]
        if kind == pcapng.SECTION:
            if len(body) < _SECTION_HEAD:
                return None
            texts, self._sections = self._sections, ()
            head = body[:8] + b"\xff" * 8
            return self._with(kind, head, body[_SECTION_HEAD:], texts)
        if kind in _FRAMES:
            return self._frame_copied(kind, body)
        return whole

    def _frame_copied(self, kind: int, body: bytes) -> bytes | None:
        self._frame += 1
        if not self._wanted():
            return b""
        if self._frame not in self._packets or kind == pcapng.SIMPLE_PACKET:  # which has no options
            return pcapng.block(kind, body, self._order)
        if len(body) < _PACKET_HEAD:
            return None
        (caplen,) = struct.unpack_from(f"{self._order}I", body, 12)
        at = _PACKET_HEAD + caplen + (-caplen & 3)
        if at > len(body):
            return None
        return self._with(kind, body[:at], body[at:], self._texts())

    def _with(self, kind: int, head: bytes, options: bytes, texts: Sequence[str]) -> bytes:
        """Return the block with comments before its other options."""
        added = pcapng.comments(texts, self._order)
        if added and not options:
            added += _END
        return pcapng.block(kind, head + added + options, self._order)


def annotate(  # noqa: PLR0913 - what is written, and where
    source: str,
    destination: Path,
    packet_comments: Mapping[int, str],
    section_comments: Sequence[str] = (),
    *,
    keep: bytearray | None = None,
    replace: bool = True,
) -> tuple[int, ...]:
    """Copy ``source`` to ``destination`` with comments; return the frames whose comment found no place.

    Frames are counted from 1, as in every report. A frame in a simple packet block takes no comment, nor does
    one behind damage. Raises ``CaptureError`` when the source cannot be read, ``SaveError`` when the
    destination cannot be written, ``ValueError`` for a comment that is too long.
    """
    copy = Copy(packet_comments, section_comments, keep)
    files = Files(destination, replace=replace)
    try:
        files.check()
    except OSError as error:
        raise SaveError(destination, reason(error)) from error
    with contextlib.closing(open_source(source)) as opened:
        pieces = (
            copy.pieces(io.BufferedReader(_Bytes(opened, source), PIECE))
            if _is_pcapng(source)
            else copy.frames(CaptureReader(opened, source))
        )
        try:
            put_in_place(files, pieces)
        except OSError as error:
            raise SaveError(destination, reason(error)) from error
    return copy.left_over


class _Bytes(io.RawIOBase):
    """A source's bytes as a stream."""

    def __init__(self, source: ByteSource, capture: str) -> None:
        self._source = source
        self._capture = capture

    def readable(self) -> bool:
        """Whether bytes can be read: yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill ``buffer`` with what is there."""
        try:
            return self._source.readinto(memoryview(buffer).cast("B"))
        except OSError as error:
            raise CaptureError(self._capture, f"cannot be read: {error.strerror}") from error


def _is_pcapng(source: str) -> bool:
    with contextlib.closing(open_source(source)) as opened:
        return io.BufferedReader(_Bytes(opened, source)).read(4) == struct.pack("<I", pcapng.SECTION)


def put_in_place(storage: Storage, pieces: Iterable[bytes]) -> None:
    """Write the pieces to a copy, and let it take the place of the file. Raises ``OSError``."""
    try:
        with os.fdopen(storage.copy(), "wb") as output:
            for piece in pieces:
                output.write(piece)
            output.flush()
            os.fsync(output.fileno())
        storage.commit()
    except BaseException:
        storage.discard()
        raise
