"""The counters of the kernel's tables below /proc."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from synscope.probes.host import procfs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


def test_this_namespace() -> None:
    found = procfs.counters("netstat").get("TcpExtListenOverflows")
    assert found is None or found >= 0
    assert procfs.counters("snmp")["TcpMaxConn"] == -1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TcpExt: A ListenOverflows B\nTcpExt: 1 22 3\nIpExt: X\nIpExt: 4\n", 22),
        ("TcpExt: A B\nTcpExt: 1 2\n", None),
        ("TcpExt: ListenOverflows\n", None),
        ("TcpExt: ListenOverflows\nTcpExt: x\n", None),
        ("TcpExt: ListenOverflows\nIpExt: 1\n", None),
        ("", None),
    ],
)
def test_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: int | None) -> None:
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    (tmp_path / procfs.NET).mkdir(parents=True)
    assert procfs.counters("netstat") == {}
    (tmp_path / procfs.NET / "netstat").write_text(text)
    assert procfs.counters("netstat").get("TcpExtListenOverflows") == value
