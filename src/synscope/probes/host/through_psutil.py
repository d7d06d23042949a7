"""Listeners, processes and loopback on systems other than Linux, through psutil.

Input: the watched ports. Output: the same records as on Linux, with what the system does not say left open.
Source: psutil's documentation. macOS shows the sockets of other users' processes to root alone.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Any, Final

from synscope.probes.host.snapshot import LocalSocket, Loopback, Owner, Process, Sockets, Untold

_MOST: Final = 1000
_LOOPBACK_NAMES: Final = ("lo0", "lo", "Loopback Pseudo-Interface 1")
_STATES: Final = {"running": "R", "sleeping": "S", "disk-sleep": "D", "stopped": "T", "zombie": "Z"}


def _psutil() -> Any:  # noqa: ANN401 - the module has no types
    import psutil  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - slow, not needed on Linux

    return psutil


def sockets(ports: Sequence[int]) -> Sockets | Untold:
    """List TCP listeners and the UDP sockets of the watched ports."""
    psutil = _psutil()
    try:
        connections = psutil.net_connections(kind="inet")
        hidden = False
    except psutil.AccessDenied:
        connections, hidden = _own_connections(psutil), True
    listeners = [
        _socket(psutil, row)
        for row in connections
        if row.type == socket.SOCK_STREAM and row.status == psutil.CONN_LISTEN
    ]
    if hidden and not any(listener.port in ports for listener in listeners):
        return Untold("the sockets of other users' processes need root on this system")
    udp = [_socket(psutil, row) for row in connections if row.type == socket.SOCK_DGRAM and row.laddr]
    return Sockets(
        listeners=tuple(sorted(listeners, key=lambda listener: listener.port not in ports)[:_MOST]),
        bound=Untold("this system does not list sockets that are bound and nothing more"),
        udp=tuple(entry for entry in udp if entry.port in ports)[:_MOST],
        complete=not hidden,
    )


def _own_connections(psutil: Any) -> list[Any]:  # noqa: ANN401 - the module
    found = []
    for process in psutil.process_iter():
        try:
            found += [
                row._replace(pid=process.pid) if hasattr(row, "pid") else _Connection(row, process.pid)
                for row in process.net_connections(kind="inet")
            ]
        except (psutil.Error, OSError):
            continue
    return found


class _Connection:
    """A process's own connection, with the process's number, as the system-wide list has it."""

    def __init__(self, row: Any, pid: int) -> None:  # noqa: ANN401 - psutil's row
        self.type, self.status, self.laddr, self.family = row.type, row.status, row.laddr, row.family
        self.pid = pid


def _socket(psutil: Any, row: Any) -> LocalSocket:  # noqa: ANN401 - the module, and a row of its list
    if not row.pid:
        return LocalSocket(row.laddr.ip, row.laddr.port, owner_untold="owner not visible: it needs root")
    try:
        process = psutil.Process(row.pid)
        uids = process.uids() if hasattr(process, "uids") else None
        owner = Owner(row.pid, process.name(), process.username(), None if uids is None else uids.real)
    except (psutil.Error, OSError):
        return LocalSocket(
            row.laddr.ip, row.laddr.port, owner_untold=f"process {row.pid} cannot be looked at"
        )
    return LocalSocket(row.laddr.ip, row.laddr.port, user=owner.user, owners=(owner,))


def processes(wanted: Iterable[tuple[int, str]]) -> tuple[Process, ...]:
    """Return the state of processes, each given with its role."""
    psutil = _psutil()
    found = []
    for pid, role in wanted:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                state = _STATES.get(process.status(), "S")
                found.append(Process(pid, process.name(), role, (process.ppid(),), state))
        except psutil.NoSuchProcess:
            found.append(Process(pid, "", role))
        except (psutil.Error, OSError):
            found.append(Process(pid, "", role, state="?"))
    return tuple(found)


def loopback() -> Loopback | Untold:
    """Return the state and addresses of the loopback interface."""
    psutil = _psutil()
    states, addresses = psutil.net_if_stats(), psutil.net_if_addrs()
    families = {socket.AF_INET, socket.AF_INET6}
    others = [row.address for rows in addresses.values() for row in rows if row.family in families]
    for name in _LOOPBACK_NAMES:
        if name in states:
            own = [row.address for row in addresses.get(name, ()) if row.family in families]
            rest = tuple(address for address in others if address not in own)[:_MOST]
            return Loopback(name, states[name].isup, tuple(own), "", "", others=rest)
    return Untold("no loopback interface is known by its name on this system")
