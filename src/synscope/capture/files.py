"""Capture files, compressed or not, and standard input, as a ``ByteSource``.

Compression is recognised by its first bytes, never by the file's name. gzip, bzip2 and xz come from the
standard library, zstd from it (Python 3.14) or from its official backport, lz4 from its package. A compressed
stream that is cut or damaged delivers what it can and says so in ``damage``.
"""

from __future__ import annotations

import bz2
import lzma
import os
import select
import stat
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

from synscope.capture.errors import CaptureError
from synscope.capture.source import ByteSource

_PIECE = 1 << 16
_MAGIC_SIZE = 6


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's gzip decompressor with the interface that the others share."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _zstd() -> _Decompressor:
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor  # noqa: PLC0415 - only where it is needed
    else:
        from backports.zstd import ZstdDecompressor  # noqa: PLC0415
    made: _Decompressor = ZstdDecompressor()
    return made


def _lz4() -> _Decompressor:
    from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415 - only where it is needed

    made: _Decompressor = LZ4FrameDecompressor()
    return made


_FORMATS: tuple[tuple[bytes, str, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", "gzip", _Gzip),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", "xz", lzma.LZMADecompressor),
    (b"\x04\x22\x4d\x18", "lz4", _lz4),
)
_KNOWN_OTHERS = ((b"PK\x03\x04", "zip"), (b"7z\xbc\xaf", "7z"))


class _Plain:
    """Bytes as they are on a descriptor."""

    damage: str | None = None

    def __init__(
        self, descriptor: int, *, owned: bool, head: bytes, on_read: Callable[[int], None] | None
    ) -> None:
        self._descriptor = descriptor
        self._owned = owned
        self._head = head
        self._on_read = on_read
        self.live = not stat.S_ISREG(os.fstat(descriptor).st_mode)

    def ready(self, seconds: float) -> bool:
        if not self.live or sys.platform == "win32":  # where only sockets can be waited for
            return True
        return bool(self._head or select.select([self._descriptor], [], [], seconds)[0])

    def readinto(self, room: memoryview) -> int:
        if self._head:
            size = min(len(self._head), len(room))
            room[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        size = os.readv(self._descriptor, [room]) if _HAS_READV else _read(self._descriptor, room)
        if self._on_read is not None:
            self._on_read(size)
        return size

    def close(self) -> None:
        if self._owned:
            self._owned = False
            os.close(self._descriptor)


_HAS_READV = hasattr(os, "readv")


def _read(descriptor: int, room: memoryview) -> int:
    data = os.read(descriptor, len(room))
    room[: len(data)] = data
    return len(data)


class _Compressed:
    """The decompressed bytes of another source; concatenated streams are one."""

    def __init__(self, inner: ByteSource, name: str, make: Callable[[], _Decompressor]) -> None:
        self._inner = inner
        self._name = name
        self._make = make
        self._stream = make()
        self._fresh = True
        self._waiting = b""
        self._piece = memoryview(bytearray(_PIECE))
        self._consumed = 0
        self.damage: str | None = None
        self.live = inner.live

    def ready(self, seconds: float) -> bool:
        stream = self._stream
        in_hand = stream.unused_data if stream.eof else not (self._fresh or stream.needs_input)
        return bool(self._waiting or in_hand) or self._inner.ready(seconds)

    def readinto(self, room: memoryview) -> int:
        while self.damage is None:
            if self._stream.eof:
                self._waiting = self._stream.unused_data or b""
                self._stream, self._fresh = self._make(), True
            if self._fresh or self._stream.needs_input:
                if not self._waiting:
                    size = self._inner.readinto(self._piece)
                    self._consumed += size
                    self._waiting = bytes(self._piece[:size])
                if not self._waiting:
                    if not self._fresh:
                        self.damage = f"the {self._name} stream is cut after {self._consumed} bytes"
                    return 0
            data, self._waiting = self._waiting, b""
            if self._fresh and not data.strip(b"\0"):
                continue  # padding after the last stream
            try:
                out = self._stream.decompress(data, len(room))
            except Exception as error:  # noqa: BLE001 - each library has its own error class
                self.damage = f"the {self._name} stream is damaged near its byte {self._consumed}: {error}"
                return 0
            self._fresh = False
            if out:
                room[: len(out)] = out
                return len(out)
        return 0

    def close(self) -> None:
        self._inner.close()


def open_source(capture: str, on_read: Callable[[int], None] | None = None) -> ByteSource:
    """Open a capture by path, ``-`` being standard input; look through its compression.

    ``on_read`` is told of every read how many bytes came, before they are decompressed.
    Raises ``CaptureError`` when it cannot be opened or its compression is not supported.
    """
    if capture == "-":
        descriptor, owned = 0, False
        if sys.stdin is not None and sys.stdin.isatty():
            raise CaptureError(capture, "standard input is a terminal; pipe a capture into it")
    else:
        try:
            descriptor, owned = os.open(capture, os.O_RDONLY | getattr(os, "O_BINARY", 0)), True
        except OSError as error:
            raise _failure(capture, "cannot be opened", error) from error
        except ValueError as error:
            raise CaptureError(capture, "the path holds a NUL byte") from error
    try:
        head = _head(descriptor)
        plain = _Plain(descriptor, owned=owned, head=head, on_read=on_read)
        return _look_through(capture, plain, head)
    except OSError as error:
        if owned:
            os.close(descriptor)
        raise _failure(capture, "cannot be read", error) from error
    except CaptureError:
        if owned:
            os.close(descriptor)
        raise


def listing(capture: str) -> list[str]:
    """The files that ``capture`` stands for: those directly in a directory, by name, else itself.

    Hidden files and whatever is no regular file are left out. A directory without others stands for itself.
    """
    try:
        with os.scandir(capture) as entries:
            names = sorted(one.name for one in entries if not one.name.startswith(".") and one.is_file())
    except (OSError, ValueError):
        return [capture]
    return [os.path.join(capture, name) for name in names] or [capture]  # noqa: PTH118 - the path as given


def _failure(capture: str, what: str, error: OSError) -> CaptureError:
    """What to say of a capture that could not be opened or read; directories fail in either, by system."""
    if not os.path.isdir(capture):  # noqa: PTH112 - the path as given
        return CaptureError(capture, f"{what}: {error.strerror}")
    empty = listing(capture) == [capture]
    return CaptureError(capture, "is a directory without files" if empty else "is a directory, not a file")


def _head(descriptor: int) -> bytes:
    head = b""
    while len(head) < _MAGIC_SIZE:
        more = os.read(descriptor, _MAGIC_SIZE - len(head))
        if not more:
            break
        head += more
    return head


def _look_through(capture: str, plain: ByteSource, head: bytes) -> ByteSource:
    for magic, name, make in _FORMATS:
        if head.startswith(magic):
            return _Compressed(plain, name, make)
    for magic, name in _KNOWN_OTHERS:
        if head.startswith(magic):
            raise CaptureError(capture, f"is compressed with {name}, which is not supported: unpack it first")
    return plain
