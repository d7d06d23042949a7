"""The second leg on the real kernel: what a gateway or forwarder connects to while its client waits."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.evidence.agreement import settled
from synscope.model import Answer, Observation, Target, TargetSummary
from synscope.process import elevate
from synscope.session.surroundings import Surroundings
from tests.evidence import builders
from tests.evidence.kernel.stage import free_port
from tests.kernel import namespace

if sys.platform != "linux":
    pytest.skip("the kernel's trace is Linux's", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("trace")

GATEWAY = """
import socket, sys, threading, time
how, far = sys.argv[2], (sys.argv[3], int(sys.argv[4]))
def connect():
    made = socket.create_connection(far, timeout=5)
    made.sendall(b'ask')
    made.recv(9)
def serve(client):
    try:
        if how == 'pool':
            time.sleep(5)
        client.recv(9)
        connect()
    except OSError:
        client.sendall(b'HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n')
    client.close()
def pool():
    while True:
        try:
            connect()
        except OSError:
            time.sleep(0.05)
server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
if how == 'pool':
    threading.Thread(target=pool, daemon=True).start()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look in between comes early."""
    monkeypatch.setattr("synscope.session.surroundings.DURING_S", 0.25)


@contextlib.contextmanager
def started(command: list[str], port: int) -> Iterator[int]:
    """A server of the calling thread's namespace, once it listens."""
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 5
        while f":{port:04X} " not in Path("/proc/thread-self/net/tcp").read_text():
            assert time.monotonic() < until, "the server did not come"
            time.sleep(0.01)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def gateway(port: int, far: tuple[str, int], how: str = "plain") -> list[str]:
    return [sys.executable, "-c", GATEWAY, str(port), how, far[0], str(far[1])]


def asked(port: int, wait_s: float) -> dict[str, Observation]:
    """Ask the port once, and wait for an answer so long; what is known besides packets."""
    target = Target(str(port), port)
    with elevate.start_helper() as helper, Surroundings(helper, [target], {}) as around:
        around.begin()
        around.settle()
        around.restart()
        client = socket.create_connection(("127.0.0.1", port), timeout=wait_s)
        began = time.time_ns()
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer: list[int] = []
        thread = threading.Thread(target=lambda: _answer(client, answer))
        thread.start()
        while thread.is_alive():
            around.step()
            time.sleep(0.01)
        over = time.time_ns()
        client.close()
        around.end()
        around.finish()
        offset = began - builders.START
        end = {"server_data": answer[0]} if answer else {"client_fin": over, "end": over}
        attempt = builders.attempt(builders.Outcome.STILL_OPEN, at=offset - 100_000, port=port)
        times = attempt.times._replace(first=began - 100_000, client_data=began, **end)
        groups = builders.grouped([attempt._replace(times=times)])
        summary = TargetSummary(target, attempt.label, {}, groups)
        return settled(around.observe(summary))


def _answer(client: socket.socket, answer: list[int]) -> None:
    with contextlib.suppress(TimeoutError):
        if client.recv(99):
            answer.append(time.time_ns())


def test_an_upstream_that_is_refused() -> None:
    port = free_port()
    with namespace(), started(gateway(port, ("127.0.0.1", 9)), port):
        found = asked(port, 1)
    said = found["kernel-saw-own-connect-fail"]
    assert said.answer is Answer.YES, said.text
    assert ") connected to 127.0.0.1:9: refused, says the kernel; it answered" in said.text
    assert said.about[:2] == ("127.0.0.1:9", "SYN-RST")


def test_an_upstream_that_is_silent_and_one_whose_syn_is_dropped() -> None:
    port = free_port()
    with namespace(), socket.create_server(("127.0.0.1", 0)) as silent:
        far = silent.getsockname()
        with started(gateway(port, far), port) as pid:
            found = asked(port, 0.9)
        said = found["server-waits-for-upstream"]
        assert said.answer is Answer.YES, said.text
        assert f"({pid}) asked 127.0.0.1:{far[1]} and heard nothing for" in said.text
        rules = (
            f"table inet t {{ chain c {{ type filter hook input priority 0; tcp dport {far[1]} drop; }}; }}"
        )
        subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)
        with started(gateway(port, far), port) as pid:
            found = asked(port, 0.4)
    said = found["server-waits-for-upstream"]
    assert said.answer is Answer.YES, said.text
    assert f"({pid}) connected to 127.0.0.1:{far[1]}: no answer for" in said.text
    assert said.about[1] == "SYN-no-reply"


def test_a_pool_that_connects_on_its_own_account_says_nothing() -> None:
    port = free_port()
    with namespace(), started(gateway(port, ("127.0.0.1", 9), "pool"), port):
        found = asked(port, 0.4)
    assert found["kernel-saw-own-connect-fail"].answer is not Answer.YES
    assert found["server-waits-for-upstream"].answer is not Answer.YES


def test_a_forwarder_into_a_namespace_in_which_nobody_listens() -> None:
    """Known by what it does: its child, under whatever name, connects in the other namespace."""
    port = free_port()
    child = (
        "import ctypes, os, socket, sys, time\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "while True:\n"
        "    client = server.accept()[0]\n"
        "    if os.fork() == 0:\n"
        "        ctypes.CDLL(None).setns(os.open('/run/netns/' + sys.argv[2], os.O_RDONLY), 0)\n"
        "        client.recv(9)\n"
        "        if socket.socket().connect_ex(('127.0.0.1', 9)):\n"
        "            client.sendall(b'HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n')\n"
        "        client.close()\n"
        "        time.sleep(0.3); os._exit(0)\n"
    )
    with (
        namespace(inside=False) as inner,
        namespace(),
        started([sys.executable, "-c", child, str(port), inner], port),
    ):
        found = asked(port, 1)
    said = found["container-publishes-port"]
    assert said.answer is Answer.YES, said.text
    assert "connects on to 127.0.0.1:9 in another network namespace" in said.text
    assert found["kernel-saw-own-connect-fail"].answer is Answer.YES
    assert found["kernel-saw-own-connect-fail-here"].answer is Answer.NO
