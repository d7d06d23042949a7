"""The listeners that psutil shows, against those of the kernel's own list."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from synscope.probes.host import through_psutil
from synscope.probes.host.snapshot import Process, Untold

psutil = pytest.importorskip("psutil")


def test_a_listener_is_shown_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = through_psutil.sockets((port,))
        assert not isinstance(found, Untold)
        (shown,) = [one for one in found.listeners if one.port == port]
        assert (shown.address, [owner.pid for owner in shown.owners]) == ("127.0.0.1", [os.getpid()])
        if sys.platform == "linux":
            from synscope.probes.host import sockets

            kernel = sockets.look((port,), time.monotonic() + 5)
            assert not isinstance(kernel, Untold)
            (same,) = [one for one in kernel.listeners if one.port == port]
            assert [owner.pid for owner in same.owners] == [os.getpid()]


def test_where_the_system_list_is_refused_the_own_sockets_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = through_psutil.sockets((port,))
        assert not isinstance(found, Untold)
        assert not found.complete
        assert port in {one.port for one in found.listeners}
    absent = through_psutil.sockets((port,))
    assert isinstance(absent, Untold)
    assert "need root" in absent.could_not_tell


def test_processes() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own, ended = through_psutil.processes([(os.getpid(), "client"), (gone.pid, "server")])
    assert own.state in {"R", "S"}
    assert ended == Process(gone.pid, "", "server")


def test_loopback() -> None:
    found = through_psutil.loopback()
    assert not isinstance(found, Untold)
    assert "127.0.0.1" in found.addresses
    assert found.others is not None
    assert "127.0.0.1" not in found.others
