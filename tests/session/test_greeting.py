"""A greeting of our own: whom it spares, and what servers of this machine's kernel make of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synscope.evidence.greeting import End, Greeted, observe_greeting
from synscope.model import Answer, Attempt, Endpoint, Outcome, Target
from synscope.probes.host.snapshot import Owner, Snapshot, Untold
from synscope.process.runner import Ended
from synscope.reference.first_words import FIRST_WORDS
from synscope.session import command_run, greeting
from synscope.session.greeting import greet, whom
from tests.evidence.builders import MS, SECOND, START, attempt, group, times
from tests.evidence.host.builders import listener, process, snapshot

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HELLO = FIRST_WORDS["TLS"]("localhost", 1)
PREFACE = FIRST_WORDS["HTTP/2"]("localhost", 1)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
SETTINGS = bytes.fromhex("000000040000000000")
ALERT = bytes.fromhex("15030100020246")
END = START + 60 * SECOND
SELF = Owner(os.getpid(), "python3", "")


def in_vain(said: bytes = GET, port: int = 8080, server: str = "127.0.0.1", at: int = 0) -> Attempt:
    """The server took it, and the client left after a second without an answer."""
    return attempt(
        Outcome.SERVER_SILENT,
        at=at,
        server=server,
        port=port,
        frame=1 + at // MS,
        client_payload=said,
        client_bytes=len(said),
        events=frozenset({"client-data", "client-fin"}),
        times=times(at, client_data=at + MS, client_fin=at + SECOND, end=at + SECOND),
    )


def hung_up_on(said: bytes = GET, port: int = 8080, at: int = 0) -> Attempt:
    """The server closed it without a byte."""
    return in_vain(said, port, at=at)._replace(
        outcome=Outcome.CLOSED,
        events=frozenset({"client-data", "server-fin"}),
        times=times(at, client_data=at + MS, end=at + 2 * MS),
    )


def answered(said: bytes = GET, port: int = 8080, at: int = 0) -> Attempt:
    return in_vain(said, port, at=at)._replace(
        events=frozenset({"client-data", "server-data"}),
        server_payload=OK,
        server_bytes=len(OK),
        times=times(at, client_data=at + MS, server_data=at + 2 * MS),
    )


def look(port: int = 8080, owner: Owner = SELF, state: str = "S", **more: object) -> Snapshot:
    return snapshot(
        listener("127.0.0.1", port, owners=(owner,)), processes=(process(owner.pid, state=state),), **more
    )


def due(*attempts: Attempt, port: int = 8080, seen: Snapshot | None = None) -> greeting.Due | str:
    groups = [group(each) for each in attempts]
    return whom(Target(str(port), port), groups, END, look(port) if seen is None else seen)


# -- who is greeted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "spoke"),
    [(GET, "HTTP/1"), (HELLO, "TLS"), (PREFACE, "HTTP/2")],
    ids=["HTTP/1", "TLS", "HTTP/2"],  # the hello has random bytes, and each worker its own
)
@pytest.mark.parametrize("ended", [in_vain, hung_up_on])
def test_a_server_that_gave_no_answer(said: bytes, spoke: str, ended: Callable[[bytes], Attempt]) -> None:
    assert due(ended(said)) == greeting.Due(Endpoint("127.0.0.1", 8080), spoke, "127.0.0.1")


FIRST = in_vain()._replace(
    server_bytes=4, server_payload=b"220 ", times=times(0, server_data=MS, client_data=2 * MS, end=SECOND)
)
STOPPED = {state: look(state=state) for state in ("T", "t", "Z", "X", "?", "")}


@pytest.mark.parametrize(
    ("attempts", "port", "seen", "why"),
    [
        ([], 8080, None, "went without an answer"),
        ([answered()], 8080, None, "went without an answer"),
        ([in_vain(), answered(at=2 * SECOND)], 8080, None, "went without an answer"),
        ([in_vain(b"PING\r\n")], 8080, None, "went without an answer"),
        ([in_vain(b"*1\r\n$4\r\nPING\r\n"), in_vain(at=2 * SECOND)], 8080, None, "something else"),
        ([in_vain(b"")._replace(client_bytes=9), in_vain(at=2 * SECOND)], 8080, None, "something else"),
        ([FIRST, in_vain(at=2 * SECOND)], 8080, None, "speaks first"),
        *[([in_vain(port=port)], port, look(port), "print") for port in (9100, 9107)],
        ([in_vain(server="192.0.2.7")], 8080, None, "not known as an address of this machine"),
        ([in_vain()], 8080, look(8081), "nothing listens"),
        ([in_vain()], 8080, snapshot(listener(owners=())), "whose process"),
        ([in_vain()], 8080, look(sockets=Untold("no netlink")), "no netlink"),
        *[([in_vain()], 8080, seen, "not known to run") for seen in STOPPED.values()],
    ],
)
def test_who_is_spared(attempts: list[Attempt], port: int, seen: Snapshot | None, why: str) -> None:
    found = due(*attempts, port=port, seen=seen)
    assert isinstance(found, str)
    assert why in found


def test_a_process_that_was_stopped_since_the_look_is_spared() -> None:
    with subprocess.Popen(["sleep", "60"]) as stopped:
        try:
            stopped.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
            found = due(in_vain(), seen=look(owner=Owner(stopped.pid, "sleep", "")))
        finally:
            stopped.kill()
    assert isinstance(found, str)
    assert "not known to run" in found


def test_an_address_of_this_machine_that_is_none_of_loopbacks() -> None:
    seen = snapshot(
        listener("0.0.0.0", owners=(SELF,)),
        processes=(process(SELF.pid),),
    )
    own = seen._replace(loopback=seen.loopback._replace(others=("192.0.2.7",)))  # type: ignore[union-attr]
    assert isinstance(due(in_vain(server="192.0.2.7"), seen=own), greeting.Due)
    assert isinstance(due(in_vain(server="192.0.2.8"), seen=own), str)


@pytest.mark.parametrize(
    ("ended", "linger_s", "may"),
    [
        (Ended(status=0), 0.3, True),
        (Ended(status=28), 0.3, True),
        (Ended(status=28), 0.0, False),
        (Ended(signal=signal.SIGINT), 0.3, False),
        (Ended(signal=signal.SIGTERM, timed_out=True), 0.3, True),
    ],
)
def test_who_ended_the_command_does_not_wait(ended: Ended, linger_s: float, *, may: bool) -> None:
    assert (command_run._why_not(ended, linger_s) == "") is may


# -- what servers make of it -------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greeting, "_TRY_S", 0.31)
    monkeypatch.setattr(greeting, "_IN_TURN_S", 0.03)


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], object] | None) -> Iterator[tuple[int, list[int]]]:
    """Serve on a port of its own: the port, and a list that gets longer with each connection taken."""
    taken: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as serving_socket, contextlib.ExitStack() as stack:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    made, _ = serving_socket.accept()
                    stack.enter_context(made)
                    taken.append(1)
                    threading.Thread(target=talk, args=(made,), daemon=True).start()

        def talk(made: socket.socket) -> None:
            with contextlib.suppress(OSError):
                assert handle is not None
                if handle(made) is not False:
                    made.shutdown(socket.SHUT_RDWR)

        if handle is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield serving_socket.getsockname()[1], taken
        with contextlib.suppress(OSError):
            serving_socket.shutdown(socket.SHUT_RDWR)


def own_socket(family: int) -> socket.socket:
    return socket.socket(family, socket.SOCK_STREAM)


def said_to(port: int, said: bytes = GET, *more: Attempt) -> Greeted:
    target = Target(str(port), port)
    groups = [group(in_vain(said, port)), *map(group, more)]
    began = time.monotonic()
    found = greet([target], groups, end_ts_ns=END, look=look(port), open_socket=own_socket)
    assert time.monotonic() - began < greeting.TOTAL_S
    return found[target]


def facts(greeted: Greeted) -> set[str]:
    return {each.name for each in observe_greeting(greeted) if each.answer is Answer.YES}


def first_of(made: socket.socket) -> bytes:
    return made.recv(4096)


def behind_a_line(made: socket.socket) -> None:
    """A server of HTTP that wants the PROXY protocol's line first."""
    line, _, rest = first_of(made).partition(b"\r\n")
    if line.startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 0 ") and rest.startswith(b"OPTIONS * HTTP/1.1\r\n"):
        made.sendall(OK)


def answering(**by_first: bytes | None) -> Callable[[socket.socket], object]:
    """A server that answers TLS, HTTP and h2c as given; what it has no answer for it hangs up on, or leaves alone."""

    def handle(made: socket.socket) -> object:
        data = first_of(made)
        spoke = "tls" if data[:1] == b"\x16" else "h2c" if data.startswith(b"PRI") else "http"
        answer = by_first.get(spoke, b"")
        if answer is None:
            return False
        made.sendall(answer)
        return True

    return handle


CASES = {
    "HTTP to TLS that hangs up": (GET, answering(tls=ALERT), {"greeting-answered-otherwise"}),
    "HTTP to TLS that stays silent": (GET, answering(tls=ALERT, http=None), {"greeting-answered-otherwise"}),
    "TLS to HTTP": (HELLO, answering(http=OK), {"greeting-answered-otherwise"}),
    "HTTP/1 to h2c": (GET, answering(h2c=SETTINGS), {"greeting-answered-otherwise"}),
    "HTTP/2 to HTTP/1": (PREFACE, answering(http=OK), {"greeting-answered-otherwise"}),
    "it speaks both, and works on the request": (
        GET,
        answering(h2c=SETTINGS, http=OK),
        {"greeting-answered"},
    ),
    "TLS, by a server that objects to anything": (HELLO, answering(http=BAD, h2c=BAD), {"greeting-answered"}),
    "HTTP, slow": (GET, answering(tls=BAD, h2c=BAD, http=None), {"greeting-answered"}),
    "TLS, with a hint": (
        HELLO,
        answering(http=BAD.replace(b"Bad Request", b"HTTP request to an HTTPS server")),
        {"greeting-answered"},
    ),
    "it wants the PROXY protocol's line": (
        GET,
        behind_a_line,
        {"greeting-hung-up-on", "greeting-wants-proxy-line"},
    ),
    "it hangs up on all": (GET, answering(), {"greeting-hung-up-on"}),
    "it reads and says nothing": (GET, answering(tls=None, h2c=None, http=None), {"greeting-met-silence"}),
    "it takes nothing": (GET, None, {"greeting-met-silence"}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_it_shows(name: str) -> None:
    said, handle, shown = CASES[name]
    with serving(handle) as (port, taken):
        greeted = said_to(port, said)
        assert facts(greeted) == shown, greeted
        assert len(greeted.tries) <= len(FIRST_WORDS)
        assert handle is None or len(taken) == len(greeted.tries) + (greeted.after_line is not None)
    assert greeted.note.startswith(f"synscope greeted 127.0.0.1:{port} once more")


def test_a_server_of_openssls(tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*made, "-keyout", str(pem), "-out", str(tmp_path / "crt"), "-days", "2", "-subj", "/CN=localhost"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", pem)

    def handle(made: socket.socket) -> None:
        if made.recv(1, socket.MSG_PEEK) == b"\x16":
            context.wrap_socket(made, server_side=True)

    with serving(handle) as (port, _):
        greeted = said_to(port)
    assert facts(greeted) == {"greeting-answered-otherwise"}
    assert [each.end for each in greeted.tries] == [End.ANSWERED, End.CLOSED]


def test_many_attempts_and_targets_are_one_greeting() -> None:
    with serving(answering()) as (port, taken):
        said_to(port, GET, *(in_vain(port=port, at=at * SECOND) for at in range(1, 9)))
        assert len(taken) == 3
        groups = [group(in_vain(port=port))]
        twice = [Target(str(port), port), Target(f"localhost:{port}", port, "localhost")]
        found = greet(twice, groups, end_ts_ns=END, look=look(port), open_socket=own_socket)
        assert len(taken) == 6
        assert [bool(found[target].tries) for target in twice] == [True, False]


def test_nobody_listens_any_more() -> None:
    with serving(answering()) as (port, _):
        pass
    greeted = said_to(port)
    assert facts(greeted) == set()
    assert all(each.end is End.UNMADE for each in greeted.tries)
