"""Which system a text is about: a system as captures and snapshots name it, an interface by its name.

Input: text that a stranger may have written. Output: ``linux``, ``macos``, ``windows``, or nothing where it can be
several. Sources: the pcapng specification's options shb_os, if_os and if_name; the names that the systems give.
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["interface_text", "system_named", "system_of_interface"]

_LONGEST = 300
"""Characters of a text that are read."""


@cache
def _systems() -> tuple[tuple[str, re.Pattern[str]], ...]:
    forms = (
        ("windows", r"\bwin(?:dows|32)\b"),
        ("macos", r"\b(?:darwin|mac ?os|os x)\b"),
        ("linux", r"\blinux\b"),
    )
    return tuple((system, re.compile(form, re.IGNORECASE)) for system, form in forms)


@cache
def _interfaces() -> tuple[tuple[str, re.Pattern[str]], ...]:
    forms = (
        ("windows", r"\\Device\\NPF|Adapter for loopback|vEthernet|Local Area Connection"),
        ("macos", r"(?:lo0|awdl\d|llw\d|utun\d+|anpi\d|pktap.*)$"),
        ("linux", r"(?:lo|any|docker\d+|br-[0-9a-f]{12}|veth\w+|wlp\w+|enp\w+|ens\d+)$"),
    )
    return tuple((system, re.compile(form)) for system, form in forms)


def interface_text(name: str) -> str:
    """Return in words where a live capture was made: ``any`` stands for every interface."""
    return "every interface" if name == "any" else name


def system_named(text: str) -> str:
    """Return the system that a text such as ``Linux 6.1.0``, ``darwin`` or ``64-bit Windows 11`` names, if any."""
    found = (system for system, form in _systems() if form.search(text[:_LONGEST]))
    return next(found, "")


def system_of_interface(name: str) -> str:
    """Return the system that alone has an interface of this name, empty where several do."""
    found = (system for system, form in _interfaces() if form.match(name[:_LONGEST]))
    return next(found, "")
