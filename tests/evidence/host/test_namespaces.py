"""Namespaces that cannot be looked at, and the addresses of /proc/net/tcp."""

from __future__ import annotations

import ipaddress
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("network namespaces are Linux's", allow_module_level=True)

from synscope.evidence.host import namespaces
from synscope.evidence.host.records import Untold


@pytest.mark.parametrize(
    ("digits", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "::ffff:127.0.0.1"),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the digits are those of a little-endian machine")
def test_addresses(digits: str, address: str) -> None:
    assert ipaddress.ip_address(namespaces.address_of(digits)) == ipaddress.ip_address(address)


def test_a_name_that_cannot_be_entered_is_admitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stale").touch()
    monkeypatch.setattr(namespaces, "_NAMED", (tmp_path,))
    found = namespaces.look((8080,), time.monotonic() + 5)
    assert not isinstance(found, Untold)
    assert found.unseen == "stale cannot be entered"
