"""Programs and threads that take too long, print too much or are not there."""

from __future__ import annotations

import sys
import time

import pytest

from synscope.probes.host import deadline
from synscope.probes.host.deadline import Ran, Task, run
from synscope.probes.host.snapshot import Untold


def test_a_program_that_ends() -> None:
    script = "import sys; print('out'); print('first\\nsecond', file=sys.stderr); sys.exit(3)"
    assert run((sys.executable, "-c", script), 10) == Ran(3, "out\n", "first")


def test_a_program_that_is_not_there() -> None:
    assert run(("no-such-program-here",), 1) == Untold("no-such-program-here is not installed")


@pytest.mark.parametrize(
    "script", ["import time; time.sleep(60)", "import sys; sys.stdout.close(); import time; time.sleep(60)"]
)
def test_a_program_that_hangs(script: str) -> None:
    began = time.monotonic()
    found = run((sys.executable, "-c", script), 0.5)
    assert isinstance(found, Untold)
    assert "did not answer within 0.5 s" in found.could_not_tell
    assert time.monotonic() - began < 20


def test_a_program_that_prints_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LARGEST_OUTPUT", 1 << 20)
    found = run((sys.executable, "-c", "print('x' * (1 << 22))"), 10)
    assert isinstance(found, Untold)
    assert "printed more than 1 MiB" in found.could_not_tell


def test_a_task_that_fails_says_why() -> None:
    def fail() -> int:
        raise RuntimeError("broken")

    found = Task("it", fail).result(time.monotonic() + 5)
    assert found == Untold("looking at it failed: RuntimeError: broken")


def test_a_task_that_hangs_is_left_behind() -> None:
    began = time.monotonic()
    found = Task[int]("it", lambda: time.sleep(8) or 1).result(began + 0.1)  # type: ignore[func-returns-value]
    assert found == Untold("looking at it took too long")
    assert time.monotonic() - began < 7
