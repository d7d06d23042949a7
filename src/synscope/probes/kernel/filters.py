"""The kernel's filter for each event: only what the witness uses ever enters the buffer.

Input: an event's ``format`` text and the watched ports. Output: the event's filter expression, or why this
kernel's event is of no use. Pure; standard library only, because it runs with privileges. Source:
Documentation/trace/events.rst, "Event filtering".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from synscope.reference.drop_reasons import REASONS, Kind

DROP: Final = "skb/kfree_skb"
RESET: Final = "tcp/tcp_send_reset"
STATE: Final = "sock/inet_sock_set_state"
EVENTS: Final = (DROP, RESET, STATE)
"""Names of the events, as directories below ``events``."""

BIND: Final = "syscalls/sys_exit_bind"
OF_ALL: Final = (BIND,)
"""Of every process, and switched on around a command only: a server in its neighbourhood may fail to bind."""

SOCKET, CONNECT, LISTEN, ACCEPT = "socket", "connect", "listen", "accept"
CALLS: Final = (SOCKET, "bind", CONNECT, LISTEN, ACCEPT, "accept4")
"""The system calls of a command that are followed, by their names."""
BEGIN: Final = "syscalls/sys_enter_"
END: Final = "syscalls/sys_exit_"
FORK: Final = "sched/sched_process_fork"
UNSHARE: Final = "syscalls/sys_enter_unshare"
CLONE: Final = "syscalls/sys_enter_clone"
SETNS: Final = "syscalls/sys_enter_setns"
LEAVING: Final = (UNSHARE, CLONE, SETNS)
"""How a thread, or the one that it starts, comes into another network namespace."""
RINGS: Final = "syscalls/sys_enter_io_uring_setup"
"""What is asked for through a ring of io_uring is no system call."""
ROUTE_4: Final = "fib/fib_table_lookup"
ROUTE_6: Final = "fib6/fib6_table_lookup"
ROUTES: Final = (ROUTE_4, ROUTE_6)
"""The kernel looks for a way: of a call that has an address in the caller's memory only this tells which."""
KILLED: Final = "signal/signal_generate"
"""A filter of system calls (seccomp) ends the process. Of a call that it denies the end is traced, not the begin."""
TREE: Final = (
    *(f"{BEGIN}{call}" for call in CALLS),
    *(f"{END}{call}" for call in CALLS),
    FORK,
    *LEAVING,
    RINGS,
    *ROUTES,
    STATE,
    KILLED,
)
"""Of the processes of one tree alone: who is not in it pays for a look at a bit map, in system calls."""

LEGS: Final = (STATE, RESET)
"""What is traced of the processes behind a watched port, and of what they start: connects of their own."""

_SIGSYS: Final = 31
_NEWNET: Final = 0x40000000
"""CLONE_NEWNET of clone(2)."""

MOST_PORTS: Final = 32
"""With more ports the filter would outgrow what the kernel takes (one page); then the reader selects."""

_IPV4_OR_IPV6: Final = "(protocol == 2048 || protocol == 34525)"
_TCP, _UDP = 6, 17
_SYN_SENT, _CLOSE, _ESTABLISHED, _LISTEN, _CLOSE_WAIT = 2, 7, 1, 10, 8
_FIN_WAIT1, _LAST_ACK = 4, 9
"""States by include/net/tcp_states.h: their numbers are fixed, BPF programs rely on them."""


_OF_CALLS: Final = {BIND: ("ret", "ret < 0")}
_OF_TREE: Final = {
    **{f"{END}{call}": ("ret", "") for call in CALLS},
    f"{BEGIN}socket": ("family type", ""),
    **{f"{BEGIN}{call}": ("fd addrlen", "") for call in ("bind", CONNECT)},
    **{f"{BEGIN}{call}": ("fd", "") for call in (LISTEN, ACCEPT, "accept4")},
    UNSHARE: ("unshare_flags", f"unshare_flags & {_NEWNET}"),
    CLONE: ("clone_flags", f"clone_flags & {_NEWNET}"),
    SETNS: ("flags", f"flags & {_NEWNET}"),
    # Bind looks without a protocol whether an address is this machine's.
    **dict.fromkeys(ROUTES, ("proto err", f"proto == {_TCP} || proto == {_UDP} || proto == 0")),
    STATE: (
        "protocol oldstate newstate sport dport",
        f"protocol == {_TCP} && oldstate == {_CLOSE} && newstate == {_SYN_SENT}",
    ),
    KILLED: ("sig", f"sig == {_SIGSYS}"),
}
"""Event → the fields that it needs, and the filter."""


class UnusableError(ValueError):
    """This kernel's event lacks what the witness needs."""


def filter_of(event: str, text: str, ports: Collection[int]) -> str:
    """Return the filter for ``event`` whose ``format`` file reads ``text``; empty for none.

    Drops are those for every reason but the ordinary ones. Connects are those to ``ports``; listeners those of any
    port; binds those that failed. Raises ``UnusableError`` when the event lacks a field.
    """
    if event in _OF_CALLS:
        return _known(_OF_CALLS, event, text)
    if event == DROP:
        return _drops(text)
    return _states(text, ports) if event == STATE else ""


def legs_filter_of(event: str, text: str, ports: Collection[int]) -> str:
    """Return the filter for ``event`` among the processes behind ``ports``: connects of their own and their ends.

    Raises ``UnusableError`` when the event lacks a field.
    """
    if event != STATE:
        return ""
    _need(text, "protocol", "oldstate", "newstate", "sport", "dport")
    taken = "".join(f" && sport != {port}" for port in sorted(ports)[:MOST_PORTS])
    begun = f"(oldstate == {_CLOSE} && newstate == {_SYN_SENT}) || oldstate == {_SYN_SENT}"
    # A client's own changes happen in the server's time as well: of these only what an end is.
    left = (
        f"(oldstate == {_ESTABLISHED} && (newstate == {_FIN_WAIT1} || newstate == {_CLOSE})) || "
        f"(oldstate == {_CLOSE_WAIT} && (newstate == {_LAST_ACK} || newstate == {_CLOSE}))"
    )
    return f"protocol == {_TCP} && ({begun} || (({left}){taken}))"


def tree_filter_of(event: str, text: str) -> str:
    """Return the same for an event that is limited to a tree of processes: connects are those to any port then."""
    return _known(_OF_TREE, event, text) if event in _OF_TREE else ""


def _known(table: Mapping[str, tuple[str, str]], event: str, text: str) -> str:
    field, expression = table[event]
    _need(text, *field.split())
    return expression


def _drops(text: str) -> str:
    _need(text, "reason", "protocol")
    names = re.findall(r'\{ *(\d+), *"(\w+)" *\}', text)
    if not names:
        raise UnusableError("this kernel names no drop reasons")
    known = ((number, REASONS.get(name)) for number, name in names)
    ordinary = [number for number, drop in known if drop is not None and drop.kind is Kind.ORDINARY]
    return " && ".join((_IPV4_OR_IPV6, *(f"reason != {number}" for number in ordinary)))


def _states(text: str, ports: Collection[int]) -> str:
    _need(text, "protocol", "oldstate", "newstate", "sport", "dport")
    connects = (
        f"(oldstate == {_CLOSE} && newstate == {_SYN_SENT}) || "
        f"(oldstate == {_SYN_SENT} && (newstate == {_CLOSE} || newstate == {_ESTABLISHED}))"
    )
    listens = (
        f"(oldstate == {_CLOSE} && newstate == {_LISTEN}) || (oldstate == {_LISTEN} && newstate == {_CLOSE})"
    )
    return f"protocol == {_TCP} && ((({connects}){_any('dport', ports)}) || {listens})"


def _any(field: str, ports: Collection[int]) -> str:
    if not ports or len(ports) > MOST_PORTS:
        return ""
    return " && (" + " || ".join(f"{field} == {port}" for port in sorted(ports)) + ")"


def _need(text: str, *fields: str) -> None:
    for field in fields:
        if not re.search(rf"^\s*field:[^;]*\b{field};", text, re.MULTILINE):
            raise UnusableError(f"this kernel's event has no field {field}")
