"""Whether a server may still be starting when the command has failed: then a moment's wait tells.

Input: the processes of this session before the command began, and ports. Output: whether anybody may come to
listen, and whether somebody does. Reads /proc alone, so it knows nothing on other systems; it looks at this
process's own network namespace. A process may be a server that starts when the command left it running, or when it
is young and has worked, or names the port among its words, and listens nowhere yet. Source: proc(5).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from synscope.probes.host import procfs

LEFT_S: Final = 3.0
"""Seconds to wait for what the command itself left running, and for what names the port."""
YOUNG_S: Final = 2.0
"""Seconds to wait for another process that began not long ago."""

_YOUNG_S: Final = 10.0
_WORKED_S: Final = 0.1
"""Seconds of a processor that a program needs at least to start; what only waits uses less."""
_NAMING_S: Final = 30.0
"""Age up to which a process that names the port and does not listen may be one that will."""
_NET: Final = "self/net"
_LEAST_FIELDS: Final = 20
_PATIENCE_S: Final = 0.5
"""Seconds that a look at all processes may take."""


class _Seen(NamedTuple):
    """A process, with times in seconds."""

    pid: int
    parent: int
    session: int
    state: str
    worked_s: float
    age_s: float


class Starting:
    """Make one before the command starts; ask once it has ended."""

    def __init__(self) -> None:
        self._session = os.getsid(0) if hasattr(os, "getsid") else 0
        self._before = frozenset(seen.pid for seen in _processes() if seen.session == self._session)

    def wait_s(self, ports: Collection[int]) -> float:
        """Return how long it is worth to wait for a listener; 0 where one is there, or nobody can come."""
        if not ports or is_served(ports):
            return 0.0
        every = {seen.pid: seen for seen in _processes()}
        own = _line_of(os.getpid(), every)
        others = [seen for seen in every.values() if seen.pid not in own and seen.state not in "ZX"]
        if any(seen.session == self._session and seen.pid not in self._before for seen in others):
            return LEFT_S
        listening = frozenset(inode for _, _, inode in procfs.listening(_NET))
        here = procfs.network("self")
        if any(
            seen.age_s < _NAMING_S
            and _names_any(seen.pid, ports)
            and procfs.network(seen.pid) == here
            and not _holds_any(seen.pid, listening)
            for seen in others
        ):
            return LEFT_S
        for seen in others:
            working = seen.age_s < _YOUNG_S and seen.worked_s >= _WORKED_S and seen.pid not in self._before
            if working and procfs.network(seen.pid) == here and not _holds_any(seen.pid, listening):
                return YOUNG_S
        return 0.0


def is_served(ports: Collection[int]) -> bool:
    """Whether somebody listens on one of the ports, at any address."""
    return any(port in ports for _, port, _ in procfs.listening(_NET))


def _processes() -> Iterator[_Seen]:
    tick = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0
    if not tick or not procfs.PROC.is_dir():
        return
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    for pid in procfs.processes(time.monotonic() + _PATIENCE_S):
        # The name, in brackets, may hold anything.
        fields = (procfs.text(f"{pid}/stat") or "").rpartition(") ")[2].split()
        if len(fields) >= _LEAST_FIELDS:
            worked = (int(fields[11]) + int(fields[12])) / tick
            age = now - int(fields[19]) / tick
            yield _Seen(pid, int(fields[1]), int(fields[3]), fields[0], worked, age)


def _line_of(pid: int, every: dict[int, _Seen]) -> frozenset[int]:
    """Return a process, its ancestors and its descendants."""
    line = set()
    up = pid
    while up in every and up not in line:
        line.add(up)
        up = every[up].parent
    below, found = {pid}, {pid}
    while found:
        found = {seen.pid for seen in every.values() if seen.parent in found} - below
        below |= found
    return frozenset(line | below)


def _names_any(pid: int, ports: Collection[int]) -> bool:
    """Whether one of the ports stands among the words with which a process was started."""
    words = " ".join(procfs.command_line(pid))
    return any(re.search(rf"(?<![0-9]){port}(?![0-9])", words) for port in ports)


def _holds_any(pid: int, inodes: Collection[int]) -> bool:
    from synscope.probes.host import owners  # noqa: PLC0415 - imports on Unix alone

    try:
        return not owners.sockets_of(pid).isdisjoint(inodes)
    except OSError:
        return False
