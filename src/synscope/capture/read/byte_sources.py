"""A capture's bytes as a ``ByteSource``: of a file, of standard input, of a stream, and pieces that somebody pushes.

Whether a file or a stream is compressed is told by its first bytes, never by its name; ``compressed`` unpacks it.
Pushed bytes are not compressed.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable
from typing import Protocol

from synscope.capture.read import compressed
from synscope.capture.source import ByteSource, CaptureError

_MAGIC_SIZE = 6
_FORMATS: tuple[tuple[bytes, str, compressed.Maker], ...] = (
    (b"\x1f\x8b", "gzip", compressed.gzip),
    (b"\x28\xb5\x2f\xfd", "zstd", compressed.zstd),
    (b"BZh", "bzip2", compressed.bzip2),
    (b"\xfd7zXZ", "xz", compressed.xz),
    (b"\x04\x22\x4d\x18", "lz4", compressed.lz4),
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

    def readinto(self, buffer: memoryview) -> int:
        if self._head:
            size = min(len(self._head), len(buffer))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        size = os.readv(self._descriptor, [buffer]) if _HAS_READV else _read(self._descriptor, buffer)
        if self._on_read is not None:
            self._on_read(size)
        return size

    def close(self) -> None:
        if self._owned:
            self._owned = False
            os.close(self._descriptor)


class Readable(Protocol):
    """A binary stream, as far as it is needed: ``read`` returns at most so many bytes, none at the end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        ...


class _Stream:
    """What somebody else's stream returns. It is read where it is asked for, and never closed."""

    live = True  # so that its bytes are never read ahead, in another thread
    damage: str | None = None

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._rest = b""

    def head(self) -> bytes:
        """Return the first bytes, which will be read again."""
        while len(self._rest) < _MAGIC_SIZE:
            more = self._read(_MAGIC_SIZE - len(self._rest))
            if not more:
                break
            self._rest += more
        return self._rest

    def ready(self, seconds: float) -> bool:  # noqa: ARG002 - only the stream knows
        return True

    def readinto(self, buffer: memoryview) -> int:
        data = self._rest or self._read(len(buffer))
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._rest = data[size:]
        return size

    def close(self) -> None:
        pass

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if not isinstance(data, bytes):
            raise TypeError(
                f"a capture is read from a binary stream, and this one returned {type(data).__name__}"
            )
        return data


class Starved(Exception):  # noqa: N818 - no error: more may come
    """There is nothing to read for now."""


class PushedBytes:
    """Pieces of any size, offered by ``push`` until ``end``, as a source.

    ``readinto`` raises ``Starved`` while there is nothing to read and the end has not come; then
    ``CaptureReader.batches`` can be called again afterwards. At most one piece is held, and only while it is read.
    """

    live = False
    damage: str | None = None

    def __init__(self) -> None:
        self._piece = memoryview(b"")
        self._ended = False

    def push(self, piece: bytes | bytearray | memoryview) -> None:
        """Offer the next bytes, in place of what was not read of the last ones."""
        self._piece = memoryview(piece).cast("B")

    def drop(self) -> None:
        """Let go of the piece, which its owner may want to change."""
        self._piece = memoryview(b"")

    def end(self) -> None:
        """Say that there will be no further bytes."""
        self._ended = True

    def ready(self, seconds: float) -> bool:  # noqa: ARG002 - there is nobody to wait for
        """Whether reading would not block: it never does."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with what is there; 0 at the end. Raises ``Starved``."""
        size = min(len(self._piece), len(buffer))
        if not size and not self._ended:
            raise Starved
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def close(self) -> None:
        """Let go of the piece."""
        self.drop()


_HAS_READV = hasattr(os, "readv")


def _read(descriptor: int, buffer: memoryview) -> int:
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def open_source(capture: str, on_read: Callable[[int], None] | None = None) -> ByteSource:
    """Open a capture by path, ``-`` being standard input; look through its compression.

    ``on_read`` is told of every read how many bytes came, before they are decompressed; the reads of a compressed
    file happen in another thread.
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
        return _look_through(capture, _Plain(descriptor, owned=owned, head=head, on_read=on_read), head)
    except OSError as error:
        if owned:
            os.close(descriptor)
        raise _failure(capture, "cannot be read", error) from error
    except CaptureError:
        if owned:
            os.close(descriptor)
        raise


def stream_source(stream: Readable, capture: str) -> ByteSource:
    """Read a capture, compressed or not, from a binary stream; ``capture`` is its name for messages.

    Raises ``CaptureError`` where it cannot be read or its compression is not supported, ``TypeError`` where the
    stream returns no bytes.
    """
    plain = _Stream(stream)
    try:
        head = plain.head()
    except OSError as error:
        raise CaptureError(capture, f"cannot be read: {error.strerror or error}") from error
    return _look_through(capture, plain, head)


def listing(capture: str) -> list[str]:
    """Return the files that ``capture`` stands for: those directly in a directory, by name, else itself.

    Hidden files are left out, and so is what is no regular file. A directory without others stands for itself.
    """
    try:
        with os.scandir(capture) as entries:
            names = sorted(
                entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file()
            )
    except (OSError, ValueError):
        return [capture]
    return [os.path.join(capture, name) for name in names] or [capture]  # noqa: PTH118 - the path as given


def _failure(capture: str, what: str, error: OSError) -> CaptureError:
    """Return the error of a capture that cannot be opened or read; a directory fails in either, by system."""
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
            return compressed.unpack(plain, name, make)
    for magic, name in _KNOWN_OTHERS:
        if head.startswith(magic):
            raise CaptureError(capture, f"is compressed with {name}, which is not supported: unpack it first")
    return plain
