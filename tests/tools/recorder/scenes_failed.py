"""Recorded scenes in which the handshake itself fails or is not even tried."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from recorder.model import LOCAL, LOCAL6, PORT
from recorder.players import answer, answer_forever, http_server, request
from recorder.scenes_completed import fast_open_request
from recorder.stage import Stage, StageError, hard_close
from recorder.talk import bare_syn

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = 22222
WRAPPED = 619009 % 65536
BETWEEN_S = 1.2
"""Tries that are to count as separate ones start more than a second apart."""

PATIENCE_S = 2.6
"""Long enough for the first SYN and its repetitions after one and two seconds."""


def refused(stage: Stage) -> None:
    """Connect to a port nobody listens on."""
    stage.connect(40001, PORT)


def refused_ipv6(stage: Stage) -> None:
    """The same on ::1."""
    stage.connect(40001, PORT, LOCAL6)


def family_mismatch(stage: Stage) -> None:
    """An IPv4-only server, one client on ::1 and another on 127.0.0.1."""
    answer_forever(stage, PORT)
    stage.connect(40001, PORT, LOCAL6)
    time.sleep(BETWEEN_S)
    stage.curl(40002, f"http://127.0.0.1:{PORT}/")
    time.sleep(BETWEEN_S)
    stage.connect(40003, PORT, LOCAL6)


def wrong_bind_address(stage: Stage) -> None:
    """A server on 127.0.0.2 only."""
    answer_forever(stage, PORT, "127.0.0.2")
    stage.connect(40001, PORT)
    time.sleep(BETWEEN_S)
    stage.curl(40002, "--interface", "127.0.0.2", f"http://127.0.0.2:{PORT}/")
    time.sleep(BETWEEN_S)
    stage.connect(40003, PORT)


def wrong_port(stage: Stage) -> None:
    """A client that swaps two digits of the port."""
    answer_forever(stage, PORT)
    stage.connect(40001, 62839)


def drop_input(stage: Stage) -> None:
    """A rule discards the SYN on its way in."""
    stage.nft("input", f"tcp dport {PORT} drop")
    stage.listen(PORT)
    stage.connect(40001, PORT, timeout=PATIENCE_S)


def drop_syn_ack(stage: Stage) -> None:
    """A rule discards the server's answer."""
    stage.nft("input", f"tcp sport {PORT} drop")
    stage.listen(PORT)
    stage.connect(40001, PORT, timeout=PATIENCE_S)


def drop_output(stage: Stage) -> None:
    """A rule discards the SYN before it reaches the interface."""
    stage.nft("output", f"tcp dport {PORT} drop")
    stage.connect(40001, PORT, timeout=1.2)


def reject(rule: str, address: str = LOCAL, chain: str = "input") -> Callable[[Stage], None]:
    """Return a scene in which a rule answers for the server."""

    def scene(stage: Stage) -> None:
        stage.nft(chain, f"tcp dport {PORT} reject with {rule}")
        stage.listen(PORT, address)
        stage.connect(40001, PORT, address)

    return scene


def accept_queue_full(stage: Stage) -> None:
    """A listener that never accepts, with room for one connection."""
    stage.listen(PORT, backlog=0)
    stage.connect(40001, PORT)
    time.sleep(BETWEEN_S)
    stage.connect(40002, PORT, timeout=PATIENCE_S)


def startup_race(stage: Stage) -> None:
    """The client is there before the server."""
    for source in (40001, 40002, 40003):
        stage.connect(source, PORT)
        time.sleep(BETWEEN_S)
    answer_forever(stage, PORT)
    stage.curl(40004, f"http://127.0.0.1:{PORT}/")


def crashed_after_bind(stage: Stage) -> None:
    """Two answers, then the listener is gone."""
    listener = answer_forever(stage, PORT)
    for source in (40001, 40002):
        stage.curl(source, f"http://127.0.0.1:{PORT}/")
        time.sleep(BETWEEN_S)
    stage.stop(listener)
    stage.connect(40003, PORT)


def wrapped_port(stage: Stage) -> None:
    """Python wraps a port that does not exist."""
    del stage
    try:
        socket.create_connection(("localhost", 619009), 5, source_address=(LOCAL, 40001))
    except ConnectionRefusedError:
        return
    msg = "something listens on the wrapped port"
    raise StageError(msg)


def wrapped_port_answered(stage: Stage) -> None:
    """The same, and another program answers on the wrapped port."""
    answer_forever(stage, WRAPPED)
    where = ("localhost", 619009)
    with socket.create_connection(where, 5, source_address=(LOCAL, 40001)) as sock:
        request(sock, "localhost:619009")


def never_sent(stage: Stage) -> None:
    """Curl refuses the address; only an unrelated connection is seen."""
    http_server(stage, OTHER)
    stage.curl(40001, "http://localhost:619009/")
    stage.curl(40002, f"http://127.0.0.1:{OTHER}/")


def proxy_misdirect(stage: Stage) -> None:
    """Curl asks the proxy of its environment for a local address."""
    body = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    stage.serve(stage.listen(3128), answer(body))
    stage.curl(40001, "--proxy", "http://127.0.0.1:3128", f"http://localhost:{PORT}/")


def gateway_502(stage: Stage) -> None:
    """Nginx on 8080 cannot reach its upstream."""
    stage.nginx(
        "server { listen 127.0.0.1:8080; location / { proxy_bind 127.0.0.1:40002;"
        f" proxy_pass http://127.0.0.1:{PORT}; }} }}"
    )
    stage.start_capture()
    stage.curl(40001, "-H", "Connection: close", "http://127.0.0.1:8080/")


def gateway_504(stage: Stage) -> None:
    """The upstream's SYN is discarded and nginx loses patience."""
    stage.nft("input", f"tcp dport {PORT} drop")
    stage.nginx(
        "server { listen 127.0.0.1:8080; location / { proxy_bind 127.0.0.1:40002;"
        f" proxy_connect_timeout 1500ms; proxy_pass http://127.0.0.1:{PORT}; }} }}"
    )
    stage.start_capture()
    stage.curl(40001, "-H", "Connection: close", "http://127.0.0.1:8080/")


def udp_only(stage: Stage) -> None:
    """Datagrams to the port's number, and no TCP at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOCAL, PORT))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((LOCAL, 40001))
            for number in range(3):
                client.sendto(b"ping %d" % number, (LOCAL, PORT))
                data, peer = server.recvfrom(100)
                server.sendto(data, peer)
                client.recv(100)
    del stage


def syn_scan(stage: Stage) -> None:
    """A SYN from a raw socket: the client's kernel knows nothing of it and resets."""
    stage.listen(PORT)
    raw = stage.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
    raw.sendto(bare_syn(40001, PORT), (LOCAL, 0))
    time.sleep(0.1)


def challenge_ack(stage: Stage) -> None:
    """The server still holds a connection the client has forgotten; its RST is discarded."""
    _forgotten_connection(stage)
    stage.nft("output", f"tcp dport {PORT} tcp flags & rst == rst drop")
    stage.start_capture()
    stage.connect(40001, PORT, timeout=1.5)


def challenge_ack_recovered(stage: Stage) -> None:
    """The same, but the client's RST arrives, so that the repeated SYN succeeds."""
    _forgotten_connection(stage)
    stage.nft("output")
    stage.start_capture()
    sock = stage.connect(40001, PORT)
    if sock is None:
        msg = "the repeated SYN did not succeed"
        raise StageError(msg)
    request(sock, f"127.0.0.1:{PORT}")
    sock.close()


def _forgotten_connection(stage: Stage) -> None:
    def handler(conn: socket.socket) -> None:
        if b"GET" in conn.recv(100, socket.MSG_PEEK):
            answer()(conn)
        else:
            stage.keep(conn.dup())

    stage.serve(stage.listen(PORT), handler)
    old = stage.connect(40001, PORT)
    if old is None:
        msg = "no first connection"
        raise StageError(msg)
    old.sendall(b"first\n")
    time.sleep(0.1)
    stage.nft("output", f"tcp dport {PORT} drop")
    hard_close(old)


def fast_open_refused(stage: Stage) -> None:
    """A Fast Open SYN with data to a port whose server has gone."""
    stage.sysctl("net/ipv4/tcp_fastopen", "3")
    listener = stage.listen(PORT, fast_open=True)
    stage.serve(listener, answer())
    fast_open_request(stage, 40001)
    time.sleep(BETWEEN_S)
    stage.stop(listener)
    fast_open_request(stage, 40002)
