"""Servers that run, whatever they listen on: those to which clients of a watched port go as a rule.

Input: ports and a time limit. Output: a ``snapshot.RunningServer`` for each process of a known server
(``reference.programs.PORT_OWNERS``) whose usual port is watched, or whose command line names a watched one. Of the
command line nothing else is kept. Sources: proc(5), unix(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from synscope.probes.host import owners, procfs
from synscope.probes.host.snapshot import RunningServer, Untold
from synscope.reference.programs import LONGEST_NAME, PORT_OWNERS

T = TypeVar("T", int, str)

_MOST: Final = 50
_MOST_SOCKETS: Final = 20
_CLOSED: Final = "the sockets of another user's process need root to be seen"
_ACCEPTS: Final = 0x10000
"""``__SO_ACCEPTCON`` in the flags of /proc/net/unix: the socket listens."""
_NUMBER = re.compile(r"(?<![\w.])\d{1,5}(?![\w.])")
_OWNERS: Final = {name[:LONGEST_NAME]: ports for name, ports in PORT_OWNERS.items()}


def look(ports: Sequence[int], until: float) -> tuple[RunningServer, ...] | Untold:
    """Find the servers of this thread's network namespace, and what each of them listens on."""
    own = procfs.network("thread-self")
    if own is None:
        return Untold("this thread's own network namespace is not known")
    wanted = frozenset(ports)
    listeners = {inode: port for _, port, inode in procfs.listening(procfs.NET)}
    datagrams = dict(_datagrams())
    files = dict(_files())
    found: list[RunningServer] = []
    for pid in procfs.processes(until):
        program = procfs.program(pid)
        meant = ports_of(program, procfs.command_line(pid), wanted) if program in _OWNERS else ()
        if not meant or procfs.network(pid) not in (None, own):
            continue
        try:
            held = owners.sockets_of(pid)
        except FileNotFoundError:  # it ended
            continue
        except OSError:
            found += [RunningServer(port, program, pid, untold=_CLOSED) for port in meant]
            continue
        listens, udp, paths = _of(held, listeners), _of(held, datagrams), _of(held, files)
        found += [RunningServer(port, program, pid, listens, udp, paths) for port in meant]
        if len(found) >= _MOST:
            break
    return tuple(found[:_MOST])


def _of(held: set[int], table: Mapping[int, T]) -> tuple[T, ...]:
    """Return what a table has for the sockets that a process holds."""
    return tuple(sorted({table[inode] for inode in held & table.keys()}))[:_MOST_SOCKETS]


def ports_of(program: str, words: Sequence[str], wanted: frozenset[int]) -> tuple[int, ...]:
    """Return the watched ports at which the clients of a known server look for it."""
    named = {int(number) for word in words[1:] for number in _NUMBER.findall(word)}
    return tuple(sorted(wanted & ({*_OWNERS.get(program, ())} | named)))


def _datagrams() -> Iterator[tuple[int, int]]:
    """Yield the inode and the port of each UDP socket."""
    for table in ("udp", "udp6"):
        for line in (procfs.text(f"{procfs.NET}/{table}") or "").splitlines()[1:]:
            fields = line.split()
            yield int(fields[9]), int(fields[1].rpartition(":")[2], 16)


def _files() -> Iterator[tuple[int, str]]:
    """Yield the inode and the path of each Unix socket that listens and has a name."""
    for line in (procfs.text(f"{procfs.NET}/unix") or "").splitlines()[1:]:
        fields = line.split(None, 7)
        if len(fields) == 8 and int(fields[3], 16) & _ACCEPTS:  # noqa: PLR2004 - the columns of the table
            yield int(fields[6]), fields[7]
