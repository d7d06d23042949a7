"""The counter of listen queue overflows."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.probes.kernel.counters import read_overflows


def test_this_namespace() -> None:
    found = read_overflows()
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TcpExt: A ListenOverflows B\nTcpExt: 1 22 3\nIpExt: X\nIpExt: 4\n", 22),
        ("TcpExt: A B\nTcpExt: 1 2\n", None),
        ("TcpExt: ListenOverflows\n", None),
        ("TcpExt: ListenOverflows\nTcpExt: x\n", None),
        ("", None),
    ],
)
def test_texts(tmp_path: Path, text: str, value: int | None) -> None:
    (tmp_path / "netstat").write_text(text)
    assert read_overflows(tmp_path / "netstat") == value
    assert read_overflows(tmp_path / "none") is None
