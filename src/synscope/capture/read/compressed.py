"""Decompressed bytes of another source, as a ``ByteSource``; of a file, a thread unpacks ahead of the reader.

Input: a source and which decompressor takes it apart. gzip, bzip2 and xz come from the
standard library, zstd from it (Python 3.14) or from its official backport, lz4 from its package. A compressed
stream that is cut or damaged delivers what it can and says so in ``damage``.
"""

from __future__ import annotations

import sys
import threading
import zlib
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from synscope.capture.source import ByteSource

PIECE = 1 << 18
"""Compressed bytes that are read at once."""
UNPACKED = 1 << 20
"""Bytes that a piece becomes, at most."""
PIECES_AHEAD = 4
"""How many of those may wait for the reader: few, so that memory stays flat; large, so that threads meet rarely."""


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


Maker = Callable[[], _Decompressor]
"""Returns a decompressor for one stream."""


def gzip() -> _Decompressor:
    """Return a decompressor for one gzip stream."""
    return _Gzip()


# Each library is imported only for its own format: most captures are not compressed.


def zstd() -> _Decompressor:
    """Return a decompressor for one zstd stream."""
    if sys.version_info >= (3, 14):
        from compression.zstd import ZstdDecompressor  # noqa: PLC0415
    else:
        from backports.zstd import ZstdDecompressor  # noqa: PLC0415
    made: _Decompressor = ZstdDecompressor()
    return made


def bzip2() -> _Decompressor:
    """Return a decompressor for one bzip2 stream."""
    from bz2 import BZ2Decompressor  # noqa: PLC0415

    return BZ2Decompressor()


def xz() -> _Decompressor:
    """Return a decompressor for one xz stream."""
    from lzma import LZMADecompressor  # noqa: PLC0415

    return LZMADecompressor()


def lz4() -> _Decompressor:
    """Return a decompressor for one lz4 stream."""
    from lz4.frame import LZ4FrameDecompressor  # noqa: PLC0415

    made: _Decompressor = LZ4FrameDecompressor()
    return made


class _Compressed:
    """The decompressed bytes of another source; concatenated streams are one."""

    def __init__(self, inner: ByteSource, name: str, make: Maker) -> None:
        self._inner = inner
        self._name = name
        self._make = make
        self._stream = make()
        self._fresh = True
        self._waiting = b""
        self._piece = memoryview(bytearray(PIECE))
        self._consumed = 0
        self.damage: str | None = None
        self.live = inner.live

    def ready(self, seconds: float) -> bool:
        stream = self._stream
        in_hand = stream.unused_data if stream.eof else not (self._fresh or stream.needs_input)
        return bool(self._waiting or in_hand) or self._inner.ready(seconds)

    def readinto(self, buffer: memoryview) -> int:
        out = self.read(len(buffer))
        buffer[: len(out)] = out
        return len(out)

    def read(self, limit: int) -> bytes:
        """Return the next bytes, at most ``limit``; none at the end."""
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
                    return b""
            data, self._waiting = self._waiting, b""
            if self._fresh and not data.strip(b"\0"):
                continue  # padding after the last stream
            try:
                out = self._stream.decompress(data, limit)
            except Exception as error:  # noqa: BLE001 - each library has its own error class
                self.damage = f"the {self._name} stream is damaged near its byte {self._consumed}: {error}"
                return b""
            self._fresh = False
            if out:
                return out
        return b""

    def close(self) -> None:
        self._inner.close()


class _Ahead:
    """The same bytes, unpacked in a thread: decompressors need no interpreter, so the reader goes on meanwhile.

    The thread begins with the first read and is over when ``close`` returns. All it ever waits for is one of
    ``_places``; what it finds, an error too, arrives in order.
    """

    live = False

    def __init__(self, inner: _Compressed) -> None:
        self._inner = inner
        self._found: SimpleQueue[bytes | Exception] = SimpleQueue()
        self._places = threading.Semaphore(PIECES_AHEAD)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._ended = False
        self._rest = memoryview(b"")
        self.damage: str | None = None

    def ready(self, _seconds: float) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if not self._rest:
            self._rest = memoryview(self._next())
        size = min(len(self._rest), len(buffer))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._closing = self._ended = True
        if self._thread is not None:
            self._places.release()
            self._thread.join()
        self._inner.close()

    def _next(self) -> bytes:
        """Return the next piece; none at the end."""
        if self._ended:
            return b""
        if self._thread is None:
            # A daemon: a source that nobody closed must not keep the program from ending.
            self._thread = threading.Thread(target=self._unpack, name="synscope-unpack", daemon=True)
            self._thread.start()
        found = self._found.get()
        self._places.release()
        if isinstance(found, Exception):
            self._ended = True
            raise found
        if not found:
            self._ended = True
            self.damage = self._inner.damage
        return found

    def _unpack(self) -> None:
        found: bytes | Exception = b"more"
        while found and not isinstance(found, Exception):
            self._places.acquire()
            if self._closing:
                return
            try:
                found = self._inner.read(UNPACKED)
            except Exception as error:  # noqa: BLE001 - raised again where the bytes are asked for
                found = error
            self._found.put(found)


def unpack(inner: ByteSource, name: str, make: Maker) -> ByteSource:
    """Return the decompressed bytes of ``inner``; those of a file run ahead. ``name`` is for messages."""
    stream = _Compressed(inner, name, make)
    return stream if inner.live else _Ahead(stream)
