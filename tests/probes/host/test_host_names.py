"""The hosts file's lines, and a resolver that hangs."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from synscope.probes.host import host_names
from synscope.probes.host.snapshot import HostsLine


def test_lines_about_the_names_are_kept_and_nothing_else_of_them() -> None:
    text = "# comment\n127.0.0.1 localhost secret-host\n10.0.0.5\tLOCALHOST. # x\n::1 other\nnonsense localhost\n"
    assert host_names.hosts_lines(text, ("localhost",)) == (
        HostsLine(2, "127.0.0.1", ("localhost",)),
        HostsLine(3, "10.0.0.5", ("LOCALHOST.",)),
    )


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        release.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    found = host_names.look(("app.test",), began + 0.2)
    release.set()
    assert time.monotonic() - began < 10
    assert [one.late for one in found.resolved] == [True, True]


def test_a_name_that_is_none() -> None:
    found = host_names.look(("a" * 300, "x..y"), time.monotonic() + 5)
    assert found.resolved[1].addresses == ()
    assert found.resolved[1].error
