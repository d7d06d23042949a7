"""Root runs it from where nobody else may read: all that is needed later is imported before rights are given up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import synscope
from tests.kernel import need_root
from tests.live import program
from tests.live.screen import Screen

pytestmark = pytest.mark.usefixtures("kernel")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment for a copy of the program that only root can read."""
    need_root()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in program.PACKAGES:
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, closed / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    assert Path(str(synscope.__file__)).parent.name == "synscope"
    return program.environment(PYTHONPATH=str(closed), PYTHONDONTWRITEBYTECODE="1")


@pytest.mark.parametrize("form", ["terminal", "json", "jsonl"])
def test_both_commands_report(environ: dict[str, str], form: str) -> None:
    with program.namespace():
        options = ("-p", "62893", "-p", "http://localhost:8000/", "--format", form)
        live = program.arguments("live", *options, "--duration", "0.3")
        run = program.arguments("run", *options, "-v", "--", *program.python(REFUSED))
        with program.started(live, environ) as one, program.started(run, environ) as other:
            told = [program.finish(one), program.finish(other)]
    assert [done.status for done in told] == [1, 1], told
    for text in (told[0].out, told[1].err):
        if form == "terminal":
            assert "client-never-sent" in text
        else:
            read = program.of_document if form == "json" else program.of_lines
            assert read(text).health["canary"] == "seen"


REFUSED = """
import socket
try:
    socket.create_connection(("127.0.0.1", 62893))
except ConnectionRefusedError:
    pass
"""


def test_the_live_view_needs_nothing_more(environ: dict[str, str]) -> None:
    with program.namespace(), Screen(program.arguments("live", "-p", "62893"), environ) as screen:
        screen.until("no attempt yet")
        screen.press(b"\x03")
        status = screen.end()
    assert status == 1
    assert "Traceback" not in screen.text
    assert "client-never-sent" in screen.text
