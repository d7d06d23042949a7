"""The process that captures for ``live``: it gives up its privileges, which the caller's process must not.

Input, on standard input: one line of JSON that says what to capture, later one byte, or the end, to stop. Output,
on standard output: one line each, ``{"capturing": INTERFACE}``, then ``{"diagnosis": …}``; in place of either
``{"failed": REASON}``. That the end of the input stops it too means that it does not outlive its caller.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from synscope.capture.live.ring_socket import RingError
from synscope.capture.write.storage import SaveError
from synscope.cli.live_options import preload
from synscope.cli.output import ExitStatus
from synscope.cli.save_options import saved
from synscope.library import wire
from synscope.model import Diagnosis, Target
from synscope.process.errors import SessionError
from synscope.session.saving import Saving
from synscope.session.start import Begun, Plan, begin

_STDIN: Final = 0
_LINGER_S: Final = 0.3
"""How long the capture goes on after it was told to stop: the ring hands frames over a little later."""


def main() -> int:
    """Run as a program."""
    request = _request()
    save = None if request["save"] is None else Saving(Path(request["save"]), replace=True)
    plan = Plan(
        targets=tuple(Target(*fields) for fields in request["targets"]),
        interface=request["interface"],
        typed=tuple(request["typed"]),
        save=save,
    )
    try:
        with begin(plan, _announce, preload=preload) as begun:
            _say(capturing=begun.watch.interface)
            diagnosis = _watched(begun, plan.interface or "loopback")
            status = ExitStatus.FAILURE if diagnosis.failed else ExitStatus.FINE
            diagnosis = saved(diagnosis, begun, save, status=status)
    except (SessionError, RingError, SaveError) as error:
        _say(failed=error.strerror if isinstance(error, OSError) and error.strerror else str(error))
        return 1
    _say(diagnosis=wire.to_json(diagnosis))
    return 0


def _watched(begun: Begun, name: str) -> Diagnosis:
    """Watch until somebody asks to stop, and a moment longer."""
    asked = threading.Event()
    # Started only now: privileges are given up by a process with a single thread.
    threading.Thread(target=_await_word, args=(asked,), daemon=True).start()
    watch, around = begun.watch, begun.surroundings
    until: float | None = None
    while until is None or time.monotonic() < until:
        watch.step()
        if around is not None:
            around.step()
        if until is None and asked.is_set():
            until = time.monotonic() + _LINGER_S
    if around is None:
        return watch.finish(name)
    around.end()
    around.finish()
    return around.attributed(watch.finish(name, more=around.observe))


def _await_word(asked: threading.Event) -> None:
    os.read(_STDIN, 1)
    asked.set()


def _request() -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(_STDIN, 1)  # not buffered: what follows the line is the word to stop
        if not piece:
            break
        line += piece
    found: dict[str, Any] = json.loads(line)
    return found


def _say(**record: str) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _announce(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
