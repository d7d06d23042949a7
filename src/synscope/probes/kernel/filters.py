"""The kernel's filter for each event: only what the witness uses ever enters the buffer.

Input: an event's ``format`` text and the watched ports. Output: the event's filter expression, or why this
kernel's event is of no use. Pure; standard library only, because it runs with privileges. Source:
Documentation/trace/events.rst, "Event filtering".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

DROP: Final = "skb/kfree_skb"
RESET: Final = "tcp/tcp_send_reset"
STATE: Final = "sock/inet_sock_set_state"
EVENTS: Final = (DROP, RESET, STATE)
"""Names of the events, as directories below ``events``."""

BIND: Final = "syscalls/sys_exit_bind"
CONNECT: Final = "syscalls/sys_exit_connect"
SOCKET: Final = "syscalls/sys_exit_socket"
TO_FILE: Final = "syscalls/sys_enter_connect"
"""Those to Unix sockets only: what is denied there is no connection over TCP."""
FORK: Final = "sched/sched_process_fork"
UNSHARE: Final = "syscalls/sys_enter_unshare"
CLONE: Final = "syscalls/sys_enter_clone"
SETNS: Final = "syscalls/sys_enter_setns"
LEAVING: Final = (UNSHARE, CLONE, SETNS)
"""How a thread, or the one that it starts, comes into another network namespace."""
FILTERED: Final = "raw_syscalls/sys_exit"
"""Calls that a filter (seccomp) ended before they began: they have the number -1 then."""
CALLS: Final = (BIND, CONNECT, SOCKET, TO_FILE, FORK, *LEAVING, FILTERED)
"""Switched on around a command only: tracing the ends of system calls makes every call of the machine cost more."""

LEGS: Final = (STATE, RESET)
"""What is traced of the processes behind a watched port, and of what they start: connects of their own."""

_EPERM, _EACCES, _EAFNOSUPPORT, _ENETUNREACH = 1, 13, 97, 101
_NEWNET: Final = 0x40000000
"""CLONE_NEWNET of clone(2)."""
_IPV4_ADDRESS, _IPV6_ADDRESS = 16, 28
"""Lengths of the addresses that connect takes (ip(7), ipv6(7)); those of Unix sockets have others."""

REASONS: Final = (
    "NO_SOCKET", "NETFILTER_DROP", "TCP_LISTEN_OVERFLOW", "SOCKET_FILTER", "TCP_CSUM", "IP_RPFILTER", "XFRM_POLICY",
    "IP_OUTNOROUTES", "BPF_CGROUP_EGRESS", "IPV6DISABLED", "TC_EGRESS", "TC_INGRESS", "SECURITY_HOOK", "QDISC_DROP",
    "CPU_BACKLOG", "XDP", "DEV_READY", "NOMEM", "IP_INADDRERRORS", "IP_INNOROUTES", "IP_LOCAL_SOURCE",
    "IP_INVALID_SOURCE", "IP_LOCALNET", "TCP_INVALID_SYN", "TCP_FLAGS", "TCP_MD5NOTFOUND", "TCP_MD5UNEXPECTED",
    "TCP_MD5FAILURE", "TCP_AONOTFOUND", "TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND", "TCP_AOFAILURE",
    "TCP_AUTH_HDR", "TCP_MINTTL", "PROTO_MEM", "SOCKET_BACKLOG", "IP_CSUM", "IP_INHDR", "IP_INVALID_DEST",
    "NEIGH_FAILED", "PKT_TOO_BIG", "QDISC_OVERLIMIT", "QDISC_CONGESTED",
)  # fmt: skip
"""Reasons for which a SYN can be dropped; a kernel knows some of them, under numbers of its own."""

MOST_PORTS: Final = 32
"""With more ports the filter would outgrow what the kernel takes (one page); then the reader selects."""

_IPV4_OR_IPV6: Final = "(protocol == 2048 || protocol == 34525)"
_TCP: Final = 6
_SYN_SENT, _CLOSE, _ESTABLISHED, _LISTEN, _CLOSE_WAIT = 2, 7, 1, 10, 8
"""States by include/net/tcp_states.h: their numbers are fixed, BPF programs rely on them."""


_DENIED: Final = f"ret == -{_EPERM} || ret == -{_EACCES}"
_OF_CALLS: Final = {
    BIND: ("ret", "ret < 0"),
    CONNECT: ("ret", f"{_DENIED} || ret == -{_ENETUNREACH}"),
    SOCKET: ("ret", f"{_DENIED} || ret == -{_EAFNOSUPPORT}"),
    TO_FILE: ("addrlen", f"addrlen != {_IPV4_ADDRESS} && addrlen != {_IPV6_ADDRESS}"),
    UNSHARE: ("unshare_flags", f"unshare_flags & {_NEWNET}"),
    CLONE: ("clone_flags", f"clone_flags & {_NEWNET}"),
    SETNS: ("flags", f"flags & {_NEWNET}"),
    FILTERED: ("id ret", f"id == -1 && ({_DENIED} || ret == -{_EAFNOSUPPORT})"),
}
"""Event → the fields that it needs, and the filter."""


class UnusableError(ValueError):
    """This kernel's event lacks what the witness needs."""


def filter_of(event: str, text: str, ports: Collection[int]) -> str:
    """Return the filter for ``event`` whose ``format`` file reads ``text``; empty for none.

    Connects are those to ``ports``; listeners those of any port; binds those that failed; of calls to connect and
    socket those that were denied, also those to connect that found no network, and those to socket for a family that
    there is not.

    Raises ``UnusableError`` when the event lacks a field.
    """
    if event in _OF_CALLS:
        field, expression = _OF_CALLS[event]
        _need(text, *field.split())
        return expression
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
    ended = f"(oldstate == {_ESTABLISHED} || oldstate == {_CLOSE_WAIT}){taken}"
    return f"protocol == {_TCP} && ({begun} || ({ended}))"


def _drops(text: str) -> str:
    _need(text, "reason", "protocol")
    numbers = [number for number, name in re.findall(r'\{ *(\d+), *"(\w+)" *\}', text) if name in REASONS]
    if not numbers:
        raise UnusableError("this kernel names no drop reasons")
    wanted = " || ".join(f"reason == {number}" for number in numbers)
    return f"{_IPV4_OR_IPV6} && ({wanted})"


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
