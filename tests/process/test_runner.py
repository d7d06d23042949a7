"""Which process has which rights, from the start of the tool to the end of the command."""

from __future__ import annotations

import json
import os
import select
import subprocess
from pathlib import Path

import pytest

from synscope.process.errors import SessionError
from synscope.process.privileges import invoking
from synscope.process.runner import Runner
from tests.kernel import SOME_USER, SRC, SYSTEM_PYTHON, need_root

WHOLE = """
import json, os, sys
sys.path.append(sys.argv[1])
from synscope.process import elevate, privileges
from synscope.process.runner import Runner
invoker = privileges.invoking()
look = "id -u; id -G; grep -E 'NoNewPrivs|CapEff' /proc/self/status | cut -f2"
with elevate.start_helper() as helper, Runner.start(["sh", "-c", look], invoker) as runner:
    privileges.drop(privileges.parsing_identity(invoker))
    ring = helper.open_ring("lo", block_size=1 << 17, block_count=4, retire_ms=50,
                            program=bytes.fromhex("0600000000000400"))
    runner.go()
    ended = runner.ended()
left = privileges.status()
print(json.dumps([left.uids[0], left.effective, left.bounding, left.no_new_privs, ring.getsockname()[0],
                  ended.exit_status, ended.lines]))
"""


def whole(**variables: str) -> list[str]:
    need_root()
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}
    command = [SYSTEM_PYTHON, "-B", "-c", WHOLE, str(SRC)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=30, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.usefixtures("kernel")
def test_behind_sudo_the_command_is_the_users_and_keeps_its_ways_to_root() -> None:
    uid, groups, capabilities, no_new, parser = whole(SUDO_UID=str(SOME_USER), SUDO_GID=str(SOME_USER))
    assert (uid, groups, capabilities, no_new) == (str(SOME_USER), str(SOME_USER), "0" * 16, "0")
    assert json.loads(parser) == [SOME_USER, 0, 0, True, "lo", 0, []]


@pytest.mark.usefixtures("kernel")
def test_root_itself_runs_the_command_as_root_and_parses_as_nobody() -> None:
    uid, groups, capabilities, no_new, parser = whole()
    assert (uid, groups.split()[0], no_new) == ("0", "0", "0")
    assert int(capabilities, 16) != 0
    assert json.loads(parser) == [65534, 0, 0, True, "lo", 0, []]


def test_a_gone_runner_is_a_typed_error() -> None:
    with Runner.start(["true"], invoking()) as runner:
        assert runner._process is not None
        runner._process.kill()
        runner._process.wait()
        with pytest.raises(SessionError, match="runner"):
            runner.go()
        runner.send_signal(15)


def test_the_socket_is_readable_when_the_command_has_ended(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Runner.start(["cat", str(fifo)], invoking()) as runner:
        runner.go()
        assert select.select([runner], [], [], 0.1)[0] == []
        fifo.write_bytes(b"")
        assert select.select([runner], [], [], 20)[0] == [runner]
        assert runner.ended().exit_status == 0
