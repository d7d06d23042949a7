"""The canary sings where it can, says why where it cannot, and takes bounded time."""

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

from synscope.capture.live import self_test as canary
from synscope.capture.live.self_test import Sight, Song, State
from synscope.model import Endpoint
from tests.kernel import SRC, need

SING = (
    "import json, sys, time; sys.path.append(sys.argv[1])\nfrom synscope.capture.live import self_test as canary\n"
    "began = time.monotonic()\nsongs = canary.sing()\n"
    "print(json.dumps([time.monotonic() - began, *map(canary.to_json, songs)]))"
)


def sung_after(setup: str) -> tuple[float, Song, Song]:
    """Sing in a new network namespace after the shell commands ``setup``."""
    need(
        None
        if os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
        else "root, unshare and ip"
    )
    script = f'{setup}\nexec "$@"'
    command = ["unshare", "--net", "sh", "-ec", script, "sh", sys.executable, "-c", SING, str(SRC)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    seconds, four, six = json.loads(done.stdout)
    return seconds, canary.from_json(four), canary.from_json(six)


LEAVES = """
import os, sys, threading
sys.path.append(sys.argv[1])
from synscope.capture.live import self_test as canary
def held():
    return threading.active_count(), len(os.listdir("/proc/self/fd"))
before = held()
canary.sing()
assert held() == before, (before, held())
"""


@pytest.mark.usefixtures("kernel")
def test_leaves_no_thread_and_no_descriptor() -> None:
    subprocess.run([sys.executable, "-c", LEAVES, str(SRC)], check=True, timeout=30)


@pytest.mark.usefixtures("kernel")
def test_sings_on_an_address_of_its_own() -> None:
    four, _ = canary.sing()
    assert four.state is State.SENT
    assert four.client is not None
    assert four.server is not None
    assert four.server.address == canary._own_address(os.getpid())
    assert four.client != four.server
    assert four.server in canary.endpoints([four])


@pytest.mark.parametrize("pid", [0, 1, 255, 256, 65535, 4194304, 2**31])
def test_its_address_is_never_a_usual_one(pid: int) -> None:
    first, second, *_ = (int(part) for part in canary._own_address(pid).split("."))
    assert first == 127
    assert 64 <= second <= 127


@pytest.mark.usefixtures("kernel")
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
    four, _ = canary.sing(range(50_000, 50_005))
    assert used[:6] == list(range(50_000, 50_006))
    for end in (four.server, four.client):
        assert end is not None
        assert end.port >= 50_005
    monkeypatch.setattr(canary, "_TRIES", 2)
    blocked, _ = canary.sing(range(1, 65_536))
    assert (blocked.state, blocked.errno) == (State.UNSENT, errno.EADDRINUSE)


@pytest.mark.usefixtures("kernel")
def test_in_a_namespace() -> None:
    _, four, six = sung_after("ip link set lo up")
    assert (four.state, six.state) == (State.SENT, State.SENT)


@pytest.mark.usefixtures("kernel")
def test_loopback_down() -> None:
    seconds, four, six = sung_after(":")
    assert (four.state, four.errno) in {
        (State.UNSENT, errno.EADDRNOTAVAIL),
        (State.UNSENT, errno.ENETUNREACH),
    }
    assert six.state is not State.SENT
    assert four.text
    assert seconds < 5


@pytest.mark.usefixtures("kernel")
def test_without_ipv6() -> None:
    _, four, six = sung_after("ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
    assert (four.state, six.state) == (State.SENT, State.ABSENT)


@pytest.mark.usefixtures("kernel")
def test_outgoing_packets_dropped() -> None:
    need(None if shutil.which("nft") else "nft")
    rules = "add table inet t; add chain inet t o { type filter hook output priority 0; policy drop; }"
    seconds, four, six = sung_after(f"ip link set lo up; nft '{rules}'")
    assert seconds < 2 * canary.CONNECT_S + 5
    for song in (four, six):
        assert song.state is State.UNSENT
        assert song.errno in {errno.ETIMEDOUT, errno.EPERM}
        assert song.server is not None


def test_what_it_proves() -> None:
    a, b = Endpoint("127.64.0.1", 1), Endpoint("127.64.0.1", 2)
    sent = Song(4, State.SENT, a, b)
    assert sent.sight({(a, b)}) is Sight.SEEN
    assert sent.sight({(b, a)}) is Sight.NOT_SEEN
    timed_out = Song(4, State.UNSENT, a, b, errno.ETIMEDOUT, "x")
    assert timed_out.sight({(a, b)}) is Sight.SEEN
    assert timed_out.sight(set()) is Sight.UNSENT
    assert Song(6, State.ABSENT).sight({(a, b)}) is Sight.ABSENT


def test_refused_at_once_is_not_waited_for() -> None:
    with socket.socket() as never_listening, socket.socket() as client:
        never_listening.bind(("127.0.0.1", 0))
        assert canary._connect(client, canary._endpoint(never_listening)) == errno.ECONNREFUSED
