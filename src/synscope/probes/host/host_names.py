"""How the names of loopback, and those the user asked about, resolve on this machine.

Input: names and a time limit. Output: a ``snapshot.Names``. The resolver may hang on a name server; it works in
a thread of its own that is left behind. Sources: getaddrinfo(3), hosts(5), nsswitch.conf(5).
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from synscope.probes.host.deadline import Task
from synscope.probes.host.snapshot import HostsLine, Names, Resolved, Untold

LOCALHOST: Final = "localhost"
_WINDOWS_HOSTS: Final = r"System32\drivers\etc\hosts"
_MOST_ADDRESSES: Final = 16
_MOST_LINES: Final = 50
_LARGEST_FILE: Final = 4 << 20


def look(names: Sequence[str], until: float) -> Names:
    """Resolve ``localhost`` and ``names``, and read the lines of the hosts file about them."""
    wanted = tuple(dict.fromkeys((LOCALHOST, *names)))
    tasks = [(name, Task(f"the name {name}", functools.partial(_resolve, name))) for name in wanted]
    hosts = _hosts_file()
    resolved = []
    for name, task in tasks:
        found = task.result(until)
        resolved.append(Resolved(name, (), late=True) if isinstance(found, Untold) else found)
    order = ""
    try:
        lines = Path("/etc/nsswitch.conf").read_text(errors="replace").splitlines()
        order = next((line.partition(":")[2].strip() for line in lines if line.startswith("hosts:")), "")
    except OSError:
        pass
    return Names(tuple(resolved), hosts if isinstance(hosts, Untold) else hosts_lines(hosts, wanted), order)


def _resolve(name: str) -> Resolved:
    try:
        rows = socket.getaddrinfo(name, 1, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return Resolved(name, (), getattr(error, "strerror", None) or str(error))
    return Resolved(name, tuple(dict.fromkeys(str(row[4][0]) for row in rows))[:_MOST_ADDRESSES])


def _hosts_file() -> str | Untold:
    windows = sys.platform == "win32"
    path = (
        Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / _WINDOWS_HOSTS if windows else Path("/etc/hosts")
    )
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE).decode(errors="replace")
    except OSError as error:
        return Untold(f"{path} cannot be read: {error.strerror}")


def hosts_lines(text: str, names: Sequence[str]) -> tuple[HostsLine, ...]:
    """Return the lines that give one of ``names`` an address; of the other names on them nothing is kept."""
    wanted = {name.lower().rstrip(".") for name in names}
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        address, *aliases = line.partition("#")[0].split() or [""]
        named = tuple(alias for alias in aliases if alias.lower().rstrip(".") in wanted)
        if named and _is_address(address):
            found.append(HostsLine(number, address, named))
    return tuple(found[:_MOST_LINES])


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
