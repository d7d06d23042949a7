"""Work with a bound: programs that are killed, and threads that are left behind, when their time is up.

Input: a command or a function, and seconds. Output: what it gave, or an ``Untold`` with the reason. Nothing
here waits longer than it was told, whatever the other side does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Final, Generic, NamedTuple, TypeVar

from synscope.probes.host.snapshot import Untold

T = TypeVar("T")

LARGEST_OUTPUT: Final = 16 << 20
_LONGEST_COMPLAINT: Final = 200
_SYSTEM_PLACES: Final = ("/usr/sbin", "/sbin", "/usr/local/sbin")
_REAPED_WITHIN_S: Final = 0.05


class Ran(NamedTuple):
    """A program that ended in time."""

    status: int
    output: str
    complaint: str
    """The first line it wrote to standard error."""


def find_program(name: str) -> str | None:
    """Return the path of a program; an ordinary user's PATH often lacks the administrator's places."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_PLACES))
    return shutil.which(name, path=places)


def run(command: tuple[str, ...], seconds: float) -> Ran | Untold:
    """Run a program with no input and no more than ``seconds``; it and its children are killed after that."""
    path = find_program(command[0])
    if path is None:
        return Untold(f"{command[0]} is not installed")
    environment = {**os.environ, "LC_ALL": "C"}
    until = time.monotonic() + seconds
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell, a fixed command
            (path, *command[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        return Untold(f"{command[0]} cannot be run: {error.strerror}")
    pipes = [_Pipe(pipe) for pipe in (process.stdout, process.stderr) if pipe is not None]
    finished = [pipe.done(until - time.monotonic()) for pipe in pipes]
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - time.monotonic()))
    if process.poll() is None or not all(finished):
        _kill(process)
        return Untold(f"{' '.join(command[:3])} did not answer within {seconds:.1f} s")
    if any(pipe.overflowed for pipe in pipes):
        return Untold(f"{' '.join(command[:3])} printed more than {LARGEST_OUTPUT >> 20} MiB")
    output, complaint = (pipe.data.decode(errors="replace") for pipe in pipes)
    return Ran(process.returncode, output, complaint.strip().partition("\n")[0][:_LONGEST_COMPLAINT])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that was started as the leader of its own session, and what it started."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REAPED_WITHIN_S)


class _Pipe:
    """Reads a pipe to its end in a thread of its own, because no system can poll every kind of pipe."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.data = b""
        self.overflowed = False
        self._pipe = pipe
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._pipe:
            self.data = self._pipe.read(LARGEST_OUTPUT)
            self.overflowed = bool(self._pipe.read(1))

    def done(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()


class Task(Generic[T]):
    """A function at work in a thread, which is left behind when it takes too long.

    The thread is in the network namespace of the one that made it.
    """

    def __init__(self, name: str, work: Callable[[], T | Untold]) -> None:
        self._name = name
        self._work = work
        self._result: T | Untold | None = None
        self._thread = threading.Thread(target=self._run, name=f"host collector: {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - no collector may take the others down; the reason is kept
            self._result = Untold(f"looking at {self._name} failed: {type(error).__name__}: {error}"[:300])

    def result(self, until: float) -> T | Untold:
        """Return what came of it by ``until`` (``time.monotonic``)."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._result is None:
            return Untold(f"looking at {self._name} took too long")
        return self._result
