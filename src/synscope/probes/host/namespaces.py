"""Listeners on the watched ports in other network namespaces of a Linux machine.

Input: ports and a time limit. Output: a ``snapshot.Namespaces``. Each namespace is looked at once, through one of
its processes, or through its name below /run/netns. Most of them have nothing to do with this one (a sandbox, a
browser's tabs); one that shares a network with it may be that of a container. Sources: network_namespaces(7),
proc(5), ip-netns(8).
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from synscope.capture.live import interfaces
from synscope.probes.host import procfs
from synscope.probes.host.deadline import Task
from synscope.probes.host.snapshot import ElsewhereListener, Namespaces, Untold
from synscope.units import count

_NAMED: Final = (Path("/run/netns"), Path("/run/docker/netns"))
_MOST: Final = 50
_MOST_ADDRESSES: Final = 100
_MOST_OWN: Final = 8
_SHOWN: Final = 3
_IPV4_DIGITS: Final = 8
_LOCAL = re.compile(r"\|-- (\S+)\n\s*/32 host LOCAL")
"""An address of the namespace's own in fib_trie."""

_OVERFLOWS: Final = "TcpExtListenOverflows"
_DESTINATION, _GATEWAY, _MASK = 1, 2, 7
"""Columns of /proc/net/route."""
_NO_GATEWAY: Final = "00000000"
_DEFAULT: Final = "0.0.0.0"  # noqa: S104 - a mask

_Row = tuple[str, int, int]
"""Address, port, inode."""


class _Wires(NamedTuple):
    """How a namespace is wired up, in IPv4."""

    addresses: tuple[ipaddress.IPv4Address, ...]
    networks: tuple[ipaddress.IPv4Network, ...]

    @property
    def own(self) -> tuple[str, ...]:
        """The first addresses, as text."""
        return tuple(map(str, self.addresses[:_MOST_OWN]))

    def meets(self, other: _Wires) -> bool:
        """Whether one of the two reaches an address of the other without a router between them."""
        return self._reaches(other) or other._reaches(self)

    def _reaches(self, other: _Wires) -> bool:
        return any(address in network for network in self.networks for address in other.addresses)


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
    here = _wires(procfs.NET)
    linked: list[str] = []
    for pids in members.values():
        there = _wires(f"{pids[0]}/net")
        linked += _reached(there, here)
        found += _of_processes(pids, frozenset(ports), there, linked=here.meets(there))
    for path in _named():
        with contextlib.suppress(OSError):
            inode = path.stat().st_ino
            if inode not in seen:
                seen.add(inode)
                inside = _of_name(path, frozenset(ports), until, here)
                closed += [path.name] if isinstance(inside, Untold) else []
                if not isinstance(inside, Untold):
                    found += inside[0]
                    linked += inside[1]
    unseen = ""
    if time.monotonic() > until:
        unseen = "not every process could be looked at in time"
    elif closed:
        unseen = f"{', '.join(closed[:_SHOWN])} cannot be entered"
    elif denied:
        root = "" if os.geteuid() == 0 else "without root"
        unseen = f"those of {count(denied, 'process')} cannot be looked at {root}".rstrip()
    return Namespaces(
        tuple(found[:_MOST]), len(seen) - 1, unseen, tuple(dict.fromkeys(linked))[:_MOST_ADDRESSES]
    )


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


def _reached(there: _Wires, here: _Wires) -> list[str]:
    """Return the addresses of another namespace that this one reaches, where the two share a network."""
    if not here.meets(there):
        return []
    return [str(address) for address in there.addresses if any(address in known for known in here.networks)]


def _of_processes(
    pids: list[int], ports: frozenset[int], wires: _Wires, *, linked: bool
) -> Iterator[ElsewhereListener]:
    folder = f"{pids[0]}/net"
    found = list(_listening(folder, ports))
    waiting = procfs.waiting(folder) if found else {}
    overflows = procfs.counters("netstat", folder).get(_OVERFLOWS) if found else None
    for address, port, inode in found:
        pid = next((pid for pid in pids if _holds(pid, inode)), None)
        shown = pid or pids[0]
        program = procfs.program(shown)
        yield ElsewhereListener(
            f"that of process {shown} ({program})",
            address,
            port,
            pid,
            program if pid else "",
            linked,
            wires.own,
            waiting.get(inode),
            overflows,
        )


def _of_name(
    path: Path, ports: frozenset[int], until: float, here: _Wires
) -> tuple[list[ElsewhereListener], list[str]] | Untold:
    """Look into a namespace that no process is in, from a thread that enters it."""

    def inside() -> tuple[list[_Row], _Wires]:
        with interfaces.entered(path):
            return list(_listening(procfs.NET, ports)), _wires(procfs.NET)

    looked = Task(f"the network namespace {path.name}", inside).result(until)
    if isinstance(looked, Untold):
        return looked
    rows, wires = looked
    linked = here.meets(wires)
    listeners = [
        ElsewhereListener(path.name, address, port, linked=linked, addresses=wires.own)
        for address, port, _ in rows
    ]
    return listeners, _reached(wires, here)


def _wires(folder: str) -> _Wires:
    """Return the addresses of a namespace, and the networks that it reaches through an interface of its own."""
    addresses = _LOCAL.findall(procfs.text(f"{folder}/fib_trie") or "")
    networks = []
    for line in (procfs.text(f"{folder}/route") or "").splitlines()[1:]:
        fields = line.split()
        destination, mask = address_of(fields[_DESTINATION]), address_of(fields[_MASK])
        if mask != _DEFAULT and fields[_GATEWAY] == _NO_GATEWAY:
            networks.append(ipaddress.IPv4Network(f"{destination}/{mask}", strict=False))
    parsed = (ipaddress.IPv4Address(address) for address in addresses)
    return _Wires(
        tuple(address for address in dict.fromkeys(parsed) if not address.is_loopback), tuple(networks)
    )


def _listening(folder: str, ports: frozenset[int]) -> Iterator[_Row]:
    for address, port, inode in procfs.listening(folder):
        if port in ports:
            yield address_of(address), port, inode


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
