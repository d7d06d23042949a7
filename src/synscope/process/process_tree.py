"""A process and all that it started, held so that no signal can hit a stranger.

Input: a process id. Output: handles (pidfd) of it and its descendants: a number may be given to another process
after its owner ended, a handle never is. Where the system has no pidfd the command alone is held, by its
number, which its parent has not given back yet.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return handles of ``pid`` and of the processes below it; ``send_all`` takes them."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in (path.name for path in Path("/proc").iterdir()):
        if entry.isdigit():
            with contextlib.suppress(OSError, ValueError):
                children[_parent(entry)].append(int(entry))
    tree = [pid]
    for process in tree:
        tree.extend(children[process])
    return handles_of(tree)


def network_mates() -> list[int]:
    """Return the ids of the other processes in this process's network namespace that we may look at."""
    home = Path("/proc/self/ns/net").stat()
    found = []
    for entry in (path.name for path in Path("/proc").iterdir()):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):  # not ours, or it has ended
                if os.path.samestat(Path(f"/proc/{entry}/ns/net").stat(), home):
                    found.append(int(entry))
    return found


def handles_of(pids: Iterable[int]) -> list[int]:
    """Return handles of those of the processes that have not ended."""
    handles = []
    for pid in pids:
        with contextlib.suppress(OSError):
            handles.append(os.pidfd_open(pid))
    return handles


def send_all(handles: Iterable[int], number: int) -> None:
    """Send a signal to each process; one that has ended, or that we may not signal, is left out."""
    for handle in handles:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(handle, number)


def _parent(pid: str) -> int:
    # The name in brackets may hold blanks and brackets itself: the fields follow its last one.
    return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
