"""The file maker makes the files of a saved capture for the process that parses, which may not make any.

Input: the files (``storage.Files``, their paths fixed before), the invoking user, requests of one word each on a
Unix socket of kind SOCK_SEQPACKET. Output: ``+`` and a path, with the descriptor attached (SCM_RIGHTS), or ``-``,
an error number and a text.

It is a process, forked before privileges are given up. It becomes the invoking user, so that every file belongs to
them and is only made where they may; for root itself it stays root. It reads no byte of any capture, holds no
descriptor but its socket, and ends when that closes; a copy that has not taken its place by then is removed.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn, Self

from synscope.capture.write.storage import Files
from synscope.process import privileges
from synscope.process.errors import PrivilegeError
from synscope.process.privileges import Identity

_LARGEST: Final = 1 << 14
_ANSWER_S: Final = 30.0
"""A file system may be slow; one that does not answer must not stop the analysis."""
_GOODBYE_S: Final = 5.0
_POLL_S: Final = 0.01


class FileMaker:
    """A handle of the file maker for the process that parses: a ``storage.Storage``. Use as a context manager."""

    def __init__(self, channel: socket.socket, pid: int, files: Files) -> None:
        """Take over the socket to a file maker; use ``start``."""
        self._channel = channel
        self._pid = pid
        self.path = files.path
        self.first = files.first

    @classmethod
    def start(cls, files: Files, identity: Identity) -> Self:
        """Fork the file maker, and have it look for what is in the way of the files. Raises ``OSError``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            _be_the_file_maker(theirs, files, identity)
        theirs.close()
        file_maker = cls(ours, pid, files)
        try:
            file_maker._answer()
        except OSError:
            file_maker.close()
            raise
        return file_maker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> tuple[Path, int]:
        """Make the capture's file, in a rotation the next one; its path and descriptor."""
        path, descriptor = self._ask(b"begin")
        return Path(os.fsdecode(path)), _needed(descriptor)

    def copy(self) -> int:
        """Make a file next to the last one, to take its place; its descriptor."""
        return _needed(self._ask(b"copy")[1])

    def commit(self) -> None:
        """Let the copy take the place of the file."""
        self._ask(b"commit")

    def discard(self) -> None:
        """Remove the copy, if there is one."""
        self._ask(b"discard")

    def close(self) -> None:
        """End the file maker."""
        self._channel.close()
        deadline = time.monotonic() + _GOODBYE_S
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(self._pid, os.WNOHANG)[0] == 0 and time.monotonic() < deadline:
                time.sleep(_POLL_S)

    def _ask(self, word: bytes) -> tuple[bytes, int | None]:
        self._channel.send(word)
        return self._answer()

    def _answer(self) -> tuple[bytes, int | None]:
        self._channel.settimeout(_ANSWER_S)
        try:
            message, rights, _, _ = self._channel.recvmsg(
                _LARGEST, socket.CMSG_LEN(array.array("i").itemsize), socket.MSG_CMSG_CLOEXEC
            )
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, "whoever makes the files does not answer") from error
        if message[:1] == b"+":
            numbers = array.array("i")
            for _, _, data in rights:
                numbers.frombytes(data[: numbers.itemsize])
            return message[1:], numbers[0] if numbers else None
        number, _, text = message[1:].decode("utf-8", "replace").partition(" ")
        if not text:
            raise OSError(errno.EPIPE, "whoever makes the files has ended")
        raise OSError(int(number), text)


def _needed(descriptor: int | None) -> int:
    if descriptor is None:
        raise OSError(errno.EPROTO, "whoever makes the files sent none")
    return descriptor


def _be_the_file_maker(channel: socket.socket, files: Files, identity: Identity) -> NoReturn:
    """What the forked process does; nothing of the process it was forked from may run in it again."""
    status = 1
    try:
        os.setsid()  # Ctrl-C is not its business: it ends when the socket closes
        _let_go_of_all_but(channel.fileno())
        _become(identity)
        files.check()
        _send(channel, b"+")
        serve(channel, files)
        status = 0
    except OSError as error:
        _send_error(channel, error)
    except PrivilegeError as error:
        _send_error(channel, OSError(errno.EPERM, str(error)))
    finally:
        os._exit(status)


def _become(identity: Identity) -> None:
    """Be the invoking user and nobody else; who is root anyway makes root's files."""
    if identity.uid != 0:
        privileges.drop(identity)


def _let_go_of_all_but(kept: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if number not in {0, 1, 2, kept}:
            with contextlib.suppress(OSError):  # the one this listing itself used
                os.close(number)


def serve(channel: socket.socket, files: Files) -> None:
    """Do what is asked for, until nobody is there to ask."""
    operations: dict[bytes, Callable[[], tuple[bytes, int | None]]] = {
        b"begin": lambda: _begun(files),
        b"copy": lambda: (b"", files.copy()),
        b"commit": lambda: _done(files.commit),
        b"discard": lambda: _done(files.discard),
    }
    try:
        while (word := channel.recv(_LARGEST)) in operations:
            try:
                text, descriptor = operations[word]()
            except OSError as error:
                _send_error(channel, error)
                continue
            try:
                _send(channel, b"+" + text, descriptor)
            finally:
                if descriptor is not None:
                    os.close(descriptor)
    finally:
        files.discard()


def _begun(files: Files) -> tuple[bytes, int]:
    path, descriptor = files.begin()
    return os.fsencode(path), descriptor


def _done(what: Callable[[], None]) -> tuple[bytes, None]:
    what()
    return b"", None


def _send(channel: socket.socket, message: bytes, descriptor: int | None = None) -> None:
    rights = (
        [] if descriptor is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
    )
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more: the next recv() says so
        channel.sendmsg([message], rights)


def _send_error(channel: socket.socket, error: OSError) -> None:
    _send(channel, f"-{error.errno or errno.EIO} {error.strerror or error}".encode(errors="replace"))
