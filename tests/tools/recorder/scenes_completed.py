"""Recorded scenes in which the handshake completes, whatever happens then."""

from __future__ import annotations

import contextlib
import socket
import time

from recorder.model import LOCAL, LOCAL6, PORT
from recorder.players import answer, answer_forever, http_server, request
from recorder.stage import Handler, Stage, StageError, hard_close

GET = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n\r\n".encode()
FORWARDED = 62894
URL = f"http://127.0.0.1:{PORT}/"


def open_to(stage: Stage, source_port: int = 40001, handler: Handler | None = None) -> socket.socket:
    """Connect to the house port, first serving it with ``handler`` when there is one."""
    if handler is not None:
        stage.serve(stage.listen(PORT), handler)
    sock = stage.connect(source_port, PORT)
    if sock is None:
        msg = "the connection was expected to succeed"
        raise StageError(msg)
    return sock


def happy_eyeballs(stage: Stage) -> None:
    """Curl tries ::1 first and falls back to 127.0.0.1."""
    http_server(stage, PORT)
    stage.curl(40001, "--resolve", f"localhost:{PORT}:[{LOCAL6}],{LOCAL}", f"http://localhost:{PORT}/")


def http_ok(stage: Stage) -> None:
    """Curl and Python's HTTP server."""
    http_server(stage, PORT)
    stage.curl(40001, URL)


def http_500(stage: Stage) -> None:
    """The service answers with a server error."""
    http_server(stage, PORT)
    stage.curl(40001, URL + "500")


def server_hung(stage: Stage) -> None:
    """The kernel accepts and acknowledges, the program never reads."""
    stage.listen(PORT)
    sock = open_to(stage)
    sock.sendall(GET)
    time.sleep(1.0)
    sock.close()


def late_answer(stage: Stage) -> None:
    """The answer comes after the client has closed."""

    def slow(conn: socket.socket) -> None:
        conn.recv(4096)
        time.sleep(0.8)
        answer_now = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlate\n"
        conn.sendall(answer_now)
        time.sleep(0.1)

    sock = open_to(stage, handler=slow)
    sock.sendall(GET)
    time.sleep(0.4)
    sock.close()
    time.sleep(0.7)


def reset_early(stage: Stage) -> None:
    """The server resets before it has sent a byte."""

    def abort(conn: socket.socket) -> None:
        conn.recv(1, socket.MSG_PEEK)
        hard_close(conn)

    sock = open_to(stage, handler=abort)
    sock.sendall(GET)
    with contextlib.suppress(ConnectionResetError):
        sock.recv(100)


def reset_later(stage: Stage) -> None:
    """The server resets in the middle of its answer."""

    def abort(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthe first part")
        time.sleep(0.1)
        hard_close(conn)

    sock = open_to(stage, handler=abort)
    sock.sendall(GET)
    with contextlib.suppress(ConnectionResetError):
        while sock.recv(100):
            pass


def reset_by_client(stage: Stage) -> None:
    """The client reads the answer and resets."""

    def reply(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        conn.recv(4096)

    sock = open_to(stage, handler=reply)
    sock.sendall(GET)
    sock.recv(4096)
    hard_close(sock)


def dead_forwarder(stage: Stage) -> None:
    """A forwarder accepts, finds nobody at its own target, and closes on the unread request."""

    def forward(conn: socket.socket) -> None:
        conn.recv(1, socket.MSG_PEEK)
        stage.connect(40002, FORWARDED)

    sock = open_to(stage, handler=forward)
    sock.sendall(GET)
    with contextlib.suppress(ConnectionResetError):
        sock.recv(100)


def still_open(stage: Stage) -> None:
    """Bytes both ways, and the capture ends before the connection."""

    def echo(conn: socket.socket) -> None:
        conn.sendall(conn.recv(100))
        stage.keep(conn.dup())

    sock = open_to(stage, handler=echo)
    sock.sendall(b"hello\n")
    sock.recv(100)


def half_closed(stage: Stage) -> None:
    """The server has answered and closed its side, the client has not yet."""

    def reply(conn: socket.socket) -> None:
        conn.sendall(conn.recv(100))

    sock = open_to(stage, handler=reply)
    sock.sendall(b"hello\n")
    while sock.recv(100):
        pass


def silent(stage: Stage) -> None:
    """Connect and close, as a health check does."""

    def wait(conn: socket.socket) -> None:
        conn.recv(1)

    sock = open_to(stage, handler=wait)
    time.sleep(0.05)
    sock.close()


def drop_established(stage: Stage) -> None:
    """A rule lets the handshake pass and discards the data."""
    stage.nft("input", f"tcp dport {PORT} tcp flags & psh == psh drop")
    stage.listen(PORT)
    sock = open_to(stage)
    sock.sendall(GET)
    time.sleep(1.0)
    sock.close()


def port_reuse(stage: Stage) -> None:
    """The same source port twice: two connections on one 4-tuple."""
    answer_forever(stage, PORT)
    for _ in range(2):
        sock = open_to(stage)
        request(sock, f"127.0.0.1:{PORT}")
        hard_close(sock)
        time.sleep(0.2)


def fast_open_request(stage: Stage, source_port: int) -> None:
    """Send a request inside the SYN when a cookie is known."""
    # Not settimeout(): on a non-blocking socket MSG_FASTOPEN ends with EINPROGRESS.
    sock = stage.client(source_port)
    with contextlib.suppress(ConnectionRefusedError):
        sock.sendto(GET, socket.MSG_FASTOPEN, (LOCAL, PORT))
        while sock.recv(4096):
            pass
    sock.close()
    time.sleep(0.1)


def fast_open(stage: Stage) -> None:
    """The first connection asks for a cookie, the second carries its request in the SYN."""
    stage.sysctl("net/ipv4/tcp_fastopen", "3")
    stage.serve(stage.listen(PORT, fast_open=True), answer())
    fast_open_request(stage, 40001)
    fast_open_request(stage, 40002)


def fast_open_ignored(stage: Stage) -> None:
    """The server has switched Fast Open off meanwhile and acknowledges the SYN alone."""
    stage.sysctl("net/ipv4/tcp_fastopen", "3")
    stage.serve(stage.listen(PORT, fast_open=True), answer())
    fast_open_request(stage, 40001)
    stage.sysctl("net/ipv4/tcp_fastopen", "1")
    fast_open_request(stage, 40002)


def split_open(stage: Stage) -> None:
    """The first SYN is lost, then the other end opens towards the waiting client."""
    stage.nft("input", f"tcp dport {PORT} drop")
    first = stage.client(40001)
    first.settimeout(0)
    first.connect_ex((LOCAL, PORT))
    time.sleep(0.1)
    stage.nft("input")
    other = stage.client(PORT)
    other.settimeout(5)
    other.connect((LOCAL, 40001))
    first.settimeout(5)
    first.sendall(b"hello\n")
    other.sendall(other.recv(100))
    first.recv(100)
    first.close()
    time.sleep(0.05)
    other.close()


def self_connect(stage: Stage) -> None:
    """A socket connects to its own port."""
    sock = stage.client(PORT)
    sock.settimeout(5)
    sock.connect((LOCAL, PORT))
    sock.close()
