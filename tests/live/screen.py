"""A terminal of the test's own, on which the program runs as it does for a person."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tests.live.program import PATIENCE_S

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Screen:
    """The program on a pseudo-terminal: what it wrote, and the terminal's settings before and after."""

    def __init__(
        self, command: list[str], environ: Mapping[str, str], columns: int = 80, lines: int = 24
    ) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._slave = slave
        self.before = self.settings()
        self.text = ""
        # setsid --ctty makes the terminal the program's own, so that Ctrl-C reaches it.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, "TERM": "xterm-256color"},
        )
        self.pid = self._process.pid

    def settings(self) -> list[Any]:
        """What ``stty -a`` shows."""
        return termios.tcgetattr(self._slave)

    @property
    def plain(self) -> str:
        """What was written, without the terminal's control sequences."""
        return _CONTROL.sub("", self.text)

    def longest_line(self) -> int:
        """The length of the longest line that was written; one that was erased ends there."""
        return max(len(_CONTROL.sub("", line)) for line in re.split(r"\n|\x1b\[2K", self.text))

    def until(self, part: str) -> None:
        """Read until something was written."""
        deadline = time.monotonic() + PATIENCE_S
        while part not in self.plain:
            assert time.monotonic() < deadline, f"no {part!r} in {self.plain[-2000:]!r}"
            self._read(0.1)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        self.text += os.read(self._master, 65536).decode(errors="replace")
        return True

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Wait for the program's end; return its exit status."""
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self._read(0.05)
        while self._read(0):
            pass
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)
