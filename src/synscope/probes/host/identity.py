"""Who a process is, on Linux: its number, its name, its user, its container, its systemd unit.

Input: the number of a thread that may be gone at any moment. Output: an ``Identity``, or ``None`` for one that is
gone. Containers and units are read from the cgroup's path: a container engine puts the container's number of 64
digits into it, systemd the unit's name. Inside a cgroup namespace the path shows neither. Sources: proc(5),
cgroups(7), systemd.unit(5).
"""

from __future__ import annotations

import re
import time
from typing import Final, NamedTuple

from synscope.probes.host import procfs

_CONTAINER = re.compile(r"(?<![0-9a-f])([0-9a-f]{12})[0-9a-f]{52}(?![0-9a-f])")
_NAMED_CONTAINER = re.compile(r"(?:lxc\.payload\.|lxc/|machine-)([^/]{1,128}?)(?:\.scope)?(?:/|$)")
_UNITS: Final = (".service", ".scope")
_NOT_UNITS: Final = frozenset({"init.scope"})
_LONGEST: Final = 255
_MOST_KNOWN: Final = 4096
_MOST_A_SECOND: Final = 200
"""Threads that are looked up in a second: each costs some 50 µs."""


class Identity(NamedTuple):
    """A process. Its name is its own choice."""

    pid: int
    name: str
    uid: int | None
    container: str
    """The container's number, its first twelve digits, or its name; empty for none."""
    unit: str
    """The innermost systemd unit; empty for none."""


def identity(thread: int) -> Identity | None:
    """Return who a thread belongs to, ``None`` when it is gone."""
    status = procfs.status(thread)
    pid = status.get("Tgid", "")
    if not pid.isdigit():
        return None
    uid = status.get("Uid", "").split()[:1]
    container, unit = place(procfs.text(f"{thread}/cgroup") or "")
    number = int(uid[0]) if uid and uid[0].isdigit() else None
    return Identity(int(pid), procfs.program(int(pid)), number, container, unit)


def place(cgroups: str) -> tuple[str, str]:
    """Return container and unit by the lines of /proc/PID/cgroup, empty where there is none."""
    paths = [line.split(":", 2)[2] for line in cgroups.splitlines() if line.count(":") > 1]
    container = unit = ""
    for path in paths:
        found = [*_CONTAINER.finditer(path)] or [*_NAMED_CONTAINER.finditer(path)]
        if found and not container:
            container = found[-1][1]
        inside = path[found[-1].end() :] if found else path
        units = [part for part in inside.split("/") if part.endswith(_UNITS) and part not in _NOT_UNITS]
        if units and units[-1] not in _UNITS and not unit:
            unit = units[-1]
    return container[:_LONGEST], unit[:_LONGEST]


class Identities:
    """Who threads were when they were met: most are gone soon after."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str | None], Identity | None] = {}
        self._second, self._in_second = 0, 0

    def meet(self, thread: int, name: str | None) -> None:
        """Ask who a thread is, at once; ``name`` is what it calls itself, as far as it is known."""
        if (thread, name) in self._known or not self._may_ask():
            return
        if len(self._known) == _MOST_KNOWN:
            self._known.clear()
        self._known[thread, name] = identity(thread)

    def of(self, thread: int, name: str | None) -> Identity | None:
        """Return who a thread was; of one that was gone already, who it was when it was met before by that name."""
        found = self._known.get((thread, name))
        if found is None:
            earlier = self._known.get((thread, None))
            found = earlier if earlier is not None and name in (None, earlier.name) else None
        return found

    def _may_ask(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        return self._in_second <= _MOST_A_SECOND
