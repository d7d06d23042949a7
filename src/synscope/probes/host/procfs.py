"""Files of Linux's /proc, read with a bound and without surprises.

Input: a process number or a path below /proc. Output: text, or ``None`` where it cannot be read. Source: proc(5).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LARGEST: Final = 1 << 20
PROC: Final = Path("/proc")
_TCP_TABLES: Final = ("tcp", "tcp6")
_LISTEN: Final = "0A"
NET: Final = "thread-self/net"
"""The calling thread's network namespace: /proc/net is the first thread's."""


def text(name: str) -> str | None:
    """Return the text of a file below /proc, at most 1 MiB, without white space around it."""
    try:
        with (PROC / name).open("rb") as file:
            return file.read(LARGEST).decode(errors="replace").strip()
    except OSError:
        return None


def number(name: str) -> int | None:
    """Return the number that is all a file below /proc says."""
    found = text(name)
    return int(found) if found is not None and found.lstrip("-").isdigit() else None


def counters(table: str, folder: str = NET) -> dict[str, int]:
    """Return the counters of ``netstat`` or ``snmp`` by nstat(8)'s names, of the calling thread's network namespace.

    Two lines of the file belong together: the names, then the numbers.
    """
    lines = [line.split() for line in (text(f"{folder}/{table}") or "").splitlines()]
    found = {}
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        if names and values and names[0] == values[0]:
            for name, value in zip(names[1:], values[1:], strict=False):
                if value.lstrip("-").isdecimal():
                    found[names[0].rstrip(":") + name] = int(value)
    return found


def listening(folder: str) -> Iterator[tuple[str, int, int]]:
    """Yield the TCP listeners that a ``net`` folder shows: the address as it stands there, the port, the inode."""
    for table in _TCP_TABLES:
        for line in (text(f"{folder}/{table}") or "").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN:
                address, _, port = fields[1].rpartition(":")
                yield address, int(port, 16), int(fields[9])


def waiting(folder: str) -> dict[int, int]:
    """Return by inode how many connections wait for accept() at each TCP listener that a ``net`` folder shows."""
    lines = [line for table in _TCP_TABLES for line in (text(f"{folder}/{table}") or "").splitlines()[1:]]
    listeners = (fields for line in lines if (fields := line.split())[3] == _LISTEN)
    return {int(fields[9]): int(fields[4].rpartition(":")[2], 16) for fields in listeners}


def network(thread: str | int) -> int | None:
    """Return what tells the network namespace of a thread (or ``thread-self``) from others; ``None`` once it is gone.

    It is the inode of a file that everybody may look at: ``ns/net`` of another user's process needs root.
    """
    try:
        return (PROC / str(thread) / "net/tcp").stat().st_ino
    except OSError:
        return None


def processes(until: float) -> Iterator[int]:
    """Yield the numbers of all processes, until the time (``time.monotonic``) is up."""
    with contextlib.suppress(OSError), os.scandir(PROC) as entries:
        for entry in entries:
            if entry.name.isdigit():
                if time.monotonic() > until:
                    return
                yield int(entry.name)


def command_line(pid: int) -> tuple[str, ...]:
    """Return the arguments of a process; empty for a kernel thread, or one that cannot be read."""
    found = text(f"{pid}/cmdline")
    return tuple(found.rstrip("\0").split("\0")) if found else ()


def program(pid: int) -> str:
    """Return the name of a process, as the kernel has it; empty when it is gone."""
    return text(f"{pid}/comm") or ""


def status(pid: int) -> dict[str, str]:
    """Return the fields of a process's status file."""
    lines = (text(f"{pid}/status") or "").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
