"""The namespace's counters of full accept queues: the kernel's only word on them.

Input: ``/proc/thread-self/net/netstat`` of the network namespace the caller is in (or another process' file). Output:
the counter ``ListenOverflows``. A SYN that meets a full accept queue is consumed without a drop event; this
counter rises by one for each such SYN, whatever its port. Needs no privilege. Source: proc_pid_net(5), the SNMP
counter document (Documentation/networking/snmp_counter.rst).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

OF_THIS_THREAD: Final = Path("/proc/thread-self/net/netstat")
_GROUP: Final = "TcpExt:"
_NAME: Final = "ListenOverflows"


def read_overflows(path: Path = OF_THIS_THREAD) -> int | None:
    """Return the counter's value, ``None`` where there is none to read."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    rows = [line.split() for line in lines if line.startswith(_GROUP)]
    return _named(rows[0], rows[1]) if len(rows) == len(("names", "values")) else None


def _named(names: list[str], values: list[str]) -> int | None:
    found = [value for name, value in zip(names, values, strict=False) if name == _NAME]
    return int(found[0]) if found and found[0].isdecimal() else None
