"""``synscope live --web`` on the real kernel, without a browser: what the capture and its report have of the page."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Generator, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import markupsafe
import pytest
import tornado

from tests.kernel import need_root, server, talk
from tests.live import program

pytestmark = pytest.mark.usefixtures("kernel")

TARGET = 62893
PROXY = 8118
_PAGE = "synscope: the page is at "
_HOSTILE = '<b a="1">\x1b[2J'


@contextlib.contextmanager
def live(*typed: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``synscope live --web``, from when it captures, and the page's address."""
    web = () if any(one.startswith("--web") for one in typed) else ("--web",)
    with program.live("-p", str(TARGET), *web, *typed, **options) as process:
        assert process.stderr is not None
        line = process.stderr.readline()  # it came with the line before
        assert line.startswith(_PAGE), line
        yield process, line.removeprefix(_PAGE).strip()


def get(url: str, name: str = "") -> tuple[int, bytes]:
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as connection:
        connection.request("GET", parts.path + name)
        answer = connection.getresponse()
        return answer.status, answer.read()


def events(url: str) -> Generator[Any, None, None]:
    """Yield what a page is told, until the end."""
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=20)) as connection:
        connection.request("GET", parts.path + "events")
        with connection.getresponse() as answer:
            while line := answer.readline():
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])


def refuse() -> None:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", TARGET))


def test_attempts_are_told_and_the_report_is_handed_over() -> None:
    script = (
        "import ctypes, socket\n"
        f"ctypes.CDLL(None).prctl(15, {_HOSTILE.encode()!r}, 0, 0, 0)\n"
        f"try: socket.create_connection(('127.0.0.1', {TARGET}))\n"
        "except OSError: pass\n"
    )
    with program.namespace(), server() as served, live("-p", str(served.port)) as (process, url):
        assert get(url)[0] == 200
        told = events(url)
        assert next(told)["targets"] == [str(TARGET), str(served.port)]
        subprocess.run(program.python(script), check=True)
        talk(served.address)
        rows: dict[str, Any] = {}
        for one in told:
            rows.update((row["label"], row) for row in one["rows"])
            if len(rows) == 2 and all(row["settled"] for row in rows.values()):
                break
        process.send_signal(2)
        report = report_of(told, url)
        done = program.finish(process)
    refused = rows["SYN-RST"]
    assert refused["server"] == f"127.0.0.1:{TARGET}"
    assert refused["process"].startswith('<b a="1">\\x1b[2J (')
    assert one["counts"] == {"SYN-RST": 1, "completed": 1}
    assert one["health"]["canary"] == "seen"
    assert (one["health"]["lost"], one["health"]["trouble"]) == (0, None)
    assert b"Nothing is listening on port" in report
    assert done.status == 1
    assert "SYN-RST" in done.out


def report_of(told: Generator[Any, None, None], url: str) -> bytes:
    """Wait for the end, fetch the report as a page does, and leave."""
    for one in told:
        if one["phase"] == "over":
            status, body = get(url, one["report"])
            assert status == 200
            told.close()
            return body
    raise AssertionError("the stream ended before the capture")


def test_the_page_is_no_part_of_the_report() -> None:
    # What goes to a port where proxies usually are is captured whole, and would be a near miss.
    typed = (f"--web={PROXY}", "--format", "json", "--duration", "2")
    with program.namespace(), live(*typed) as (process, url):
        assert urlsplit(url).port == PROXY
        assert get(url)[0] == 200
        with socket.create_connection(("127.0.0.1", PROXY)) as client:
            client.sendall(
                f"GET http://127.0.0.1:{TARGET}/ HTTP/1.1\r\nHost: 127.0.0.1:{TARGET}\r\n\r\n".encode()
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 403 ")
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("::1", PROXY))
        done = program.finish(process)
    report = program.of_document(done.out)
    assert report.label == "client-never-sent"
    assert report.targets[0]["near_misses"] == []
    assert report.attempts == []
    program.assert_whole(report)
    assert f":{PROXY}" not in done.out


def test_it_listens_where_the_user_is_not_where_the_capture_is() -> None:
    with program.namespace(inside=False) as name, live("--netns", name, "--until-failure") as (process, url):
        assert get(url)[0] == 200
        with program.inside(name):
            with pytest.raises(ConnectionRefusedError):
                get(url)
            refuse()
        told = events(url)
        assert next(one for one in told if one["rows"])["rows"][0]["label"] == "SYN-RST"
        told.close()
        done = program.finish(process)
    assert done.status == 1


def test_nothing_is_read_once_rights_are_given_up(tmp_path: Path) -> None:
    need_root()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for package in (*program.PACKAGES, tornado, jinja2, markupsafe):
        source = Path(str(package.__file__)).parent
        if not (closed / source.name).exists():
            shutil.copytree(source, closed / source.name)
    environ = program.environment(PYTHONPATH=str(closed), PYTHONDONTWRITEBYTECODE="1")
    with program.namespace(), live("--until-failure", "--format", "jsonl", environ=environ) as (process, url):
        refuse()
        report = report_of(events(url), url)
        done = program.finish(process)
    assert done.status == 1
    assert b"Nothing is listening on port" in report
    assert [one["outcome"] for one in program.of_lines(done.out).attempts] == ["refused"]
