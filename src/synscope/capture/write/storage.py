"""The files a capture is saved to: made, made anew for a rotation, replaced by a copy.

Input: the path asked for. Output: descriptors to write to (and read back from). Nothing is parsed here, so that a
process with more rights than the one that parses can do it.

Invariants: files are made anew, readable by their owner alone; what is there already gives way only when asked,
and only if it is a file; a name shows a whole file or none.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import Final, Protocol

_MODE: Final = 0o600


class SaveError(Exception):
    """A capture cannot be saved (any further); ``path`` is the file, the text says why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Storage(Protocol):
    """Makes the files. Every method raises ``OSError`` when it cannot."""

    @property
    def first(self) -> bytes:
        """What every file begins with."""
        ...

    @property
    def path(self) -> Path:
        """The file as it was asked for."""
        ...

    def begin(self) -> tuple[Path, int]:
        """Make the capture's file, in a rotation the next one; its path and descriptor."""
        ...

    def copy(self) -> int:
        """Make a file next to the last one, to take its place; its descriptor."""
        ...

    def commit(self) -> None:
        """Let the copy take the place of the file."""
        ...

    def discard(self) -> None:
        """Remove the copy, if there is one."""
        ...


class Files:
    """The files by their paths: ``path``, or with ``rotated`` ``NAME_00001.EXT`` and so on next to it.

    With ``replace`` an existing file gives way, otherwise it is an error.
    """

    def __init__(
        self, path: Path, first: bytes = b"", *, replace: bool = False, rotated: bool = False
    ) -> None:
        self.path = path
        self.first = first
        self._replace = replace
        self._rotated = rotated
        self._made = 0
        self._last = path
        self._copy: Path | None = None

    def check(self) -> None:
        """Find out, before anything is made, what would be in the way. Raises ``OSError``."""
        if not self.path.name:
            raise OSError(errno.EISDIR, "names no file")
        there = _rotation(self.path) if self._rotated else [self.path]
        for path in there:
            self._check(path)
        self.path.parent.stat()
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def begin(self) -> tuple[Path, int]:
        """Make the capture's file, in a rotation the next one; its path and descriptor."""
        path = self.path
        if self._rotated:
            path = path.with_name(f"{path.stem}_{self._made + 1:05}{path.suffix}")
        self._check(path)
        made = path.with_name(f".{path.name}.{os.getpid()}.new") if self._replace else path
        descriptor = _created(made)
        try:
            write(descriptor, self.first)
            if self._replace:
                made.replace(path)
        except OSError:
            os.close(descriptor)
            made.unlink()
            raise
        self._made += 1
        self._last = path
        return path, descriptor

    def copy(self) -> int:
        """Make a file next to the last one, to take its place; its descriptor."""
        if self._copy is not None:
            raise FileExistsError(errno.EEXIST, "there is a copy already")
        copy = self._last.with_name(f".{self._last.name}.{os.getpid()}.copy")
        descriptor = _created(copy)
        self._copy = copy
        return descriptor

    def commit(self) -> None:
        """Let the copy take the place of the file."""
        if self._copy is None:
            raise FileNotFoundError(errno.ENOENT, "there is no copy")
        self._copy.replace(self._last)
        self._copy = None

    def discard(self) -> None:
        """Remove the copy, if there is one."""
        if self._copy is not None:
            copy, self._copy = self._copy, None
            copy.unlink(missing_ok=True)

    def _check(self, path: Path) -> None:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if not self._replace:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(errno.EINVAL, "is no ordinary file")


def write(descriptor: int, data: bytes) -> None:
    """Write all of it: a disk that is nearly full takes only a part at first."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def reason(error: OSError) -> str:
    """Say for a person why a file cannot be saved."""
    if isinstance(error, FileExistsError):
        return "is there already, and is not overwritten unasked (--force does)"
    return f"cannot be written: {error.strerror}"


def _rotation(path: Path) -> list[Path]:
    """Return the files of an earlier rotation of the same name."""
    form = re.compile(re.escape(path.stem) + r"_\d{5}" + re.escape(path.suffix))
    return [file for file in path.parent.iterdir() if form.fullmatch(file.name)]


def _created(path: Path) -> int:
    # Readable too: the copy with comments is made from what was written.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, _MODE)
