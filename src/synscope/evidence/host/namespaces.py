"""Listeners on the watched ports in other network namespaces of a Linux machine.

Input: ports and a time limit. Output: a ``records.Namespaces``. Each namespace is looked at once, through one of
its processes, or through its name below /run/netns. Sources: network_namespaces(7), proc(5), ip-netns(8).
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from synscope.capture import interfaces
from synscope.evidence.host import procfs
from synscope.evidence.host.bounded import Task
from synscope.evidence.host.records import ElsewhereListener, Namespaces, Untold
from synscope.evidence.units import count

_NAMED: Final = (Path("/run/netns"), Path("/run/docker/netns"))
_LISTEN: Final = "0A"
_TABLES: Final = ("tcp", "tcp6")
_MOST: Final = 50
_SHOWN: Final = 3
_IPV4_DIGITS: Final = 8

_Row = tuple[str, int, int]
"""Address, port, inode."""


def look(ports: Sequence[int], until: float) -> Namespaces | Untold:
    """Look at the listeners of every namespace but the calling thread's own."""
    try:
        own = (procfs.PROC / "thread-self/ns/net").stat().st_ino
    except OSError as error:
        return Untold(f"this thread's own network namespace is not known: {error.strerror}")
    members, denied = _members(own, until)
    found: list[ElsewhereListener] = []
    closed: list[str] = []
    seen = {own, *members}
    for pids in members.values():
        found += _of_processes(pids, frozenset(ports))
    for path in _named():
        with contextlib.suppress(OSError):
            inode = path.stat().st_ino
            if inode not in seen:
                seen.add(inode)
                inside = _of_name(path, frozenset(ports), until)
                closed += [path.name] if isinstance(inside, Untold) else []
                found += [] if isinstance(inside, Untold) else inside
    unseen = ""
    if time.monotonic() > until:
        unseen = "not every process could be looked at in time"
    elif closed:
        unseen = f"{', '.join(closed[:_SHOWN])} cannot be entered"
    elif denied:
        root = "" if os.geteuid() == 0 else "without root"
        unseen = f"those of {count(denied, 'process')} cannot be looked at {root}".rstrip()
    return Namespaces(tuple(found[:_MOST]), len(seen) - 1, unseen)


def _members(own: int, until: float) -> tuple[dict[int, list[int]], int]:
    """Return the processes of each other namespace, and how many could not be looked at."""
    members: dict[int, list[int]] = {}
    denied = 0
    for pid in procfs.processes(until):
        try:
            inode = (procfs.PROC / str(pid) / "ns/net").stat().st_ino
        except PermissionError:
            denied += 1
        except OSError:  # it ended
            continue
        else:
            if inode != own:
                members.setdefault(inode, []).append(pid)
    return members, denied


def _named() -> Iterator[Path]:
    for folder in _NAMED:
        with contextlib.suppress(OSError):
            yield from sorted(folder.iterdir())


def _of_processes(pids: list[int], ports: frozenset[int]) -> Iterator[ElsewhereListener]:
    for address, port, inode in _listening(f"{pids[0]}/net", ports):
        pid = next((one for one in pids if _holds(one, inode)), None)
        shown = pid or pids[0]
        program = procfs.program(shown)
        yield ElsewhereListener(
            f"that of process {shown} ({program})", address, port, pid, program if pid else ""
        )


def _of_name(path: Path, ports: frozenset[int], until: float) -> list[ElsewhereListener] | Untold:
    """Look into a namespace that no process is in, from a thread that enters it."""

    def inside() -> list[_Row]:
        with interfaces.entered(path):
            return list(_listening(procfs.NET, ports))

    rows = Task(f"the network namespace {path.name}", inside).result(until)
    if isinstance(rows, Untold):
        return rows
    return [ElsewhereListener(path.name, address, port) for address, port, _ in rows]


def _listening(folder: str, ports: frozenset[int]) -> Iterator[_Row]:
    for table in _TABLES:
        for line in (procfs.text(f"{folder}/{table}") or "").splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].rpartition(":")
            if fields[3] == _LISTEN and int(port, 16) in ports:
                yield address_of(address), int(port, 16), int(fields[9])


def address_of(digits: str) -> str:
    """Return the address that /proc/net/tcp writes as words in the machine's own byte order."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    data = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return str(ipaddress.IPv4Address(data) if len(digits) == _IPV4_DIGITS else ipaddress.IPv6Address(data))


def _holds(pid: int, inode: int) -> bool:
    wanted = f"socket:[{inode}]"
    with contextlib.suppress(OSError), os.scandir(procfs.PROC / str(pid) / "fd") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if str(Path(entry.path).readlink()) == wanted:
                    return True
    return False
