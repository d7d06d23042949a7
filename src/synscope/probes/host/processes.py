"""The state of the processes that matter, on Linux: the server's, the client's, and the listeners' owners.

Input: process numbers with their roles. Output: ``snapshot.Process`` rows; one that is gone has no state.
A command line may hold secrets: it is recorded only where the caller asks. Source: proc(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.snapshot import Process

_FILTERED: Final = "2"
"""Seccomp's mode in which a program filters system calls."""
_LONGEST_COMMAND: Final = 500
_MOST_ANCESTORS: Final = 8
_UNCONFINED: Final = frozenset({"", "unconfined", "kernel"})


def look(wanted: Iterable[tuple[int, str]], *, command_lines: bool) -> tuple[Process, ...]:
    """Return the processes in the order given."""
    return tuple(_process(pid, role, command_lines=command_lines) for pid, role in wanted)


def _process(pid: int, role: str, *, command_lines: bool) -> Process:
    status = procfs.status(pid)
    command = " ".join(procfs.command_line(pid))[:_LONGEST_COMMAND] if command_lines else ""
    return Process(
        pid=pid,
        program=procfs.program(pid),
        role=role,
        ancestors=tuple(_ancestors(pid)),
        state=status.get("State", "")[:1] or ("?" if _exists(pid) else ""),
        waits_in=_waits_in(pid),
        descriptors=_descriptors(pid),
        descriptor_limit=_descriptor_limit(pid),
        confinement=_confinement(pid),
        seccomp=status["Seccomp"] == _FILTERED if "Seccomp" in status else None,
        command=command,
    )


def _ancestors(pid: int) -> Iterator[int]:
    for _ in range(_MOST_ANCESTORS):
        parent = procfs.status(pid).get("PPid", "")
        if not parent.isdigit() or int(parent) == 0:
            return
        pid = int(parent)
        yield pid


def _exists(pid: int) -> bool:
    """Whether there is such a process, although its files may be hidden (proc(5), hidepid)."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _waits_in(pid: int) -> str:
    found = procfs.text(f"{pid}/wchan") or ""
    return "" if found == "0" else found


def _descriptors(pid: int) -> int | None:
    try:
        return sum(1 for _ in (procfs.PROC / str(pid) / "fd").iterdir())
    except OSError:
        return None


def _descriptor_limit(pid: int) -> int | None:
    for line in (procfs.text(f"{pid}/limits") or "").splitlines():
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else None
    return None


def _confinement(pid: int) -> str:
    found = (procfs.text(f"{pid}/attr/current") or "").strip("\0\n ")
    return "" if found in _UNCONFINED else found
