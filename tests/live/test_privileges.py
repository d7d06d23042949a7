"""Who parses packets, and that the command is started as if nobody watched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from synscope.process import privileges
from tests.kernel import SOME_USER, need_root
from tests.live import program

pytestmark = pytest.mark.usefixtures("kernel")

NOBODY = privileges.nobody().uid


def assert_powerless(pid: int, uid: int) -> None:
    status = privileges.status(pid)
    assert set(status.uids) == {uid}
    assert 0 not in {*status.gids, *status.groups}
    rights = (status.inheritable, status.permitted, status.effective, status.bounding, status.ambient)
    assert rights == (0, 0, 0, 0, 0)
    assert status.no_new_privs


@pytest.mark.parametrize(("variables", "uid"), [({}, NOBODY), ({"SUDO_UID": str(SOME_USER)}, SOME_USER)])
def test_live_parses_without_any_right(variables: dict[str, str], uid: int) -> None:
    need_root()
    environ = program.environment(**variables)
    with program.namespace(), program.live("-p", "62893", environ=environ) as process:
        assert_powerless(process.pid, uid)


@pytest.mark.parametrize(("variables", "uid"), [({}, NOBODY), ({"SUDO_UID": str(SOME_USER)}, SOME_USER)])
def test_run_parses_without_any_right(variables: dict[str, str], uid: int) -> None:
    need_root()
    typed = program.arguments("run", "-p", "62893", "--", "sh", "-c", "echo up; read -r _")
    environ = program.environment(**variables)
    with program.namespace(), program.started(typed, environ, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "up\n"
        assert_powerless(process.pid, uid)
        process.stdin.write("\n")
        assert program.finish(process).status == 0


ODD = {
    **{os.fsencode(name): os.fsencode(value) for name, value in program.environment().items()},
    b"ODD": b"\xff\x1b[31m\n=",
    b"EMPTY": b"",
}
LOOK = ("cat", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/limits", "/proc/self/oom_score_adj")
STATUS = r"grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Sig|Umask|Seccomp)' /proc/self/status; id; pwd -P"


@pytest.mark.parametrize("command", [LOOK, ("sh", "-c", STATUS)])
def test_the_command_finds_what_it_would_find_without_us(tmp_path: Path, command: tuple[str, ...]) -> None:
    need_root()
    folder = tmp_path / "odd\x1b name"
    folder.mkdir()
    settings: dict[str, Any] = {
        "env": ODD,
        "cwd": folder,
        "capture_output": True,
        "timeout": program.PATIENCE_S,
    }
    with program.namespace():
        alone = subprocess.run(command, check=True, **settings)
        watched = subprocess.run(
            program.arguments("run", "-p", "62893", "--exit-code", "command", "--", *command),
            check=True,
            **settings,
        )
    assert watched.stdout == alone.stdout
    assert b"ODD=\xff\x1b[31m\n=\0" in alone.stdout or b"uid=0" in alone.stdout


def test_behind_sudo_the_command_is_the_users() -> None:
    need_root()
    environ = program.environment(SUDO_UID=str(SOME_USER), SUDO_GID=str(SOME_USER))
    with program.namespace():
        done = program.run("run", "-p", "62893", "--", "sh", "-c", "id -u; id -g", environ=environ, cwd="/")
    assert done.out.split() == [str(SOME_USER)] * 2
