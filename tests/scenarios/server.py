"""The servers of the scenarios, as a program: ``server.py MODE ADDRESS PORT [options]``.

It says ``ready`` once it is as it is to be, and ends by a signal or with ``--life``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

HARD_CLOSE = struct.pack("ii", 1, 0)
TCP_MD5SIG = 14
IP_MINTTL = 21
Handler = Callable[[socket.socket, argparse.Namespace], None]


def _request(conn: socket.socket) -> bytes:
    """What the client sends first, up to an empty line or its end."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = conn.recv(4096)
        if not piece:
            break
        found += piece
    return found


def _http(conn: socket.socket, options: argparse.Namespace) -> None:
    _request(conn)
    time.sleep(options.seconds)
    body = options.text.encode()
    head = f"HTTP/1.1 {options.status} Some Reason\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    kind = "application/json" if body.startswith(b"{") else "text/plain"
    conn.sendall(f"{head}Content-Type: {kind}\r\n\r\n".encode() + body)


def _tls(conn: socket.socket, options: argparse.Namespace) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    with contextlib.suppress(ssl.SSLError), context.wrap_socket(conn, server_side=True) as wrapped:
        _http(wrapped, options)


def _silent(conn: socket.socket, _: argparse.Namespace) -> None:
    _request(conn)
    time.sleep(3600)


def _greet(conn: socket.socket, options: argparse.Namespace) -> None:
    conn.sendall(options.text.encode().decode("unicode_escape").encode("latin-1"))
    conn.settimeout(1)
    with contextlib.suppress(OSError):
        conn.recv(4096)


def _close(conn: socket.socket, _: argparse.Namespace) -> None:
    conn.recv(4096)


def _reset(conn: socket.socket, _: argparse.Namespace) -> None:
    conn.recv(4096)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HARD_CLOSE)


def _crash(conn: socket.socket, _: argparse.Namespace) -> None:
    conn.recv(4096)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def _forward(conn: socket.socket, options: argparse.Namespace) -> None:
    try:
        other = socket.create_connection(("127.0.0.1", options.to), 2)
    except OSError:
        return
    with other:
        while True:
            for end in select.select([conn, other], [], [])[0]:
                data = end.recv(4096)
                if not data:
                    return
                (other if end is conn else conn).sendall(data)


HANDLERS: dict[str, Handler] = {
    "http": _http,
    "tls": _tls,
    "silent": _silent,
    "greet": _greet,
    "close": _close,
    "reset": _reset,
    "crash": _crash,
    "forward": _forward,
}
OTHERS = ("idle", "bound", "udp", "unix")
"""Modes that accept nothing."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=(*HANDLERS, *OTHERS))
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--backlog", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until it listens")
    parser.add_argument("--device", default="")
    parser.add_argument("--v6only", action="store_true")
    parser.add_argument("--status", type=int, default=200)
    parser.add_argument("--text", default="hello")
    parser.add_argument("--seconds", type=float, default=0.0, help="until it answers")
    parser.add_argument("--to", type=int, default=0)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--files", type=int, default=0, help="how many descriptors it may have more")
    parser.add_argument("--life", type=float, default=3600.0, help="seconds until it ends")
    parser.add_argument("--key-for", default="", help="the address whose segments must be signed (TCP-MD5)")
    parser.add_argument("--min-ttl", type=int, default=0, help="segments with a lower TTL are dropped")
    parser.add_argument("--bare", action="store_true", help="without SO_REUSEADDR")
    parser.add_argument("--once", action="store_true", help="end after one connection")
    return parser.parse_args()


def sign(sock: socket.socket, peer: str) -> None:
    """Set a TCP-MD5 key for a peer; source: linux/tcp.h (struct tcp_md5sig)."""
    family = socket.AF_INET6 if ":" in peer else socket.AF_INET
    at = 6 if family == socket.AF_INET6 else 2
    address = struct.pack("=H", family) + bytes(at) + socket.inet_pton(family, peer)
    sock.setsockopt(
        socket.IPPROTO_TCP,
        TCP_MD5SIG,
        address.ljust(128, b"\0") + struct.pack("=BBHi80s", 0, 0, 3, 0, b"key"),
    )


def _open(options: argparse.Namespace) -> socket.socket:
    if options.mode == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(options.address)
    else:
        family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM if options.mode == "udp" else socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, not options.bare)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, options.v6only)
        if options.device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, options.device.encode())
        if options.min_ttl:
            sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, options.min_ttl)
        if options.key_for:
            sign(sock, options.key_for)
        sock.bind((options.address, options.port))
    if options.mode not in {"udp", "bound"}:
        sock.listen(options.backlog)
    return sock


def _serve(conn: socket.socket, options: argparse.Namespace) -> None:
    with contextlib.suppress(OSError), conn:
        HANDLERS[options.mode](conn, options)


def _accept(sock: socket.socket, options: argparse.Namespace) -> None:
    while True:
        try:
            conn, _ = sock.accept()
        except OSError:
            time.sleep(0.05)
            continue
        if options.once:
            _serve(conn, options)
            return
        threading.Thread(target=_serve, args=(conn, options), daemon=True).start()


def main() -> None:
    """Serve until the end."""
    options = _options()
    threading.Timer(options.life, os._exit, (0,)).start()
    time.sleep(options.delay)
    sock = _open(options)
    if options.files:
        used = len(list(Path("/proc/self/fd").iterdir())) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + options.files, used + options.files))
    os.write(1, b"ready\n")
    if options.mode in OTHERS:
        time.sleep(3600)
    _accept(sock, options)


if __name__ == "__main__":
    main()
