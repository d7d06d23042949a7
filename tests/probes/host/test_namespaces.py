"""Namespaces that cannot be looked at, and the addresses of /proc/net/tcp."""

from __future__ import annotations

import ipaddress
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("network namespaces are Linux's", allow_module_level=True)

from synscope.probes.host import namespaces
from synscope.probes.host.snapshot import Untold


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


_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- {own}
        /32 host LOCAL
     |-- 172.30.0.255
        /32 link BROADCAST
"""
_ROUTE = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0100FEA9\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
)


def _wires(monkeypatch: pytest.MonkeyPatch, own: str, routes: str) -> namespaces._Wires:
    files = {"x/fib_trie": _TRIE.format(own=own), "x/route": _ROUTE + routes}
    monkeypatch.setattr(namespaces.procfs, "text", files.get)
    return namespaces._wires("x")


@pytest.mark.parametrize(
    ("own", "routes", "linked"),
    [
        ("172.30.0.2", "eth0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", True),
        # A container with a route to its own address alone: the host has one to that.
        ("172.30.0.9", "", True),
        ("10.0.0.2", "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", False),
        # What is behind a router is not next door.
        ("10.0.0.2", "eth0\t00001EAC\t0100FEA9\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", False),
        ("127.0.0.1", "", False),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the digits are those of a little-endian machine")
def test_namespaces_that_share_a_network(
    own: str,
    routes: str,
    linked: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = "docker0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    here = _wires(monkeypatch, "172.30.0.1", ours)
    there = _wires(monkeypatch, own, routes)
    assert here.meets(there) is linked
    assert there.meets(here) is linked


def test_a_namespace_that_cannot_be_read_is_linked_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces.procfs, "text", lambda _: None)
    assert not namespaces._wires("x").meets(namespaces._wires("x"))
