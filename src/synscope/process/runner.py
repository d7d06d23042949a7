"""The tool's handle of the runner: it lets the command start, passes signals on, and learns how it ended.

Input: the command as typed and the invoking user. Output: ``Ended``. The runner itself is a process
(``runner_program``). It is started early, while this process still has the invoker's rights, and waits for ``go``.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Final, Self

from synscope.process.errors import SessionError
from synscope.process.launch import Environment, program, start_program
from synscope.process.privileges import Identity
from synscope.process.runner_program import PASSED_ON

EXIT_TIMED_OUT: Final = 124
"""The command's time was up (as ``timeout`` has it), also when it had to be killed."""
EXIT_NOT_EXECUTABLE: Final = 126
EXIT_NOT_FOUND: Final = 127
_SIGNALLED: Final = 128
_LARGEST: Final = 1 << 17
_GOODBYE_S: Final = 5.0


class ExitFrom(enum.StrEnum):
    """What decides the tool's exit status."""

    BOTH = "both"
    """The command's if it is not zero, else the diagnosis's."""
    COMMAND = "command"
    DIAGNOSIS = "diagnosis"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended. Exactly one of ``status``, ``signal`` and ``start_error`` is set."""

    status: int | None = None
    signal: int | None = None
    start_error: int | None = None
    """The kernel's error number when the command could not be started."""
    timed_out: bool = False
    """Whether it was ended because its time was up."""
    lines: tuple[str, ...] = ()
    """The last lines of its standard error. Attacker-chosen, unescaped."""

    @property
    def exit_status(self) -> int:
        """The number a shell would show for it: 124, 126, 127, 128 + signal, or its own."""
        if self.start_error is not None:
            return EXIT_NOT_FOUND if self.start_error == errno.ENOENT else EXIT_NOT_EXECUTABLE
        if self.timed_out:
            return EXIT_TIMED_OUT
        return _SIGNALLED + self.signal if self.signal is not None else self.status or 0

    def combined(self, diagnosis: int, chosen: ExitFrom = ExitFrom.BOTH) -> int:
        """Return the tool's exit status, given the one that the diagnosis would have."""
        if chosen is ExitFrom.DIAGNOSIS:
            return diagnosis
        if chosen is ExitFrom.COMMAND:
            return self.exit_status
        return self.exit_status or diagnosis


class Runner:
    """A handle of the runner process. Use as a context manager: leaving it ends a command that still runs."""

    def __init__(self, channel: socket.socket, process: subprocess.Popen[bytes] | None) -> None:
        """Take over the socket to a runner, and the process where it is a child of this one."""
        self._channel = channel
        self._process = process
        self._failed: Ended | None = None

    @classmethod
    def start(
        cls, command: Sequence[str], identity: Identity, environment: Environment | None = None
    ) -> Self:
        """Start the runner as the invoking user; it waits for ``go``. Raises ``SessionError``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            theirs.set_inheritable(True)
            try:
                process = start_program(
                    program("runner_program", str(theirs.fileno()), *command), identity, environment
                )
            except SessionError:
                ours.close()
                raise
        return cls(ours, process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The runner's process id, whose child the command will be; ``None`` where another process started it."""
        return None if self._process is None else self._process.pid

    def fileno(self) -> int:
        """Return the socket's number: readable when ``ended`` has something to say."""
        return self._channel.fileno()

    def go(self, timeout: float | None = None) -> int | None:
        """Start the command; return its process id, or ``None`` when it could not be started.

        ``timeout``: seconds after which it gets TERM and, two seconds later, KILL.
        """
        self._send({"go": True, "timeout": timeout})
        told = self._receive()
        if "failed" in told:
            self._failed = Ended(start_error=int(told["failed"]))
            return None
        return int(told["started"])

    def send_signal(self, number: int) -> None:
        """Pass a signal on to the command, unless its whole process group has just got it."""
        with contextlib.suppress(SessionError):  # it has ended
            self._send({"signal": number})

    def ended(self) -> Ended:
        """Wait for the command's end; raises ``SessionError`` when the runner itself died."""
        if self._failed is not None:
            return self._failed
        told = self._receive()
        return Ended(
            status=told["status"],
            signal=told["signal"],
            timed_out=bool(told["timed_out"]),
            lines=tuple(told["lines"]),
        )

    @contextlib.contextmanager
    def passing_signals_on(self) -> Iterator[None]:
        """Within: signals to this process are the command's, and do not end this process.

        Only in the main thread. What was ignored stays ignored.
        """

        def passed(number: int, _frame: FrameType | None) -> None:
            self.send_signal(number)

        before = {}
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, passed)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def close(self) -> None:
        """Close the socket, which ends the command if it still runs, and wait for the runner."""
        self._channel.close()
        if self._process is None:
            return
        try:
            self._process.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(PermissionError):  # root's, and this process is root no more
                self._process.kill()
                self._process.wait()

    def _send(self, order: dict[str, object]) -> None:
        try:
            self._channel.send(json.dumps(order).encode())
        except OSError as error:
            raise SessionError(f"the command's runner is gone: {error.strerror}") from error

    def _receive(self) -> dict[str, Any]:
        try:
            message = self._channel.recv(_LARGEST)
        except OSError as error:
            raise SessionError(f"the command's runner is gone: {error.strerror}") from error
        if not message:
            raise SessionError("the command's runner ended without a word")
        told = json.loads(message)
        if not isinstance(told, dict):
            raise SessionError("the command's runner is not understood")
        return told
