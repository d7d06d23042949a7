"""The runner, a program of its own: it starts the command and watches over it, as the invoking user and nobody else.

The tool's handle of this process is ``runner.Runner``.

Input: a socket (SOCK_SEQPACKET, its number in the first argument) and the command (the other arguments). Output,
on the socket, one JSON object a message: ``{"started": PID}`` or ``{"failed": ERRNO}``, then ``{"status": …,
"signal": …, "timed_out": …, "lines": […]}``. It accepts ``{"go": true, "timeout": SECONDS or null}`` and
``{"signal": NUMBER}``; when the socket closes, the command is ended.

The command sees what it would see without us: the same environment, directory, standard input and output,
process group and terminal. It is a process of its own because the parser gives up rights that the command must
keep (``no_new_privs`` would break ``sudo`` and ``ping`` in it).

Signals: the runner is in the command's process group and installs handlers only for what was not ignored, so
that the command inherits the dispositions it would have. What the terminal or ``kill -- -GROUP`` sends reaches
the command by itself; the runner gets it too and thereby knows. What the user sends to the tool alone arrives as
a request, which is passed on unless the runner has just got that very signal. Stop and continue (Ctrl-Z, ``fg``)
keep their default: all three stop and continue together.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

if __name__ == "__main__":
    # Not the interpreter's business, but this program's: it is started by its path.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from synscope.process.launch import inheritable, invoking_environment
from synscope.process.privileges import clear_capabilities
from synscope.process.process_tree import descendants, send_all
from synscope.process.relay import StderrRelay

PASSED_ON: Final = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
KILL_AFTER_S: Final = 2.0
"""Seconds between TERM and KILL for a command whose time is up."""
_SAME_SIGNAL_S: Final = 0.1
"""How long a request waits for the same signal to come to the whole group."""
_REMEMBERED_S: Final = 0.5
"""On a busy machine the request comes later than the signal itself."""
_LARGEST: Final = 65_536


class RunningCommand:
    """The command from its start to its end."""

    def __init__(self, channel: socket.socket, command: list[str]) -> None:
        self._channel = channel
        self._command = command
        self._relay = StderrRelay()
        self._got: list[tuple[int, float]] = []
        """Signals that came to the whole group: which, and when. So the command has had them."""
        self._due: list[tuple[int, float]] = []
        """Signals asked for: which, and when they are passed on unless the group gets them by then."""
        self._deadline: float | None = None
        self._kill_at: float | None = None
        self._tree: list[int] = []
        self._timed_out = False
        self._process: subprocess.Popen[bytes] | None = None
        self._wake, wake = os.pipe()
        for end in (self._wake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def run(self) -> None:
        """Wait until the tool says go, then start the command and wait for its end."""
        for number in (*PASSED_ON, signal.SIGWINCH):
            # What is ignored (nohup) stays ignored for the command: a handler would reset it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)
        orders = self._orders()
        if orders is None:
            return
        signal.signal(signal.SIGCHLD, self._note)
        try:
            self._process = _started(self._command, self._relay.theirs)
        except OSError as error:
            self._tell(failed=error.errno or 0)
            return
        self._relay.started()
        self._tell(started=self._process.pid)
        if orders.get("timeout") is not None:
            self._deadline = time.monotonic() + float(orders["timeout"])
        self._until_it_ends(self._process)
        self._tell(**self._result(self._process.returncode))
        self._relay_rest()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._got.append((number, time.monotonic()))
        if number == signal.SIGWINCH and self._process is not None:
            self._relay.copy_window_size()
            # The command got its own, perhaps before the size was right.
            self._send(signal.SIGWINCH)

    def _until_it_ends(self, process: subprocess.Popen[bytes]) -> None:
        events = select.poll()
        events.register(self._wake, select.POLLIN)
        events.register(self._channel, select.POLLIN)
        stderr = self._relay.ours
        if stderr is not None:
            events.register(stderr, select.POLLIN)
        while process.poll() is None:
            for ready, _ in events.poll(self._patience()):
                if ready == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, _LARGEST)
                elif ready == stderr:
                    if not self._relay.pass_on():
                        events.unregister(ready)
                elif not self._obey():
                    events.unregister(ready)
            self._keep_time()

    def _patience(self) -> float | None:
        """Return the milliseconds until something is due, ``None`` when nothing is."""
        moments = [moment for moment in (self._deadline, self._kill_at) if moment is not None]
        moments += [when for _, when in self._due]
        return max(0.0, (min(moments) - time.monotonic()) * 1000) + 1 if moments else None

    def _keep_time(self) -> None:
        now = time.monotonic()
        self._got = [got for got in self._got if now - got[1] <= _REMEMBERED_S]
        for due in list(self._due):
            number, when = due
            its_own = next((got for got in self._got if got[0] == number), None)
            if its_own is not None:
                self._got.remove(its_own)
                self._due.remove(due)
            elif now >= when:
                self._due.remove(due)
                self._send(number)
        if self._deadline is not None and now >= self._deadline:
            self._timed_out = True
            self._end()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            send_all(self._tree, signal.SIGKILL)

    def _obey(self) -> bool:
        """Do what the tool asks for; return false when it is gone."""
        orders = self._orders()
        if orders is None:
            self._end()
            return False
        number = orders.get("signal")
        if number in PASSED_ON:
            self._due.append((number, time.monotonic() + _SAME_SIGNAL_S))
        return True

    def _end(self) -> None:
        """Send TERM to the command and all that it started; what has not ended shortly after is killed."""
        self._deadline = None
        if self._kill_at is None and self._process is not None:
            self._tree = descendants(self._process.pid)
            send_all(self._tree, signal.SIGTERM)
            # A stopped process sees the signal only once it continues.
            send_all(self._tree, signal.SIGCONT)
            self._kill_at = time.monotonic() + KILL_AFTER_S

    def _send(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(PermissionError):  # a setuid program
                self._process.send_signal(number)

    def _orders(self) -> dict[str, Any] | None:
        try:
            message = self._channel.recv(_LARGEST)
        except OSError:
            return None
        return json.loads(message) if message else None

    def _tell(self, **fields: object) -> None:
        with contextlib.suppress(OSError):  # nobody asks any more
            self._channel.send(json.dumps(fields).encode())

    def _result(self, code: int) -> dict[str, object]:
        self._relay.pass_on_rest()
        return {
            "status": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "timed_out": self._timed_out,
            "lines": self._relay.tail.lines(),
        }

    def _relay_rest(self) -> None:
        """Pass on what the command left running says, in a process of its own: it would die of SIGPIPE otherwise."""
        if not self._relay.pass_on_rest() or os.fork() != 0:
            return
        self._channel.close()
        for standard in (0, 1):
            with contextlib.suppress(OSError):
                os.close(standard)
        while self._relay.pass_on():
            pass


def _started(command: list[str], stderr: int | None) -> subprocess.Popen[bytes]:
    environment = invoking_environment()

    def popen(arguments: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(arguments, env=environment, stderr=stderr, pass_fds=inheritable())  # noqa: S603

    try:
        return popen(command)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without a first line that names its interpreter: execvp(3) and shells hand it to sh.
    path = _found(command[0], environment.get(b"PATH", os.defpath.encode()))
    return popen(["/bin/sh", path, *command[1:]])


def _found(name: str, path: bytes) -> str:
    if "/" in name:
        return name
    places = (Path(os.fsdecode(place) or ".") / name for place in path.split(b":"))
    return next((str(place) for place in places if os.access(place, os.X_OK)), name)


def main(arguments: list[str]) -> int:
    """Run as a program."""
    if os.geteuid() != 0:
        # The right to capture that was given to the tool is not the command's.
        clear_capabilities()
    with socket.socket(fileno=int(arguments[0])) as channel:
        channel.set_inheritable(False)
        RunningCommand(channel, arguments[1:]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
