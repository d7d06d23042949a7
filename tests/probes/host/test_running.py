"""Servers of this machine, whatever they listen on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synscope.probes.host import running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_usual_ports_and_those_of_the_command_line() -> None:
    wanted = frozenset({3306, 3307, 8080})
    assert running.ports_of("mysqld", ("mysqld",), wanted) == (3306,)
    assert running.ports_of("mysqld", ("mysqld", "--port=3307", "--x=a8080"), wanted) == (3306, 3307)
    assert running.ports_of("nobody", ("nobody",), wanted) == ()


def test_a_server_with_a_unix_socket(tmp_path: Path) -> None:
    """A program that has a server's name, and a Unix socket that it was given."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    named = tmp_path / "supervisord"
    shutil.copy(sleep, named)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        made.listen()
        server = subprocess.Popen([named, "30"], pass_fds=[made.fileno()])
        try:
            found = running.look((9001,), time.monotonic() + 5)
        finally:
            server.kill()
            server.wait()
    assert isinstance(found, tuple)
    mine = next(each for each in found if each.pid == server.pid)
    assert mine == running.RunningServer(9001, "supervisord", server.pid, files=(str(tmp_path / "s"),))
    assert os.getpid() not in {each.pid for each in found}
