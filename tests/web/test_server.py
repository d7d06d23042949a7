"""The server on a socket of its own, asked byte for byte."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from synscope.model import Endpoint
from synscope.web import server
from synscope.web.access import HEADERS, STRICT_POLICY
from synscope.web.log import Log
from synscope.web.server import File, PageServer

FILES = {"": File("text/html; charset=utf-8", b"<p>page"), "app.js": File("text/javascript", b"1")}
PATIENCE_S = 20


@pytest.fixture
def log() -> Log:
    return log_with("first")


@pytest.fixture
def serving(log: Log) -> Iterator[PageServer]:
    one = PageServer(log, FILES)
    one.start()
    yield one
    one.close()


def log_with(text: str, kept: int = 40) -> Log:
    log = Log(kept)
    tell(log, text)
    return log


def tell(log: Log, text: str) -> None:
    log.add("update", f'"{text}"', lambda: f'"all of {text}"')


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Client:
    """One connection."""

    def __init__(self, to: PageServer, *, narrow: bool = False) -> None:
        self.socket = socket.socket()
        if narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", to.port))
        self.to = to
        self.read = bytearray()
        self.method = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, name: str = "", method: str = "GET", **headers: str) -> Client:
        path = self.to.url.partition(f":{self.to.port}")[2] + name
        return self.send(method, path, {"Host": f"127.0.0.1:{self.to.port}", **headers})

    def send(self, method: str, path: str, headers: dict[str, str]) -> Client:
        self.method = method
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self

    def until(self, part: bytes) -> bytes:
        searched = 0
        while self.read.find(part, searched) < 0:
            searched = max(0, len(self.read) - len(part))
            data = self.socket.recv(1 << 20)
            assert data, f"no {part!r} in {self.read[-300:]!r}"
            self.read += data
        return bytes(self.read)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        head, _, body = self.until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if self.method == "HEAD" else int(headers.get("content-length", 0))
        while len(body) < length:
            data = self.socket.recv(1 << 16)
            assert data, "the body is cut"
            body += data
        return int(first.split()[1]), headers, body

    def rest(self) -> bytes:
        """Read until the server closes."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(1 << 16):
                self.read += data
        return bytes(self.read)


def asked(
    to: PageServer, name: str = "", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    with Client(to) as client:
        return client.ask(name, method, **headers).answer()


# -- who gets what ------------------------------------------------------------------------------------


def test_it_listens_on_the_loopback_address_alone(serving: PageServer) -> None:
    assert serving._socket.getsockname() == ("127.0.0.1", serving.port)
    assert serving.endpoints == {Endpoint("127.0.0.1", serving.port), Endpoint("::1", serving.port)}


def test_files_are_handed_out(serving: PageServer) -> None:
    status, headers, body = asked(serving)
    assert (status, headers["content-type"], body) == (200, "text/html; charset=utf-8", b"<p>page")
    assert asked(serving, "app.js")[::2] == (200, b"1")
    serving.offer("report.html", File("text/html", b"report", "default-src 'none'"))
    status, headers, body = asked(serving, "report.html")
    assert (status, headers["content-security-policy"], body) == (200, "default-src 'none'", b"report")


@pytest.mark.parametrize(
    ("name", "method", "headers", "status"),
    [
        ("nothing", "GET", {}, 404),
        ("../etc/passwd", "GET", {}, 404),
        ("app.js?x", "GET", {}, 404),
        ("", "POST", {}, 405),
        ("", "HEAD", {}, 405),
        ("", "OPTIONS", {"Origin": "http://evil.example"}, 405),
        ("", "BREW", {}, 405),
        ("", "GET", {"Host": "evil.example"}, 403),
    ],
)
def test_refusals_say_nothing(
    serving: PageServer, name: str, method: str, headers: dict[str, str], status: int
) -> None:
    got, head, body = asked(serving, name, method, **headers)
    assert got == status
    assert len(body) < 25
    assert head["content-security-policy"] == STRICT_POLICY
    assert head["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/", "/wrong/", "/favicon.ico", "*", "/wrong/events"])
def test_without_the_secret_there_is_nothing(serving: PageServer, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        with Client(serving) as client:
            status, _, body = client.send(method, path, {"Host": f"localhost:{serving.port}"}).answer()
        assert status == (404 if method != "BREW" else 405)
        assert len(body) < 25


def test_every_answer_has_the_headers(serving: PageServer) -> None:
    for name, method in (("", "GET"), ("nothing", "GET"), ("", "POST"), ("", "BREW")):
        headers = asked(serving, name, method, Origin="http://evil.example")[1]
        assert {known: headers[known.lower()] for known, _ in HEADERS} == dict(HEADERS)
        assert "server" not in headers
        assert not [one for one in headers if one.startswith("access-control")]


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_nonsense_is_dropped_without_a_word(
    serving: PageServer, request_: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with Client(serving) as client, contextlib.suppress(ConnectionError):
        client.socket.sendall(request_)
        with contextlib.suppress(OSError):  # it is closed already
            client.socket.shutdown(socket.SHUT_WR)
        assert b"page" not in client.rest()
    assert asked(serving)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_port_can_be_given_and_one_that_is_taken_is_an_error(serving: PageServer, log: Log) -> None:
    with pytest.raises(OSError, match="in use"):
        PageServer(log, FILES, serving.port)
    serving.close()
    again = PageServer(log, FILES, serving.port)
    assert again.port == serving.port
    again.close()


def test_a_port_that_is_not_wanted_is_not_taken(log: Log) -> None:
    offered: list[int] = []

    def unwanted(port: int) -> bool:
        offered.append(port)
        return len(offered) < 4

    one = PageServer(log, FILES, unwanted=unwanted)
    assert one.port == offered[3]
    one.close()
    with pytest.raises(OSError, match="in use"):
        PageServer(log, FILES, unwanted=lambda _: True)


# -- the stream ---------------------------------------------------------------------------------------


def test_a_reader_gets_the_state_and_what_follows(serving: PageServer, log: Log) -> None:
    with Client(serving) as client:
        read = client.ask("events").until(b'"all of first"')
        assert b"text/event-stream; charset=utf-8" in read
        assert b"retry: " in read
        tell(log, "second")
        assert b'event: update\nid: 2\ndata: "second"\n\n' in client.until(b'"second"\n\n')


def test_one_that_comes_back_goes_on_where_it_was(serving: PageServer, log: Log) -> None:
    for text in ("second", "third"):
        tell(log, text)
    with Client(serving) as client:
        read = client.ask("events", **{"Last-Event-ID": "1"}).until(b'"third"\n\n')
    assert read.count(b"event: ") == 2
    assert b'id: 2\ndata: "second"' in read


@pytest.mark.parametrize("told", ["", "x", "-1", "1.5", "9" * 16, "99"])
def test_a_number_that_is_none_of_ours_gets_the_state(serving: PageServer, told: str) -> None:
    with Client(serving) as client:
        client.ask("events", **{"Last-Event-ID": told}).until(b'"all of first"')


def test_a_slow_reader_holds_nobody_up_and_is_told_what_it_missed() -> None:
    log = log_with("first", kept=3)
    one = PageServer(log, FILES)
    one.start()
    large = "x" * (1 << 18)
    with Client(one, narrow=True) as slow, Client(one) as quick:
        slow.ask("events").until(b'"all of first"')
        quick.ask("events").until(b'"all of first"')
        for number in range(30):
            log.add("update", f'"{number}{large}"', lambda: '"whole"')
            quick.until(b'"%d' % number)
            quick.until(b'x"\n\n')
            quick.read = bytearray()
        # What waits for the slow one is at most what was being sent.
        held = [len(each.stream._write_buffer) for each in one._server._connections]
        assert len(held) == 2
        assert 0 < max(held) <= 2 * len(large)
        read = slow.until(b'"whole"')
        skipped = re.search(rb"event: skipped\nid: 31\ndata: (\d+)\n", read)
        assert skipped is not None
        assert 3 <= int(skipped[1]) <= 30
    one.close()


def test_one_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_STUCK_S", 0.2)
    log = log_with("first")
    one = PageServer(log, FILES)
    one.start()
    with Client(one, narrow=True) as slow:
        slow.ask("events").until(b'"all of first"')
        log.add("update", '"' + "x" * (1 << 24) + '"', str)
        until(lambda: one.readers == 0)
        until(lambda: not one._server._connections)
    one.close()


def test_a_hundred_readers(serving: PageServer, log: Log) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(serving)) for _ in range(100)]
        for client in clients:
            client.ask("events")
        for client in clients:
            client.until(b'"all of first"')
        assert serving.readers == 100
        began = time.monotonic()
        for number in range(20):
            tell(log, f"number {number}")
        assert time.monotonic() - began < 10
        for client in clients:
            client.until(b'"number 19"')
    until(lambda: serving.readers == 0)


def test_readers_and_connections_are_bounded(serving: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_READERS", 2)
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 4)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Client(serving)).ask("events").until(b'"all of first"')
        assert asked(serving, "events")[0] == 503
        until(lambda: len(serving._server._connections) == 2)
        for _ in range(2):
            assert stack.enter_context(Client(serving)).ask().answer()[0] == 200
        with Client(serving) as client:
            assert client.rest() == b""
    until(lambda: serving.readers == 0)
    assert asked(serving)[0] == 200


def test_a_reader_that_is_gone_is_noticed(serving: PageServer) -> None:
    with Client(serving) as client:
        client.ask("events").until(b'"all of first"')
        assert serving.readers == 1
    until(lambda: serving.readers == 0)


def test_who_sends_no_request_is_dropped(monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    monkeypatch.setattr(server, "_HEADERS_S", 0.2)
    one = PageServer(log, FILES)
    one.start()
    with Client(one) as client:
        client.socket.sendall(b"GET / HT")
        assert client.rest() == b""
    one.close()


def test_closing_waits_for_readers_only_so_long(serving: PageServer, log: Log) -> None:
    with Client(serving) as client:
        client.ask("events").until(b'"all of first"')
        began = time.monotonic()
        serving.close(0.3)
        assert 0.3 <= time.monotonic() - began < 10
        client.rest()
    tell(log, "nobody listens")
    serving.close()


def test_closing_does_not_wait_for_nobody(serving: PageServer) -> None:
    began = time.monotonic()
    serving.close(30)
    assert time.monotonic() - began < 15


def test_one_that_was_never_started_can_be_closed(log: Log) -> None:
    PageServer(log, FILES).close()


NOTHING_NEW = """
import sys, socket
from synscope.web import feed, page_files, server
from synscope.web.log import Log
log = Log()
log.add("update", "1", lambda: "{}")
one = server.PageServer(log, page_files.files())
before = set(sys.modules)
one.start()
secret = one.url.split("/")[3]
host = f"Host: 127.0.0.1:{one.port}\\r\\n"
for request in (
    f"GET /{secret}/ HTTP/1.1\\r\\n{host}\\r\\n",
    f"GET /{secret}/events HTTP/1.1\\r\\n{host}\\r\\n",
    f"GET /{secret}/x HTTP/1.1\\r\\n{host}\\r\\n",
    f"GET /x HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
    f"POST /{secret}/ HTTP/1.1\\r\\n{host}Content-Length: 1\\r\\n\\r\\n1",
    f"BREW / HTTP/1.1\\r\\n{host}\\r\\n",
    "GET / HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n",
    "nonsense\\r\\n\\r\\n",
):
    with socket.create_connection(("127.0.0.1", one.port)) as client:
        client.sendall(request.encode())
        client.recv(65536)
one.close()
print(*sorted(set(sys.modules) - before))
"""


def test_nothing_is_imported_once_it_serves() -> None:
    # By then the process may be a user who cannot read the installation.
    source = str(Path(str(server.__file__)).parents[2])
    script = f"import sys; sys.path.insert(0, {source!r})\n{NOTHING_NEW}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("\n", "")
