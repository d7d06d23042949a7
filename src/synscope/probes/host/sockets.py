"""Listeners, and everything else that has to do with a port, on Linux.

Input: the watched ports and a time limit. Output: a ``snapshot.Sockets`` of the calling thread's network
namespace. Sources: sock_diag(7), proc(5) (/proc/net/unix), unix(7).
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from synscope.probes.host import owners, procfs, sock_diag
from synscope.probes.host.snapshot import LocalSocket, PortUse, Sockets, UnixSocket, Untold

_MOST_LISTENERS: Final = 1000
_MOST_OTHERS: Final = 50
_OWNERS_SHARE: Final = 0.7
"""What the search for owners may take of the time."""
_LOOKS_AT_CLOCK: Final = 1024
_FIRST_WITH_BOUND: Final = (6, 8)
_MOST_KEYS: Final = 8
_NET_ADMIN: Final = 12
"""CAP_NET_ADMIN of capabilities(7)."""
_ACCEPTS: Final = 0x10000
"""``__SO_ACCEPTCON`` in the flags of /proc/net/unix: the socket listens."""

_USUAL_PATHS: Final = {2375: "docker.sock", 2376: "docker.sock", 3306: "mysql", 5432: "PGSQL", 6379: "redis"}
"""Well-known services whose Unix socket does not carry the port in its path."""


def look(ports: Sequence[int], until: float) -> Sockets | Untold:
    """List the sockets.

    A busy server has more connections than can be counted in time; that never costs the listeners.
    """
    began = time.monotonic()
    try:
        listening = list(sock_diag.sockets(socket.IPPROTO_TCP, (sock_diag.LISTEN,)))
        bound = _bound(ports)
        every_udp = sock_diag.sockets(socket.IPPROTO_UDP, (sock_diag.CLOSE,))
        udp = [entry for entry in every_udp if entry.port in ports]
    except OSError as error:
        return Untold(f"the kernel does not list its sockets: {error.strerror or error}")
    # Those of the watched ports come first, so that they are kept whatever else there is.
    listening.sort(key=lambda entry: entry.port not in ports)
    idle = [] if isinstance(bound, Untold) else bound
    kept = listening[:_MOST_LISTENERS]
    inodes = frozenset(entry.inode for entry in (*kept, *idle, *udp))
    found = owners.find(inodes, began + (until - began) * _OWNERS_SHARE)
    return Sockets(
        listeners=_records(kept, found, keys_told=_are_keys_told()),
        bound=bound if isinstance(bound, Untold) else _records(bound[:_MOST_OTHERS], found),
        udp=_records(udp[:_MOST_OTHERS], found),
        unix=tuple(_unix(ports))[:_MOST_OTHERS],
        uses=tuple(_use(port, until) for port in ports),
        complete=len(listening) <= _MOST_LISTENERS,
    )


def _bound(ports: Sequence[int]) -> list[sock_diag.Entry] | Untold:
    if _kernel() < _FIRST_WITH_BOUND:
        return Untold("this kernel does not list sockets that are bound and nothing more (Linux 6.8 does)")
    return [
        entry
        for port in ports
        for entry in sock_diag.sockets(socket.IPPROTO_TCP, (sock_diag.BOUND_INACTIVE,), local_port=port)
    ]


def _kernel() -> tuple[int, int]:
    match = re.match(r"(\d{1,3})\.(\d{1,3})", os.uname().release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _records(
    entries: Iterable[sock_diag.Entry], found: owners.Owners, *, keys_told: bool = False
) -> tuple[LocalSocket, ...]:
    return tuple(_record(entry, found, keys_told=keys_told) for entry in entries)


def _record(entry: sock_diag.Entry, found: owners.Owners, *, keys_told: bool) -> LocalSocket:
    user = owners.user_name(entry.uid)
    listens = entry.state == sock_diag.LISTEN
    return LocalSocket(
        address=entry.address,
        port=entry.port,
        v6only=entry.v6only,
        device=_device(entry.device),
        queued=entry.queued if listens else None,
        backlog=entry.backlog if listens else None,
        user=user,
        owners=found.by_inode.get(entry.inode, ()),
        owner_untold=found.untold(entry.inode, user),
        signed_for=entry.signed_for[:_MOST_KEYS] if keys_told and listens else None,
    )


def _are_keys_told() -> bool:
    """Whether the kernel tells this thread which signatures sockets want: it may administer the network."""
    lines = (procfs.text("thread-self/status") or "").splitlines()
    held = next((line.partition(":")[2] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(held, 16) >> _NET_ADMIN & 1)


def _device(index: int) -> str | None:
    if not index:
        return None
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"


def _use(port: int, until: float) -> PortUse:
    local = Counter(entry.state for entry in _connections(until, local_port=port))
    sent = 0
    toward: dict[str, set[int]] = {}
    for entry in _connections(until, remote_port=port):
        sent += entry.state == sock_diag.SYN_SENT
        toward.setdefault(entry.remote_address, set()).add(entry.port)
    return PortUse(
        port=port,
        established=local[sock_diag.ESTABLISHED],
        time_wait=local[sock_diag.TIME_WAIT],
        close_wait=local[sock_diag.CLOSE_WAIT],
        syn_received=local[sock_diag.SYN_RECEIVED],
        syn_sent=sent,
        most_local_ports=max((len(used) for used in toward.values()), default=0),
    )


def _connections(
    until: float, *, local_port: int | None = None, remote_port: int | None = None
) -> Iterator[sock_diag.Entry]:
    """Yield connections until the time is up: the counts are lower bounds."""
    entries = sock_diag.sockets(
        socket.IPPROTO_TCP, sock_diag.CONNECTED, local_port=local_port, remote_port=remote_port
    )
    with contextlib.suppress(OSError):
        for seen, entry in enumerate(entries):
            if seen % _LOOKS_AT_CLOCK == 0 and time.monotonic() > until:
                return
            yield entry


def _unix(ports: Sequence[int]) -> Iterable[UnixSocket]:
    lines = (procfs.text(f"{procfs.NET}/unix") or "").splitlines()[1:]
    for line in lines:
        fields = line.split(None, 7)
        if len(fields) < 8 or not int(fields[3], 16) & _ACCEPTS:  # noqa: PLR2004 - the columns of the table
            continue
        for port in ports:
            if re.search(rf"(?<!\d){port}(?!\d)", fields[7]) or _USUAL_PATHS.get(port, "\0") in fields[7]:
                yield UnixSocket(fields[7], port)
