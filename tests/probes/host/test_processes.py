"""What a server's process may still start: its user's limit of processes and threads."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator

import pytest

from synscope.probes.host import processes

USER = 60_000 + os.getpid() % 4_000
"""Nobody's, and not that of the same test in another process."""
MOST = 40


@pytest.fixture
def limited() -> Iterator[int]:
    if os.geteuid():
        pytest.skip("takes root to become another user")
    made = subprocess.Popen(
        ["sleep", "60"],
        user=USER,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (MOST, MOST)),  # noqa: PLW1509
    )
    yield made.pid
    made.kill()
    made.wait()


def test_processes_of_the_servers_user_are_counted(limited: int) -> None:
    (found,) = processes.look([(limited, "server")], command_lines=False)
    assert (found.tasks, found.task_limit) == (1, MOST)


def test_a_client_is_not_counted(limited: int) -> None:
    (found,) = processes.look([(limited, "client")], command_lines=False)
    assert (found.tasks, found.task_limit) == (None, None)
