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
from pathlib import Path
from typing import Any, Final

from synscope.capture.live.ring_socket import RingError
from synscope.capture.write.storage import SaveError
from synscope.library import wire
from synscope.model import Diagnosis, Target
from synscope.process.errors import SessionError
from synscope.reference.systems import interface_text
from synscope.report.annotation import annotate_saved
from synscope.session.live_run import LINGER_S, LiveRun
from synscope.session.plan import Plan, Saving
from synscope.session.start import LiveSession, start_session

_STDIN: Final = 0


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
        with start_session(plan, _announce) as session:
            _say(capturing=session.analysis.interface)
            diagnosis = _watched(session, interface_text(session.analysis.interface))
            # The exit status of ``synscope live`` would be the same.
            diagnosis = annotate_saved(diagnosis, session, save, status=int(diagnosis.failed))
    except (SessionError, RingError, SaveError) as error:
        _say(failed=error.strerror if isinstance(error, OSError) and error.strerror else str(error))
        return 1
    _say(diagnosis=wire.to_json(diagnosis))
    return 0


def _watched(session: LiveSession, name: str) -> Diagnosis:
    """Watch until somebody asks to stop, and a moment longer."""
    asked = threading.Event()
    # Started only now: privileges are given up by a process with a single thread.
    threading.Thread(target=_await_word, args=(asked,), daemon=True).start()
    run = LiveRun(session)
    run.follow(asked.is_set)
    run.end(LINGER_S)
    return run.conclude(name)


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
