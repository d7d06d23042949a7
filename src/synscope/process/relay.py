"""The command's standard error: passed on at once and unchanged, while its end is kept.

The command must not notice. Where standard error is a terminal it gets a pseudo-terminal of the same size, so
that ``isatty`` stays true: progress meters, colours and prompts stay as they are. That terminal is for this one
descriptor only; standard input and output are the command's own, the controlling terminal (``/dev/tty``,
Ctrl-C, job control) stays the real one. Its line discipline passes bytes through untouched, because the real
terminal translates them already. Where standard error is a file or a pipe the command gets a pipe; where it is
closed it gets nothing, and nothing is kept.

What can differ: with both on one terminal or file, the order in which standard output and standard error appear
(one takes the longer way), what ``ttyname(2)`` says, and a program that reads the keyboard from standard error
where it has no ``/dev/tty``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import struct
import sys
from typing import Final

if sys.platform != "win32":  # the last lines are wanted there as well, the relay is not
    import fcntl
    import termios

LAST_LINES: Final = 40
_KEPT: Final = 16_384
_LONGEST_LINE: Final = 1_000
_STDERR: Final = 2
_PIECE: Final = 65_536
_OFLAG: Final = 1
_WINDOW = struct.Struct("HHHH")


class Tail:
    """The last lines of a stream, in bounded memory.

    A line that never ends, or a progress meter that rewrites itself with carriage returns, costs no more than its
    last few hundred bytes.
    """

    def __init__(self) -> None:
        self._end = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._end = (self._end + piece)[-_KEPT:]

    def lines(self) -> tuple[str, ...]:
        """Return at most the last ``LAST_LINES`` lines that say something, each cut to 1,000 characters.

        Bytes that are no UTF-8 become replacement characters. Control characters stay: the report escapes them.
        """
        text = self._end.decode(errors="replace").replace("\r", "\n")
        said = [line.rstrip()[:_LONGEST_LINE] for line in text.split("\n") if line.strip()]
        return tuple(said[-LAST_LINES:])


class StderrRelay:
    """Both ends of the command's standard error; ``theirs`` is for the command, ``ours`` is read."""

    def __init__(self) -> None:
        self.tail = Tail()
        self.ours: int | None = None
        self.theirs: int | None = None
        self.is_terminal = False
        try:
            os.fstat(_STDERR)
            self.is_terminal = os.isatty(_STDERR)
            self.ours, self.theirs = self._terminal() if self.is_terminal else os.pipe()
        except (OSError, termios.error):
            # Closed, hung up, or no pseudo-terminal left: the command gets standard error itself.
            self.is_terminal = False
        self.copy_window_size()

    def _terminal(self) -> tuple[int, int]:
        settings = termios.tcgetattr(_STDERR)
        settings[_OFLAG] &= ~termios.OPOST
        ours, theirs = os.openpty()
        termios.tcsetattr(theirs, termios.TCSANOW, settings)
        return ours, theirs

    def copy_window_size(self) -> None:
        """Give the pseudo-terminal the size of the real one."""
        if self.is_terminal and self.ours is not None:
            with contextlib.suppress(OSError):
                size = fcntl.ioctl(_STDERR, termios.TIOCGWINSZ, bytes(_WINDOW.size))
                fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

    def started(self) -> None:
        """Close the command's end here, so that its last holder's end is the end."""
        if self.theirs is not None:
            os.close(self.theirs)
            self.theirs = None

    def pass_on(self) -> bool:
        """Pass on what there is, waiting for the first byte; return whether more can come."""
        if self.ours is None:
            return False
        try:
            piece = os.read(self.ours, _PIECE)
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: nobody has the pseudo-terminal open any more
                raise
            piece = b""
        self.tail.feed(piece)
        if not piece or not _written(piece):
            self.close()
            return False
        return True

    def pass_on_rest(self) -> bool:
        """Pass on what is there without waiting; return whether somebody still holds the other end."""
        while self.ours is not None:
            waiting = select.poll()
            waiting.register(self.ours, select.POLLIN)
            if not waiting.poll(0):
                return True
            self.pass_on()
        return False

    def close(self) -> None:
        """Close both ends; a command that writes on gets what it would have got from a closed pipe."""
        for end in (self.ours, self.theirs):
            if end is not None:
                os.close(end)
        self.ours = self.theirs = None


def _written(piece: bytes) -> bool:
    """Write everything to standard error; false when nobody reads it any more."""
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(_STDERR, view) :]
        except BlockingIOError:
            # Another process made the terminal non-blocking: wait as the command itself would have to.
            waiting = select.poll()
            waiting.register(_STDERR, select.POLLOUT)
            waiting.poll()
        except OSError:
            return False
    return True
