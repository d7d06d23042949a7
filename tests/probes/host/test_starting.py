"""Whether a server may still come."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from synscope.probes.host.starting import LEFT_S, Starting, is_served

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_what_the_command_left_running_is_waited_for() -> None:
    starting = Starting()
    left = subprocess.run(
        ["sh", "-c", "sleep 20 >/dev/null 2>&1 & echo $!"], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        assert starting.wait_s((1,)) == LEFT_S
    finally:
        subprocess.run(["kill", left], check=True)


@pytest.mark.parametrize(("port", "waits"), [(47_123, True), (7_123, False), (47_12, False)])
def test_who_names_the_port_is_waited_for(port: int, *, waits: bool) -> None:
    """It was there before the command, has not worked, and is nobody's child here."""
    line = "setsid sh -c 'sleep 20; exec serve --port=47123' >/dev/null 2>&1 & echo $!"
    waiting = int(subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True).stdout)
    try:
        assert Starting().wait_s((port,)) == (LEFT_S if waits else 0.0)
    finally:
        os.killpg(waiting, signal.SIGKILL)


def test_nobody_is_waited_for_where_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_served((port,))
        assert Starting().wait_s((port,)) == 0.0
    assert not is_served((port,))
    assert Starting().wait_s(()) == 0.0
