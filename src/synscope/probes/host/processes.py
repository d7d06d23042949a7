"""The state of the processes that matter, on Linux: the server's, the client's, and the listeners' owners.

Input: process numbers with their roles. Output: ``snapshot.Process`` rows; one that is gone has no state.
A command line may hold secrets: it is recorded only where the caller asks. Source: proc(5).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from synscope.probes.host import procfs
from synscope.probes.host.snapshot import Process

_FILTERED: Final = "2"
"""Seccomp's mode in which a program filters system calls."""
_LONGEST_COMMAND: Final = 500
_MOST_ANCESTORS: Final = 8
_MANY: Final = 4096
"""A limit that no user comes near is not counted against: that takes a look at every process."""
_PATIENCE_S: Final = 0.2
_CGROUPS: Final = "/sys/fs/cgroup"
_UNCONFINED: Final = frozenset({"", "unconfined", "kernel"})


def look(wanted: Iterable[tuple[int, str]], *, command_lines: bool) -> tuple[Process, ...]:
    """Return the processes in the order given."""
    return tuple(_process(pid, role, command_lines=command_lines) for pid, role in wanted)


def _process(pid: int, role: str, *, command_lines: bool) -> Process:
    status = procfs.status(pid)
    tasks, task_limit = _tasks(pid, status) if role != "client" else (None, None)
    command = " ".join(procfs.command_line(pid))[:_LONGEST_COMMAND] if command_lines else ""
    return Process(
        pid=pid,
        program=procfs.program(pid),
        role=role,
        ancestors=tuple(_ancestors(pid)),
        state=status.get("State", "")[:1] or ("?" if _exists(pid) else ""),
        waits_in=_waits_in(pid),
        descriptors=_descriptors(pid),
        descriptor_limit=_limit(pid, "Max open files"),
        tasks=tasks,
        task_limit=task_limit,
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


def _limit(pid: int, name: str) -> int | None:
    """Return a soft limit of a process, ``None`` where there is none or it cannot be read."""
    for line in (procfs.text(f"{pid}/limits") or "").splitlines():
        if line.startswith(name):
            soft = line.split()[3]
            return int(soft) if soft.isdigit() else None
    return None


def _tasks(pid: int, status: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return how many processes and threads there are and may be: of its cgroup or of its user.

    The user's limit does not hold for root (setrlimit(2), RLIMIT_NPROC).
    """
    found = [_tasks_of_cgroup(pid)]
    uid = status.get("Uid", "").split()[:1]
    limit = _limit(pid, "Max processes")
    if uid and uid != ["0"] and limit is not None and limit < _MANY:
        found.append((_tasks_of_user(uid[0]), limit))
    told = [(used, most) for used, most in found if used is not None and most is not None]
    return min(told, key=lambda pair: pair[1] - pair[0], default=(None, None))


def _tasks_of_user(uid: str) -> int:
    states = (procfs.status(pid) for pid in procfs.processes(time.monotonic() + _PATIENCE_S))
    threads = (status.get("Threads", "1") for status in states if status.get("Uid", "").split()[:1] == [uid])
    return sum(int(number) for number in threads if number.isdigit())


def _tasks_of_cgroup(pid: int) -> tuple[int | None, int | None]:
    """Return the numbers of the pids controller, version 2 (docs.kernel.org/admin-guide/cgroup-v2.html)."""
    for line in (procfs.text(f"{pid}/cgroup") or "").splitlines():
        if line.startswith("0::/") and ".." not in line:
            folder = _CGROUPS + line[len("0::") :].rstrip("/")
            numbers = [_number(f"{folder}/pids.{name}") for name in ("current", "max")]
            return numbers[0], numbers[1]
    return None, None


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdigit() else None


def _confinement(pid: int) -> str:
    found = (procfs.text(f"{pid}/attr/current") or "").strip("\0\n ")
    return "" if found in _UNCONFINED else found
