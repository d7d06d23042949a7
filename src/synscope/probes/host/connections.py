"""Connections that the processes behind a watched port have to somebody else, on Linux: their second legs.

Input: those processes, the watched ports, a time limit. Output: ``snapshot.OwnConnection`` rows, of the processes
and of what they started. Of a process in another network namespace /proc tells the connections, without their times.
Sources: sock_diag(7), linux/tcp.h (struct tcp_info), proc(5) (/proc/PID/net/tcp).
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from synscope.probes.host import owners, procfs, sock_diag
from synscope.probes.host.namespaces import address_of
from synscope.probes.host.snapshot import OwnConnection, Untold

_STATES: Final = {
    sock_diag.ESTABLISHED: "ESTAB",
    sock_diag.SYN_SENT: "SYN-SENT",
    sock_diag.CLOSE_WAIT: "CLOSE-WAIT",
}
_MS: Final = 1_000_000
_MOST: Final = 100
_MOST_PROCESSES: Final = 64
_TABLES: Final = ("tcp", "tcp6")


def look(pids: Collection[int], ports: Collection[int], until: float) -> tuple[OwnConnection, ...] | Untold:
    """Find the connections of ``pids`` and of their descendants, but for those that clients made to them."""
    if not pids:
        return ()
    own = procfs.network("thread-self")
    held: dict[int, int] = {}
    elsewhere: dict[int, list[int]] = {}
    for pid in descendants(pids, until):
        try:
            inodes = owners.sockets_of(pid)
        except PermissionError:
            return Untold("the sockets of another user's process need root to be seen")
        except OSError:  # it ended
            continue
        network = procfs.network(pid)
        if network in (None, own):
            held.update(dict.fromkeys(inodes, pid))
        elif inodes:
            elsewhere.setdefault(network, []).append(pid)
    try:
        found = list(_here(held, ports, _listening()))
    except OSError as error:
        return Untold(f"the kernel does not list its sockets: {error.strerror or error}")
    for group in elsewhere.values():
        found += _there(group)
    return tuple(found[:_MOST])


def descendants(pids: Iterable[int], until: float) -> tuple[int, ...]:
    """Return processes with what they started; of the first process, which started everything, itself alone."""
    children: dict[int, list[int]] = {}
    for pid in procfs.processes(until):
        fields = (procfs.text(f"{pid}/stat") or "").rpartition(")")[2].split()
        if len(fields) > 1 and fields[1].isdigit():
            children.setdefault(int(fields[1]), []).append(pid)
    found = dict.fromkeys(pids)
    queue = list(found)
    while queue and len(found) < _MOST_PROCESSES:
        pid = queue.pop(0)
        more = [child for child in children.get(pid, ()) if child not in found] if pid != 1 else []
        found.update(dict.fromkeys(more))
        queue += more
    return tuple(found)


def _listening() -> frozenset[int]:
    return frozenset(port for _, port, _ in procfs.listening(procfs.NET))


def _here(held: Mapping[int, int], ports: Collection[int], served: frozenset[int]) -> Iterator[OwnConnection]:
    """Yield the connections of this thread's network namespace: of those that a client made the port is served."""
    now_ns = time.time_ns()
    for entry in sock_diag.sockets(socket.IPPROTO_TCP, tuple(_STATES)):
        pid = held.get(entry.inode)
        if pid is None or entry.port in ports or entry.port in served:
            continue
        yield OwnConnection(
            pid,
            procfs.program(pid),
            _STATES[entry.state],
            _plain(entry.address),
            entry.port,
            _plain(entry.remote_address),
            entry.remote_port,
            None if entry.sent_ms is None else now_ns - entry.sent_ms * _MS,
            None if entry.heard_ms is None else now_ns - entry.heard_ms * _MS,
            entry.queued,
        )


def _there(pids: list[int]) -> Iterator[OwnConnection]:
    """Yield the connections of processes in another network namespace."""
    inodes: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            inodes.update(dict.fromkeys(owners.sockets_of(pid), pid))
    folder = f"{pids[0]}/net"
    served = {port for _, port, _ in procfs.listening(folder)}
    for table in _TABLES:
        for line in (procfs.text(f"{folder}/{table}") or "").splitlines()[1:]:
            fields = line.split()
            state, holder = int(fields[3], 16), inodes.get(int(fields[9]))
            address, _, port = fields[1].rpartition(":")
            remote, _, remote_port = fields[2].rpartition(":")
            if state in _STATES and holder is not None and int(port, 16) not in served:
                yield OwnConnection(
                    holder,
                    procfs.program(holder),
                    _STATES[state],
                    _plain(address_of(address)),
                    int(port, 16),
                    _plain(address_of(remote)),
                    int(remote_port, 16),
                    elsewhere=True,
                )


def _plain(address: str) -> str:
    """Return an IPv4-mapped address as the IPv4 address on the wire."""
    return address.removeprefix("::ffff:") if "." in address else address
