"""The self-test connects where it can, says why where it cannot, and takes bounded time."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from synscope.capture.live import self_test
from synscope.capture.live.self_test import (
    SelfTestConnection,
    SelfTestResult,
    SelfTestState,
    run_self_test,
)
from synscope.model import Endpoint
from tests.kernel import SRC, need

pytestmark = pytest.mark.usefixtures("kernel")

SELF_TEST = (
    "import json, sys, time; sys.path.append(sys.argv[1])\nfrom synscope.capture.live import self_test\n"
    "began = time.monotonic()\nconnections = self_test.run_self_test()\n"
    "print(json.dumps([time.monotonic() - began, *map(self_test.to_json, connections)]))"
)


def self_tested_after(setup: str) -> tuple[float, SelfTestConnection, SelfTestConnection]:
    """Run the self-test in a new network namespace after the shell commands ``setup``."""
    need(
        None
        if os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
        else "root, unshare and ip"
    )
    script = f'{setup}\nexec "$@"'
    command = ["unshare", "--net", "sh", "-ec", script, "sh", sys.executable, "-c", SELF_TEST, str(SRC)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    seconds, four, six = json.loads(done.stdout)
    return seconds, self_test.from_json(four), self_test.from_json(six)


LEAVES = """
import os, sys, threading
sys.path.append(sys.argv[1])
from synscope.capture.live import self_test
def held():
    return threading.active_count(), len(os.listdir("/proc/self/fd"))
before = held()
self_test.run_self_test()
assert held() == before, (before, held())
"""


def test_leaves_no_thread_and_no_descriptor() -> None:
    subprocess.run([sys.executable, "-c", LEAVES, str(SRC)], check=True, timeout=30)


def test_connects_on_an_address_of_its_own() -> None:
    four, _ = run_self_test()
    assert four.state is SelfTestState.SENT
    assert four.client is not None
    assert four.server is not None
    assert four.server.address == self_test._own_address(os.getpid())
    assert four.client != four.server
    assert four.server in self_test.listeners([four])


@pytest.mark.parametrize("pid", [0, 1, 255, 256, 65535, 4194304, 2**31])
def test_its_address_is_never_a_usual_one(pid: int) -> None:
    first, second, *_ = (int(part) for part in self_test._own_address(pid).split("."))
    assert first == 127
    assert 64 <= second <= 127


def test_never_on_a_watched_port(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = iter(range(50_000, 50_040))
    bind: Callable[[socket.socket, object], None] = socket.socket.bind
    used = []

    class Offering(socket.socket):
        def bind(self, address: object) -> None:
            assert isinstance(address, tuple)
            used.append(next(offered))
            bind(self, (address[0], used[-1]))

    monkeypatch.setattr(socket, "socket", Offering)
    four, _ = run_self_test(range(50_000, 50_005))
    assert used[:6] == list(range(50_000, 50_006))
    for end in (four.server, four.client):
        assert end is not None
        assert end.port >= 50_005
    monkeypatch.setattr(self_test, "_TRIES", 2)
    blocked, _ = run_self_test(range(1, 65_536))
    assert (blocked.state, blocked.errno) == (SelfTestState.UNSENT, errno.EADDRINUSE)


def test_in_a_namespace() -> None:
    _, four, six = self_tested_after("ip link set lo up")
    assert (four.state, six.state) == (SelfTestState.SENT, SelfTestState.SENT)


def test_loopback_down() -> None:
    seconds, four, six = self_tested_after(":")
    assert (four.state, four.errno) in {
        (SelfTestState.UNSENT, errno.EADDRNOTAVAIL),
        (SelfTestState.UNSENT, errno.ENETUNREACH),
    }
    assert six.state is not SelfTestState.SENT
    assert four.text
    assert seconds < 5


def test_without_ipv6() -> None:
    _, four, six = self_tested_after("ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
    assert (four.state, six.state) == (SelfTestState.SENT, SelfTestState.ABSENT)


def test_outgoing_packets_dropped() -> None:
    need(None if shutil.which("nft") else "nft")
    rules = "add table inet t; add chain inet t o { type filter hook output priority 0; policy drop; }"
    seconds, four, six = self_tested_after(f"ip link set lo up; nft '{rules}'")
    assert seconds < 2 * self_test.CONNECT_S + 5
    for connection in (four, six):
        assert connection.state is SelfTestState.UNSENT
        assert connection.errno in {errno.ETIMEDOUT, errno.EPERM}
        assert connection.server is not None


def test_what_it_proves() -> None:
    a, b = Endpoint("127.64.0.1", 1), Endpoint("127.64.0.1", 2)
    sent = SelfTestConnection(4, SelfTestState.SENT, a, b)
    assert sent.result({(a, b)}) is SelfTestResult.SEEN
    assert sent.result({(b, a)}) is SelfTestResult.NOT_SEEN
    timed_out = SelfTestConnection(4, SelfTestState.UNSENT, a, b, errno.ETIMEDOUT, "x")
    assert timed_out.result({(a, b)}) is SelfTestResult.SEEN
    assert timed_out.result(set()) is SelfTestResult.UNSENT
    assert SelfTestConnection(6, SelfTestState.ABSENT).result({(a, b)}) is SelfTestResult.ABSENT


def test_refused_at_once_is_not_waited_for() -> None:
    with socket.socket() as never_listening, socket.socket() as client:
        never_listening.bind(("127.0.0.1", 0))
        assert self_test._connect(client, self_test._endpoint(never_listening)) == errno.ECONNREFUSED
