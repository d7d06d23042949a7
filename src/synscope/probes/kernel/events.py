"""What the trace says, as plain nouns: events, and how complete the trace was."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from synscope.model import Endpoint

EPHEMERAL: Final = range(32_768, 61_000)
"""Ports that Linux gives to those who ask for none, unless told otherwise (ip_sysctl, ip_local_port_range)."""


class Kind(enum.Enum):
    """What an event tells."""

    CONNECT = "a thread began to connect"
    SETTLED = "a connect ended: established or closed"
    LISTEN = "a socket began to listen"
    UNLISTEN = "a socket stopped listening"
    UNBOUND = "a bind failed"
    CALL = "a thread of the command asked for a socket, or did something with one"
    ROUTED = "the kernel looked for a way to an address"
    RINGS = "a thread set up io_uring"
    KILLED = "a filter of system calls ended a process"
    LEAVES = "a thread, or the one that it starts, goes into another network namespace"
    FORK = "a thread started another one"
    LEFT = "a connection that was made ended, or one side of it"
    DROP = "a frame was dropped"
    RESET = "the TCP stack sent an RST"


class Task(NamedTuple):
    """The thread in whose context something happened."""

    tid: int
    comm: str | None
    """The name it gave itself, at most 15 bytes of its choice; ``None`` when the kernel no longer knew it."""

    def __str__(self) -> str:
        return f"{self.comm or 'a process'} ({self.tid})"


class Call(NamedTuple):
    """A system call of the watched command on a socket, from its begin to its end."""

    name: str
    """``socket``, ``bind``, ``connect``, ``listen`` or ``accept``; ``send`` for a datagram that was sent without."""
    descriptor: int | None = None
    """Which one it is about; of ``socket`` and ``accept`` the new one."""
    family: str = ""
    """``IPv4``, ``IPv6``, ``Unix``, or the kernel's number; empty where it is not known."""
    type: str = ""
    """``stream``, ``datagram``, or the kernel's number; empty where it is not known."""
    error: str = ""
    """The error's name, such as EMFILE; empty where it succeeded or goes on (EINPROGRESS)."""
    end_ts_ns: int | None = None
    """When it was over; ``None`` while it is not."""
    route_error: str = ""
    """The error with which the look for a way ended."""
    began: bool = False
    """Of ``connect``: the TCP stack took it, and the socket is in SYN-SENT or was."""
    bound: bool = False
    """The thread had bound the descriptor before."""
    flags: int = 0
    """Of the type with which the socket was made: SOCK_CLOEXEC, SOCK_NONBLOCK."""
    length: int = 0
    """Of the address."""
    filtered: bool = False
    """It ended without a begin: a filter of system calls (seccomp) denied it, and what it was about is not known."""

    @property
    def is_inet(self) -> bool:
        """Whether it is about IP."""
        return self.family in _INET

    @property
    def is_tcp(self) -> bool:
        """Whether it is about TCP, for all that is known."""
        return self.family in ("", *_INET) and self.type in ("", "stream")

    @property
    def may_ask_nscd(self) -> bool:
        """Whether it looks like the C library's vain question to nscd, which precedes every look-up of a name."""
        way = (self.family, self.flags, self.length)
        return way == _NSCD and self.error in ("ENOENT", "ECONNREFUSED")


class Event(NamedTuple):
    """One line of the trace."""

    ts_ns: int
    """Nanoseconds since the epoch, exact to a microsecond."""
    kind: Kind
    task: Task
    cpu: int
    interrupt: bool
    """It happened in an interrupt, so ``task`` is only whom it interrupted, or whose own send led there."""
    client: Endpoint | None = None
    """CONNECT (port 0: not chosen yet), SETTLED, RESET."""
    server: Endpoint | None = None
    """CONNECT, SETTLED, RESET; where it listens for LISTEN and UNLISTEN. CALL and ROUTED: the address that it is
    about, ``None`` where the kernel does not tell."""
    reason: str = ""
    """DROP and RESET: the kernel's symbol. SETTLED: the new state. UNBOUND: the error's name, such as EACCES.
    KILLED: the signal. ROUTED: the same, empty where there is a way; its protocol follows a
    blank."""
    skb: str = ""
    """DROP and RESET: the buffer's (hashed) address; empty when not known."""
    ipv6: bool = False
    """DROP: whether the frame was IPv6."""
    unplaced: bool = False
    """UNBOUND, and LISTEN and UNLISTEN on another port than the watched ones: the thread was gone before anybody
    could ask for its network namespace, which is the captured one otherwise."""
    child: int = 0
    """FORK: the thread that was started."""
    of_command: bool = False
    """CONNECT, UNBOUND, CALL, KILLED and LEAVES: the thread is the watched command's, or one that it started."""
    call: Call | None = None
    """CALL: which."""


class OwnConnect(NamedTuple):
    """A connect that a process behind a watched port made itself, to whomever."""

    task: Task
    """The thread that began it."""
    pid: int
    """Its process; the thread's own number where the process was gone before anybody could ask."""
    server: Endpoint
    began_ns: int
    client: Endpoint | None = None
    """With its port, once it is known."""
    settled_ns: int | None = None
    """When it was established or had failed; ``None`` while neither is known."""
    established: bool = False
    refused: bool = False
    """This machine's TCP answered its SYN with an RST."""
    left_ns: int | None = None
    """When an established one was ended by the process itself, where that was seen."""
    elsewhere: bool | None = None
    """Whether the thread is in another network namespace than the captured one; ``None`` where nobody could ask."""

    @property
    def who(self) -> str:
        """The process: ``nginx (812)``. Its name is its own choice."""
        return f"{self.task.comm or 'a process'} ({self.pid})"


class OwnConnects(NamedTuple):
    """The connects of the processes behind the watched ports, and how complete their trace was."""

    made: tuple[OwnConnect, ...] = ()
    """In the order of time."""
    start_ts_ns: int | None = None
    """From when on they are known; ``None`` when they never were."""
    untold: str = ""
    """Why they are not known, or not all of them."""
    inside: frozenset[str] = frozenset()
    """Addresses of other network namespaces that are reached without a router, as a container's from its host."""


@dataclass(frozen=True, slots=True)
class TraceHealth:
    """How complete the trace was. What is absent from an incomplete trace proves nothing."""

    start_ts_ns: int | None = None
    """From when on it is whole; ``None`` when it never was on."""
    end_ts_ns: int | None = None
    """Until when it was on; ``None`` while it goes on."""
    error: str | None = None
    """Why there is no trace at all."""
    lost: int = 0
    """Events the kernel overwrote before they were read."""
    forgotten: int = 0
    """Events dropped here to bound memory."""
    beside: str | None = None
    """Why nothing is told about listeners on other ports than the watched ones; ``None`` when it is."""
    binds: bool = False
    """Whether binds that fail are told of."""
    denials: bool = False
    """Whether the watched command's own calls are told of."""
    no_calls: str = ""
    """Why they are not."""
    calls_gaps: str | None = None
    """What is missing of them, for a person; ``None`` when nothing is."""
    missing_calls: dict[str, str] = field(default_factory=dict)
    """Event of calls → why this kernel cannot tell it."""
    beside_calls: str = ""
    """What the command may do without a call that is told of; empty when nothing of the kind was seen."""
    leaves: bool = False
    """Whether it is told that the watched command's threads go into another network namespace."""
    crowded: int = 0
    """Events about such listeners that were dropped here to bound memory."""
    unread: int = 0
    """Lines that were not understood."""
    switched_off: str | None = None
    """Why it was switched off early."""
    missing: dict[str, str] = field(default_factory=dict)
    """Event → why this kernel cannot tell it."""
    names_resets: bool = False
    """Whether RSTs without a socket are traced with their addresses (Linux 6.10 and later)."""
    overflows: int | None = None
    """How far the namespace's ListenOverflows rose; ``None`` when nobody read it."""
    clock_step_ns: int = 0
    """How far the wall clock was set while it ran: times are off by as much."""

    @property
    def holes(self) -> str | None:
        """What is missing between start and end, for a person; ``None`` when nothing is."""
        parts = [
            f"the trace lost {self.lost:,} events" if self.lost else "",
            f"{self.unread:,} lines of the trace were not understood" if self.unread else "",
            "the clock was set during the trace" if abs(self.clock_step_ns) > _STEP_NS else "",
        ]
        return _joined(parts)

    @property
    def gaps(self) -> str | None:
        """What is missing from the whole observation, for a person; ``None`` when nothing is."""
        parts = [
            self.holes or "",
            f"the trace's first {self.forgotten:,} events were dropped to bound memory"
            if self.forgotten
            else "",
            f"the trace was {self.switched_off}" if self.switched_off else "",
        ]
        return _joined(parts)


def _joined(parts: list[str]) -> str | None:
    return "; ".join(part for part in parts if part) or None


_NSCD: Final = ("Unix", 0x80800, 110)
"""A stream that neither blocks nor is inherited, and an address of full length (nscd_helper.c of glibc)."""
_INET: Final = ("IPv4", "IPv6")
_STEP_NS = 1_000_000
"""A wall clock that moves less against the monotonic one is only being steered."""
