"""A live capture for a caller that goes on meanwhile: started, stopped, diagnosed.

The capture runs in another process (``live_child``), because whoever parses packets gives up every privilege for
good, and a library must not do that to its caller. Rights are those of ``synscope live``: root, CAP_NET_RAW, or a
sudo that asks for no password.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from synscope.library import wire
from synscope.library.named_targets import Targets, named_targets
from synscope.model import Diagnosis, Target
from synscope.process.errors import SessionError
from synscope.process.relay import Tail

_START_S: Final = 60.0
_STOP_S: Final = 120.0
"""A diagnosis of many attempts on a busy machine takes a while; who takes longer hangs."""
_LARGEST: Final = 1 << 26
"""Bytes of an answer. Examples are few for each group, so that this is far more than a capture's."""
_TAIL: Final = 4_096

# The child imports what this process would import, wherever that comes from.
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[1:]; from synscope.library.live_child import main; sys.exit(main())"
)


class LiveCapture:
    """A capture of what goes to some targets. Use as a context manager, or call ``start`` and ``stop``.

    Made by ``live``. Entering one that was started goes on with it.
    """

    def __init__(
        self, targets: tuple[Target, ...], *, interface: str | None = None, save: Path | None = None
    ) -> None:
        self._targets = targets
        self._interface = interface
        self._save = save
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._diagnosis: Diagnosis | None = None
        self._failure: SessionError | None = None

    def __enter__(self) -> Self:
        return self if self._process is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What went wrong inside matters more than that the capture failed as well.
        with contextlib.suppress(SessionError) if error is not None else contextlib.nullcontext():
            self.stop()

    def start(self) -> Self:
        """Begin to capture; returns when the capture is awake. Raises ``SessionError`` where it cannot be made."""
        if self._process or self._diagnosis or self._failure:
            raise SessionError("this capture was started before: make another one")
        if not sys.executable:
            raise SessionError("there is no Python interpreter to run the capture with")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this program
                [sys.executable, "-P", "-c", _BOOT, *sys.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # Ctrl-C is the caller's business
            )
        except OSError as error:
            self._stderr.close()
            raise SessionError(f"{sys.executable} cannot be run: {error.strerror}") from error
        request = {
            "targets": self._targets,
            "interface": self._interface,
            "save": None if self._save is None else str(self._save.absolute()),
            "typed": sys.orig_argv,
        }
        self._answer(json.dumps(request).encode() + b"\n", _START_S)
        return self

    def stop(self) -> Diagnosis:
        """End the capture, a moment after what was sent last, and return what it shows.

        Called again, it returns the same. Raises ``SessionError`` where the capture failed or never started.
        """
        if self._diagnosis is None:
            if self._process is None:
                raise self._failure or SessionError("this capture is not running")
            answer = self._answer(b"\n", _STOP_S)
            self._end()
            try:
                self._diagnosis = wire.from_json(answer.get("diagnosis", ""))
            except wire.WireError as error:
                self._failure = SessionError(f"the capturing process returned no diagnosis: {error}")
                raise self._failure from error
        return self._diagnosis

    @property
    def diagnosis(self) -> Diagnosis:
        """What the capture shows. Raises ``SessionError`` before it was stopped."""
        if self._diagnosis is None:
            raise SessionError("there is no diagnosis before the capture is stopped")
        return self._diagnosis

    def _answer(self, word: bytes, seconds: float) -> dict[str, str]:
        """Say ``word`` to the capturing process and return its answer; what failed ends it."""
        process = self._process
        assert process is not None  # noqa: S101 - both callers have started it
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(word)
            process.stdin.flush()
            line = process.stdout.readline(_LARGEST)
            answer = json.loads(line)
        except (OSError, ValueError, RecursionError):
            answer = None
        finally:
            timer.cancel()
        if not isinstance(answer, dict) or not all(isinstance(value, str) for value in answer.values()):
            last = self._end(kill=True)
            self._failure = SessionError(f"the capturing process ended unexpectedly{last}")
            raise self._failure
        if "failed" in answer:
            self._end()
            self._failure = SessionError(answer["failed"])
            raise self._failure
        return answer

    def _end(self, *, kill: bool = False) -> str:
        """Collect the process; returns the last line that it wrote about itself."""
        process, stderr = self._process, self._stderr
        self._process = self._stderr = None
        assert process is not None  # noqa: S101 - who calls this has one
        assert stderr is not None  # noqa: S101
        with stderr:
            timer = threading.Timer(0 if kill else _STOP_S, process.kill)
            timer.start()
            process.communicate()
            timer.cancel()
            stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - _TAIL))
            tail = Tail()
            tail.feed(stderr.read())
        return "".join(f": {line}" for line in tail.lines()[-1:])


def live(
    targets: Targets, *, interface: str | None = None, save: str | os.PathLike[str] | None = None
) -> LiveCapture:
    """Return a capture of what goes to ``targets``, which starts when it is entered (or by ``start``).

    ``targets`` is one or several port numbers, texts as ``-p`` takes them, or ``Target``. ``interface`` is a name;
    the default is ``any``, every interface. ``save`` is a path: the frames go there as pcapng, with the
    diagnosis in it, over a file that is there.

    Raises ``TargetError`` where a text names no port, ``ValueError`` without a target.
    """
    chosen = named_targets(targets)
    if not chosen:
        raise ValueError("a live capture needs at least one target")
    return LiveCapture(chosen, interface=interface, save=None if save is None else Path(save))


def obstacle() -> str | None:
    """Return why this process cannot capture on loopback, ``None`` where it can: by trying."""
    try:
        with live(_ANY_PORT):
            pass
    except SessionError as error:
        return str(error).partition("\n")[0]
    return None


_ANY_PORT: Final = 9
"""The port of the discard service, on which nothing is expected (RFC 863)."""
