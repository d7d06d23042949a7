"""Another network namespace, by name or process; and what a user without rights is told."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.kernel import SOME_USER, need_root
from tests.live import program

REFUSED = 62893
LATER = (
    "import socket, sys\nsys.stdin.readline()\n"
    f"try:\n    socket.create_connection(('127.0.0.1', {REFUSED}))\nexcept ConnectionRefusedError:\n    pass\n"
)


@pytest.mark.parametrize("by", ["name", "process"])
@pytest.mark.usefixtures("kernel")
def test_by_name_and_by_process(by: str) -> None:
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(program.namespace(inside=False))
        with program.inside(name):
            client = stack.enter_context(program.started(program.python(LATER), stdin=subprocess.PIPE))
        where = name if by == "name" else str(client.pid)
        typed = ("-p", str(REFUSED), "--netns", where, "--count", "1", "--format", "jsonl")
        process = stack.enter_context(program.live(*typed))
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
        done = program.finish(process)
    report = program.of_lines(done.out)
    assert (done.status, report.targets[0]["counts"]) == (1, {"SYN-RST": 1})
    program.assert_whole(report)


@pytest.mark.parametrize("where", ["no-such-name", "4194303", "../../etc/passwd", ""])
@pytest.mark.parametrize("command", [("live",), ("run",)])
def test_an_unknown_one_is_wrong_usage(command: tuple[str, ...], where: str) -> None:
    need_root()
    rest = () if command == ("live",) else ("--", "true")
    done = program.run(*command, "-p", str(REFUSED), "--netns", where, *rest)
    assert done.status == 2, done.err
    assert "Error: " in done.err


@pytest.mark.parametrize("words", [("live",), ("run", "--", "true")])
def test_without_rights_it_lists_what_to_type(tmp_path: Path, words: tuple[str, ...]) -> None:
    need_root()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "true").symlink_to(str(shutil.which("true")))
    ids: dict[str, Any] = {"user": SOME_USER, "group": SOME_USER, "extra_groups": ()}
    environ = program.environment(PATH=str(programs))
    typed = (words[0], "-p", str(REFUSED), *words[1:])
    done = program.run(*typed, environ=environ, cwd="/", **ids)
    assert (done.status, done.out) == (125, "")
    assert f"sudo synscope {words[0]} -p {REFUSED}" in done.err
    assert "sudo tcpdump -i lo" in done.err
    assert "synscope run --isolated" in done.err
