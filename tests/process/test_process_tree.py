"""A process and what it started, held without any chance to hit a stranger."""

from __future__ import annotations

import os
import signal
import subprocess

from synscope.process.process_tree import descendants, send_all


def test_all_below_are_held_and_nobody_else() -> None:
    script = "sleep 60 & (sleep 61; true) & echo up; wait"
    bystander = subprocess.Popen(["sleep", "62"])
    family = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
    with bystander, family:
        assert family.stdout is not None
        family.stdout.readline()
        handles = descendants(family.pid)
        try:
            assert len(handles) >= 3
            send_all(handles, signal.SIGKILL)
            assert family.wait(5) == -signal.SIGKILL
            send_all(handles, signal.SIGKILL)
            assert bystander.poll() is None
        finally:
            bystander.kill()
            for handle in handles:
                os.close(handle)


def test_a_process_that_has_ended_has_no_handle() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert descendants(ended.pid) == []
