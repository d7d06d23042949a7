"""Systems are recognised by what captures and snapshots write of them."""

from __future__ import annotations

import pytest

from synscope.reference.systems import system_named, system_of_interface


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("Linux 6.1.0-18-amd64", "linux"),
        ("64-bit Windows 11 (23H2), build 22631", "windows"),
        ("macOS 14.5, build 23F79 (Darwin 23.5.0)", "macos"),
        ("Mac OS X 10.15", "macos"),
        ("Darwin 23.5.0", "macos"),
        ("darwin", "macos"),
        ("win32", "windows"),
        ("linux", "linux"),
        ("FreeBSD 14.0", ""),
        ("", ""),
    ],
)
def test_a_description_names_the_system(text: str, system: str) -> None:
    assert system_named(text) == system


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("lo0", "macos"),
        ("utun3", "macos"),
        ("lo", "linux"),
        ("docker0", "linux"),
        ("br-0123456789ab", "linux"),
        ("\\Device\\NPF_Loopback", "windows"),
        ("en0", ""),
        ("eth0", ""),
        ("", ""),
    ],
)
def test_an_interface_names_the_system(name: str, system: str) -> None:
    assert system_of_interface(name) == system
