"""Root runs it from where nobody else may read: all that is needed later is imported before rights are given up."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2
import markupsafe
import pytest

import synscope
from synscope.analysis import analyze
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
    for package in (*program.PACKAGES, jinja2, markupsafe):
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, closed / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    assert Path(str(synscope.__file__)).parent.name == "synscope"
    return program.environment(PYTHONPATH=str(closed), PYTHONDONTWRITEBYTECODE="1")


FORMATS = ["terminal", "html", "json"]


@pytest.mark.parametrize("form", FORMATS)
def test_both_commands_report(environ: dict[str, str], form: str) -> None:
    with program.namespace():
        options = ("-p", "62893", "-p", "http://localhost:8000/", "--format", form)
        live = program.arguments("live", *options, "--duration", "0.3")
        run = program.arguments("run", *options, "-v", "--", *program.python(REFUSED))
        with program.started(live, environ) as one, program.started(run, environ) as other:
            told = [program.finish(one), program.finish(other)]
    assert [done.status for done in told] == [1, 1], told
    for text in (told[0].out, told[1].err):
        assert "Traceback" not in text
        if form in {"json", "jsonl"}:
            read = program.of_document if form == "json" else program.of_lines
            assert read(text).health["canary"] == "seen"
        else:
            assert ("client_port" if form == "csv" else "client-never-sent") in text


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


@pytest.mark.parametrize("form", ["terminal", "html", "json"])
def test_an_examination_reports(environ: dict[str, str], form: str) -> None:
    with program.namespace():
        command = program.arguments("doctor", "62893", "--format", form)
        with program.started(command, environ) as examining:
            done = program.finish(examining)
    assert done.status == 1, done
    assert "SYN-RST" in done.out
    assert "Traceback" not in done.err


LIBRARY = """
import socket, synscope
with synscope.live(62893) as capture:
    socket.socket().connect_ex(("127.0.0.1", 62893))
print(capture.diagnosis.targets[0].summary.label, capture.diagnosis.targets[0].findings[0].slug)
"""


def test_the_library_reports_and_saves(environ: dict[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "saved.pcapng"
    script = LIBRARY.replace("live(62893)", f"live(62893, save={str(saved)!r})")
    with program.namespace(), program.started(program.python(script), environ) as process:
        done = program.finish(process)
    assert done.status == 0, done
    assert done.out.startswith("SYN-RST ")
    assert analyze(str(saved)).attachments
