"""Connects of our own: what each meets, what they send, and that they end in time."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from synscope.model import Endpoint
from synscope.session import connects
from synscope.session.connects import Connect, Connects, Greeting, Resolved, is_own, resolve

LOCAL = "127.0.0.1"
Answer = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(answer: Answer | None = None) -> Iterator[int]:
    """A server on a port of the kernel's choice; without ``answer`` it never accepts."""
    with socket.create_server((LOCAL, 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _serve(listener: socket.socket, answer: Answer | None) -> None:
    with contextlib.suppress(OSError):
        while answer is not None:
            made, _ = listener.accept()
            with made, contextlib.suppress(OSError):
                made.settimeout(5)
                answer(made)


def to(*ends: tuple[str, int], greeting: Greeting = Greeting.NONE) -> tuple[Connect, ...]:
    made = Connects(Resolved("localhost", tuple((socket.AF_INET, end) for end in ends)), greeting)
    made.start()
    began = time.monotonic()
    while not made.is_over:
        time.sleep(0.005)
    assert time.monotonic() - began <= connects.TOTAL_S + 15
    return made.made


def free_port() -> int:
    with socket.create_server((LOCAL, 0)) as closed:
        return int(closed.getsockname()[1])


def abort(made: socket.socket) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_refused() -> None:
    port = free_port()
    (one,) = to((LOCAL, port))
    assert (one.server, one.code, one.name) == (Endpoint(LOCAL, port), errno.ECONNREFUSED, "ECONNREFUSED")
    assert one.text.startswith(f"connect to 127.0.0.1:{port}: ECONNREFUSED (Connection refused) after ")


def test_nothing_is_sent_without_a_greeting() -> None:
    heard: list[bytes] = []
    with server(lambda made: heard.append(made.recv(100))) as port:
        (one,) = to((LOCAL, port))
    assert (one.code, one.name, one.was_reset, heard) == (0, "", False, [b""])


def test_what_the_server_says_first_does_not_abort_the_connection() -> None:
    ends: list[bytes] = []

    def greet(made: socket.socket) -> None:
        made.sendall(b"SSH-2.0-x\r\n" * 1000)
        ends.append(made.recv(100))  # an abort would raise

    with server(greet) as port:
        (one,) = to((LOCAL, port))
    assert ends == [b""]
    assert "the server sent" in one.after


def test_a_reset_is_told() -> None:
    with server(abort) as port:
        (one,) = to((LOCAL, port))
    assert one.was_reset
    assert one.code == 0
    assert one.text.endswith("the server reset it")


def test_a_reset_that_comes_before_anybody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(*_: object) -> None:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    monkeypatch.setattr(socket.socket, "connect", reset)
    (one,) = to((LOCAL, 1))
    assert (one.code, one.was_reset, one.after) == (0, True, "the server reset it")


def test_http() -> None:
    asked: list[bytes] = []

    def answer(made: socket.socket) -> None:
        asked.append(made.recv(1000))
        made.sendall(b"HTTP/1.1 418 \x1b[31mteapot\r\nX: y\r\n\r\n")

    with server(answer) as port:
        (one,) = to((LOCAL, port), greeting=Greeting.HTTP)
    assert asked[0].startswith(f"HEAD / HTTP/1.1\r\nHost: localhost:{port}\r\n".encode())
    assert one.after == "answer to HEAD /: HTTP/1.1 418 \x1b[31mteapot"


def test_a_server_that_never_answers() -> None:
    with server() as port:
        (one,) = to((LOCAL, port), greeting=Greeting.HTTP)
    assert one.after == "no answer to HEAD / within 2 s"


def test_one_that_is_silent_does_not_hold_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connects, "CONNECT_S", 3.0)
    with socket.socket() as full:
        full.bind(("127.0.0.2", 0))
        full.listen(0)
        silent = full.getsockname()
        with contextlib.ExitStack() as stack:
            for _ in range(4):  # the accept queue holds one; the kernel ignores what comes then
                filling = stack.enter_context(socket.socket())
                filling.setblocking(False)
                filling.connect_ex(silent)
            first, second = to(silent, (LOCAL, free_port()))
    assert first.code == errno.ETIMEDOUT
    assert "no answer within 3" in first.text
    assert second.code == errno.ECONNREFUSED
    assert second.began_ns - first.began_ns < 2.9e9


def test_resolving() -> None:
    found = resolve("127.0.0.3", 80)
    assert (found.endpoints, found.error) == ((Endpoint("127.0.0.3", 80),), "")
    nothing = resolve("no such name", 80)
    assert not nothing.addresses
    assert nothing.error
    assert nothing.error_name.startswith("EAI_")


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(connects, "RESOLVE_S", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(10) and [])
    found = resolve("somewhere", 80)
    over.set()
    assert found == Resolved("somewhere", (), "the resolver did not answer within 0.1 s", "EAI_AGAIN")


def test_own_addresses() -> None:
    assert is_own((socket.AF_INET, (LOCAL, 80)))
    assert is_own((socket.AF_INET6, ("::1", 80, 0, 0)))
    assert not is_own((socket.AF_INET, ("192.0.2.1", 80)))
