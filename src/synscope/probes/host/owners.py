"""Which processes hold which sockets, on Linux.

Input: inode numbers of sockets, and a time limit. Output: an ``Owners``. The descriptors of another user's
process can be listed only with a privilege: then the owner is not visible, which is not the same as none.
"""

from __future__ import annotations

import os
import pwd
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field

from synscope.probes.host import procfs
from synscope.probes.host.identity import identity
from synscope.probes.host.snapshot import Owner

_SOCKET = re.compile(r"socket:\[(\d{1,20})\]")
_MOST = 8
"""Owners that are named; a pre-forking server has hundreds."""


@dataclass(frozen=True, slots=True)
class Owners:
    """Who holds the sockets, and why some owners are not known."""

    by_inode: dict[int, tuple[Owner, ...]] = field(default_factory=dict)
    denied: bool = False
    """Some processes could not be looked into."""
    late: bool = False
    """The time ran out."""

    def untold(self, inode: int, user: str) -> str | None:
        """Say why the owner of a socket is not known; ``None`` when it is."""
        if inode in self.by_inode:
            return None
        if self.late:
            return "owner not visible: not every process could be looked at in time"
        if self.denied:
            barred = (
                "some processes are closed even to root" if _is_root() else "other users' processes need root"
            )
            return f"owner not visible: the socket is of {user}, and {barred}"
        return (
            "owner not visible: no process here holds it (a process of another PID namespace, or the kernel)"
        )


def find(inodes: frozenset[int], until: float) -> Owners:
    """Look through all processes for those that hold one of ``inodes``."""
    holders: defaultdict[int, list[Owner]] = defaultdict(list)
    denied = False
    for pid in procfs.processes(until) if inodes else ():
        try:
            held = sockets_of(pid) & inodes
        except PermissionError:
            denied = True
            continue
        except OSError:  # it ended
            continue
        wanted = [inode for inode in held if len(holders[inode]) < _MOST]
        holder = owner(pid) if wanted else None
        for inode in wanted:
            if holder is not None:
                holders[inode].append(holder)
    by_inode = {inode: tuple(found) for inode, found in holders.items() if found}
    return Owners(by_inode, denied, time.monotonic() > until)


def owner(pid: int) -> Owner:
    """Return a process as an owner."""
    who = identity(pid)
    if who is None:
        return Owner(pid, "", None)
    user = None if who.uid is None else user_name(who.uid)
    return Owner(who.pid, who.name, user, who.uid, who.container, who.unit)


def user_name(uid: int) -> str:
    """Return the name of the user with a number, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid {uid}"


def _is_root() -> bool:
    return os.geteuid() == 0


def sockets_of(pid: int) -> set[int]:
    """Return the inodes of a process's sockets. Raises ``OSError``."""
    found = set()
    with os.scandir(procfs.PROC / str(pid) / "fd") as entries:
        for entry in entries:
            try:
                target = os.readlink(entry.path)  # noqa: PTH115 - there are thousands, and a Path costs more than this
            except FileNotFoundError:  # closed meanwhile
                continue
            match = _SOCKET.fullmatch(target)
            if match:
                found.add(int(match.group(1)))
    return found
