"""Recorded scenes in which the two ends speak different protocols, or distrust each other."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

from recorder.model import PORT
from recorder.players import answer, request
from recorder.scenes_completed import URL, open_to

if TYPE_CHECKING:
    import socket

    from recorder.stage import Stage

ALERT_PROTOCOL_VERSION = bytes.fromhex("15 0303 0002 02 46")
HTTPS = f"https://127.0.0.1:{PORT}/"


def tls_to_plain(stage: Stage) -> None:
    """A TLS client greets a plain-text HTTP server."""
    body = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    stage.serve(stage.listen(PORT), answer(body))
    stage.curl(40001, "-k", HTTPS)


def tls_server(stage: Stage, oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> None:
    """Serve the house port with Python's TLS and a self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = oldest
    context.load_cert_chain(*stage.certificate())

    def handler(conn: socket.socket) -> None:
        with context.wrap_socket(conn, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    stage.serve(stage.listen(PORT), handler)


def plain_to_tls(stage: Stage) -> None:
    """Plain HTTP to OpenSSL, which sends no alert; the unread rest makes close() reset."""
    tls_server(stage)
    stage.curl(40001, URL)


def plain_to_tls_alert(stage: Stage) -> None:
    """Plain HTTP to a stand-in that sends the alert GnuTLS and others would send."""
    stage.serve(stage.listen(PORT), answer(ALERT_PROTOCOL_VERSION))
    sock = open_to(stage)
    request(sock, f"127.0.0.1:{PORT}")
    sock.close()
    time.sleep(0.05)


def tls_version(stage: Stage) -> None:
    """The server wants TLS 1.3, the client offers 1.2 at most: a real alert."""
    tls_server(stage, ssl.TLSVersion.TLSv1_3)
    stage.curl(40001, "-k", "--tls-max", "1.2", HTTPS)


def plain_to_https_400(stage: Stage) -> None:
    """Plain HTTP to nginx, which says so."""
    crt, key = stage.certificate()
    stage.nginx(
        f"server {{ listen 127.0.0.1:{PORT} ssl; ssl_certificate {crt}; ssl_certificate_key {key}; }}"
    )
    stage.start_capture()
    stage.curl(40001, URL)


def certificate_rejected(stage: Stage) -> None:
    """Curl does not trust the certificate."""
    tls_server(stage)
    stage.curl(40001, HTTPS)


def ssh_banner(stage: Stage) -> None:
    """An HTTP client meets another protocol's greeting."""

    def greet(conn: socket.socket) -> None:
        conn.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
        answer(b"Invalid SSH identification string.\r\n")(conn)

    sock = open_to(stage, handler=greet)
    time.sleep(0.05)
    request(sock, f"127.0.0.1:{PORT}")
    sock.close()
    time.sleep(0.1)
