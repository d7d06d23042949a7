"""From one line of ``trace_pipe`` to an event. Any bytes are survived; a thread's name may hold most of them.

Input: lines as text, the events' formats, the offset of the trace's clock. Pure. Source: the header that
``trace`` prints, and Documentation/trace/ftrace.rst ("Output format").
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from synscope.model import PORT_MAX, Endpoint
from synscope.probes.kernel.events import Event, Kind, Task
from synscope.probes.kernel.filters import (
    BIND,
    CLONE,
    CONNECT,
    DROP,
    FILTERED,
    FORK,
    LEAVING,
    RESET,
    SETNS,
    SOCKET,
    STATE,
    TO_FILE,
    UNSHARE,
)
from synscope.probes.kernel.formats import FormatError, pattern_of
from synscope.reference.loopback import parsed

_LINE = re.compile(
    r" *(?P<comm>.{1,16}?)-(?P<tid>\d{1,10}) +(?:\([ \d-]*\) +)?\[(?P<cpu>\d{3,5})\] +(?P<flags>\S{4,6}) +"
    r"(?P<seconds>\d{1,12})\.(?P<micros>\d{6}): (?P<event>\w+(?:\(| ->)?):? ?(?P<rest>.*)"
)
_LOST = re.compile(r"CPU:\d+ \[LOST (\d{1,18}) EVENTS\]")
_LOST_SOME: Final = "[LOST EVENTS]"
_UNKNOWN_COMM: Final = "<...>"
_INTERRUPT_FLAGS: Final = frozenset("shHzZ")
"""Third character of the flags: software, hardware and non-maskable interrupts."""
_IPV6_ETHERTYPE: Final = "34525"
_TCP: Final = ("6", "IPPROTO_TCP")
_NO_ADDRESS: Final = "(____ptrval____)"
"""Printed for every address until the kernel has enough randomness to hash them."""
_SOCKET_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([0-9.]+)):(\d{1,5})")

_KINDS: Final = {
    ("TCP_CLOSE", "TCP_SYN_SENT"): Kind.CONNECT,
    ("TCP_SYN_SENT", "TCP_CLOSE"): Kind.SETTLED,
    ("TCP_SYN_SENT", "TCP_ESTABLISHED"): Kind.SETTLED,
    ("TCP_ESTABLISHED", "TCP_FIN_WAIT1"): Kind.LEFT,
    ("TCP_ESTABLISHED", "TCP_CLOSE"): Kind.LEFT,
    ("TCP_CLOSE_WAIT", "TCP_LAST_ACK"): Kind.LEFT,
    ("TCP_CLOSE_WAIT", "TCP_CLOSE"): Kind.LEFT,
    ("TCP_CLOSE", "TCP_LISTEN"): Kind.LISTEN,
    ("TCP_LISTEN", "TCP_CLOSE"): Kind.UNLISTEN,
}


class Parser:
    """Takes the lines of one trace apart."""

    def __init__(self, formats: Mapping[str, str], offset_ns: int) -> None:
        """Prepare for events with these ``format`` texts; ``offset_ns`` turns the trace's clock into the epoch's."""
        self._offset_ns = offset_ns
        self.missing: dict[str, str] = {}
        """Event → why its lines cannot be read."""
        self._patterns: dict[str, tuple[re.Pattern[str], Callable[[Event, re.Match[str]], Event | None]]] = {}
        for event, text in formats.items():
            self._learn(event, text)

    def _learn(self, event: str, text: str) -> None:
        try:
            pattern = _FIXED.get(event) or pattern_of(text)
        except FormatError as error:
            self.missing[event] = str(error)
            return
        absent = sorted(_NEEDED[event] - pattern.groupindex.keys())
        if absent:
            self.missing[event] = f"this kernel does not print {', '.join(absent)}"
            return
        self._patterns[_PRINTED.get(event, event.rpartition("/")[2])] = (pattern, _MAKERS[event])

    def event(self, line: str) -> Event | None:
        """Return the line's event; ``None`` when it has none that is used. Raises ``ValueError`` on nonsense."""
        head = _LINE.fullmatch(line)
        known = self._patterns.get(head["event"]) if head else None
        if head is None or known is None:
            raise ValueError("not a line of an event that was asked for")
        pattern, make = known
        body = pattern.fullmatch(head["rest"])
        if body is None:
            raise ValueError("the line does not fit the event's format")
        return make(self._bare(head), body)

    def _bare(self, head: re.Match[str]) -> Event:
        return Event(
            ts_ns=int(head["seconds"]) * 1_000_000_000 + int(head["micros"]) * 1_000 + self._offset_ns,
            kind=Kind.DROP,
            task=_task(head["tid"], head["comm"]),
            cpu=int(head["cpu"]),
            interrupt=head["flags"][2] in _INTERRUPT_FLAGS,
        )


def lost_in(line: str) -> int:
    """Return how many events a line says were lost: 0 for an ordinary one, 1 when it does not count them."""
    found = _LOST.match(line)
    return int(found[1]) if found else int(_LOST_SOME in line and line.startswith("CPU:"))


def names_resets(formats: Mapping[str, str]) -> bool:
    """Whether the kernel traces an RST that belongs to no socket, with its addresses."""
    try:
        return {"src", "dest"} <= pattern_of(formats.get(RESET, "")).groupindex.keys()
    except FormatError:
        return False


def _drop(bare: Event, body: re.Match[str]) -> Event:
    return bare._replace(
        reason=body["reason"], skb=_skb(body["skbaddr"]), ipv6=body["protocol"] == _IPV6_ETHERTYPE
    )


def _reset(bare: Event, body: re.Match[str]) -> Event:
    fields = body.groupdict()
    return bare._replace(
        kind=Kind.RESET,
        server=_printed_endpoint(body["src"]),
        client=_printed_endpoint(body["dest"]),
        reason=fields.get("reason") or "",
        skb=_skb(body["skbaddr"]),
    )


def _state(bare: Event, body: re.Match[str]) -> Event | None:
    kind = _KINDS.get((body["oldstate"], body["newstate"]))
    if kind is None or body["protocol"] not in _TCP:
        return None
    local = _endpoint(body["saddrv6"], body["sport"])
    if kind in (Kind.LISTEN, Kind.UNLISTEN):
        local = local if body["family"] == "AF_INET6" else _endpoint(body["saddr"], body["sport"])
        return bare._replace(kind=kind, server=local)
    remote = _endpoint(body["daddrv6"], body["dport"])
    return bare._replace(kind=kind, client=local, server=remote, reason=body["newstate"])


def _unbound(bare: Event, body: re.Match[str]) -> Event:
    return _failed(bare, body, Kind.UNBOUND)


def _denied(bare: Event, body: re.Match[str]) -> Event:
    return _failed(bare, body, Kind.DENIED)


def _no_socket(bare: Event, body: re.Match[str]) -> Event:
    return _failed(bare, body, Kind.NO_SOCKET)


def _failed(bare: Event, body: re.Match[str], kind: Kind) -> Event:
    number = (1 << 64) - int(body["ret"], 16)
    return bare._replace(kind=kind, reason=errno.errorcode.get(number, str(number)))


def _filtered(bare: Event, body: re.Match[str]) -> Event:
    number = int(body["error"])
    return bare._replace(kind=Kind.FILTERED, reason=errno.errorcode.get(number, str(number)))


def _leaves(bare: Event, _body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.LEAVES)


def _to_file(bare: Event, _body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.TO_FILE)


def _fork(bare: Event, body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.FORK, child=int(body["child"]))


def _printed_endpoint(text: str) -> Endpoint:
    found = _SOCKET_ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("no address and port")
    return _endpoint(found[1] or found[2], found[3])


@lru_cache(maxsize=4096)
def _endpoint(address: str, port: str) -> Endpoint:
    """Return an endpoint, an IPv4-mapped address as the IPv4 address on the wire. Cached: events repeat them."""
    ip = parsed(address)
    number = int(port)
    if ip is None or number > PORT_MAX:
        raise ValueError("no address or port")
    return Endpoint(str(ip), number)


@lru_cache(maxsize=1024)
def _task(tid: str, comm: str) -> Task:
    return Task(int(tid), None if comm == _UNKNOWN_COMM else comm)


def _skb(text: str) -> str:
    return "" if text == _NO_ADDRESS or not text.strip("0x") else text


_RESULT: Final = re.compile(r"0x(?P<ret>[0-9a-f]{1,16})")
_ARGUMENTS: Final = re.compile(r".*\)")
_FIXED: Final = {
    BIND: _RESULT,
    CONNECT: _RESULT,
    SOCKET: _RESULT,
    TO_FILE: _ARGUMENTS,
    **dict.fromkeys(LEAVING, _ARGUMENTS),
    FILTERED: re.compile(r"NR -1 = -(?P<error>\d{1,4})"),
    # Names come before it, and may look like it.
    FORK: re.compile(r".* child_pid=(?P<child>\d{1,10})"),
}
_PRINTED: Final = {
    BIND: "sys_bind ->",
    CONNECT: "sys_connect ->",
    SOCKET: "sys_socket ->",
    TO_FILE: "sys_connect(",
    UNSHARE: "sys_unshare(",
    CLONE: "sys_clone(",
    SETNS: "sys_setns(",
    FILTERED: "sys_exit:",
}
"""Event → its name in the trace, where that is another: the end of a system call is printed with its result alone."""
_NEEDED: Final = {
    BIND: frozenset({"ret"}),
    CONNECT: frozenset({"ret"}),
    SOCKET: frozenset({"ret"}),
    TO_FILE: frozenset(),
    **dict.fromkeys(LEAVING, frozenset()),
    FILTERED: frozenset({"error"}),
    FORK: frozenset({"child"}),
    DROP: frozenset({"skbaddr", "protocol", "reason"}),
    RESET: frozenset({"skbaddr", "src", "dest"}),
    STATE: frozenset(
        {"family", "protocol", "sport", "dport", "saddr", "saddrv6", "daddrv6", "oldstate", "newstate"}
    ),
}
_MAKERS: Final[dict[str, Callable[[Event, re.Match[str]], Event | None]]] = {
    DROP: _drop,
    RESET: _reset,
    STATE: _state,
    BIND: _unbound,
    CONNECT: _denied,
    SOCKET: _no_socket,
    TO_FILE: _to_file,
    **dict.fromkeys(LEAVING, _leaves),
    FILTERED: _filtered,
    FORK: _fork,
}
