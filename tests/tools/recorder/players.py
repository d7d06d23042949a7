"""The small HTTP players the scenes share."""

from __future__ import annotations

import http.server
import socket
import threading
from typing import TYPE_CHECKING

from recorder.model import LOCAL

if TYPE_CHECKING:
    from recorder.stage import Handler, Stage

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


def answer(body: bytes = OK) -> Handler:
    """Return a handler that answers the first bytes with ``body`` and waits for the client."""

    def handler(conn: socket.socket) -> None:
        if conn.recv(4096):
            conn.sendall(body)
            conn.shutdown(socket.SHUT_WR)
            while conn.recv(4096):
                pass

    return handler


def answer_forever(stage: Stage, port: int, address: str = LOCAL) -> socket.socket:
    """Listen and answer each request with 200; return the listener."""
    listener = stage.listen(port, address)
    stage.serve(listener, answer())
    return listener


def request(sock: socket.socket, host: str) -> bytes:
    """Send a GET request and return everything that comes back."""
    sock.settimeout(5)
    sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    parts = []
    while part := sock.recv(4096):
        parts.append(part)
    return b"".join(parts)


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers /500 with a server error and everything else with one line."""

    def do_GET(self) -> None:
        """Serve one request."""
        body = b"broken\n" if self.path == "/500" else b"hello\n"
        self.send_response(500 if self.path == "/500" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet."""


def http_server(stage: Stage, port: int, address: str = LOCAL) -> None:
    """Run Python's own HTTP server until the stage ends."""
    server = http.server.ThreadingHTTPServer((address, port), _Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    stage.after(server.server_close)
    stage.after(server.shutdown)
