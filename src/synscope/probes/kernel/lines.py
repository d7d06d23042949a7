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
from synscope.probes.kernel.events import Call, Event, Kind, Task
from synscope.probes.kernel.filters import (
    ACCEPT,
    BEGIN,
    CALLS,
    CLONE,
    DROP,
    END,
    FORK,
    KILLED,
    LEAVING,
    RESET,
    RINGS,
    ROUTES,
    SETNS,
    STATE,
    UNSHARE,
)
from synscope.probes.kernel.formats import FormatError, pattern_of
from synscope.reference.drop_reasons import specified
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
        self._patterns: dict[str, tuple[re.Pattern[str], _Maker]] = {}
        self._events = frozenset(formats)
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
        self._patterns[_PRINTED.get(event, event.rpartition("/")[2])] = (pattern, self._maker_of(event))

    def _maker_of(self, event: str) -> _Maker:
        # Where no call's begin is traced, the end of a bind is there because it failed.
        return _unbound if event == _BIND_END and _BIND_BEGIN not in self._events else _MAKERS[event]

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
        reason=specified(body["reason"], body.groupdict().get("location") or ""),
        skb=_skb(body["skbaddr"]),
        ipv6=body["protocol"] == _IPV6_ETHERTYPE,
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
    return bare._replace(kind=Kind.UNBOUND, reason=_result(body)[1])


def _result(body: re.Match[str]) -> tuple[int, str]:
    """Return what a call returned, and the error's name where it is one."""
    number = int(body["ret"], 16)
    if number < _NEGATIVE:
        return number, ""
    return -1, errno.errorcode.get(_WORD - number, str(_WORD - number))


def _begins(name: str) -> _Maker:
    def make(bare: Event, body: re.Match[str]) -> Event:
        fields = {name: int(text, 16) for name, text in _ARGUMENT.findall(body[0])}
        family, kind = fields.get("family"), fields.get("type", 0)
        length = fields.get("addrlen", 0)
        descriptor = fields.get("fd", -1)
        call = Call(
            name,
            descriptor=descriptor if 0 <= descriptor < _NO_DESCRIPTOR else None,
            family=_FAMILY_OF_LENGTH.get(length, "Unix" if length else "")
            if family is None
            else _FAMILIES.get(family, str(family)),
            type=_TYPES.get(kind & _TYPE, str(kind & _TYPE)) if kind else "",
            flags=kind & ~_TYPE,
            length=length,
        )
        return bare._replace(kind=Kind.CALL, call=call)

    return make


def _ends(name: str) -> _Maker:
    def make(bare: Event, body: re.Match[str]) -> Event:
        value, error = _result(body)
        call = Call(name, None if error else value, error=error, end_ts_ns=bare.ts_ns)
        return bare._replace(kind=Kind.CALL, call=call)

    return make


def _routed(bare: Event, body: re.Match[str]) -> Event:
    number = -int(body["err"])
    error = errno.errorcode.get(number, str(number)) if number else ""
    server = _endpoint(body["address"], body["port"])
    return bare._replace(kind=Kind.ROUTED, server=server, reason=f"{error} {body['proto']}")


def _rings(bare: Event, _body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.RINGS)


def _killed(bare: Event, _body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.KILLED, reason="SIGSYS")


def _leaves(bare: Event, _body: re.Match[str]) -> Event:
    return bare._replace(kind=Kind.LEAVES)


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


_Maker = Callable[[Event, "re.Match[str]"], "Event | None"]
_WORD: Final = 1 << 64
_NEGATIVE: Final = 1 << 63
"""From here on a result is negative: an error."""
_NO_DESCRIPTOR: Final = 1 << 31
_FAMILIES: Final = {1: "Unix", 2: "IPv4", 10: "IPv6"}
_FAMILY_OF_LENGTH: Final = {16: "IPv4", 28: "IPv6", 12: "16"}
"""By the lengths of addresses (ip(7), ipv6(7), netlink(7)); those of Unix sockets have others."""
_TYPES: Final = {1: "stream", 2: "datagram"}
_TYPE: Final = 0xF
"""What of the argument is the type (socket(2)); the rest are flags."""
_ARGUMENT: Final = re.compile(r"(\w+): (?:0x)?([0-9a-f]{1,16})\b")
_RESULT: Final = re.compile(r"0x(?P<ret>[0-9a-f]{1,16})")
_ARGUMENTS: Final = re.compile(r".*\)")
_ROUTE: Final = re.compile(
    r"table +\d+ oif -?\d+ iif -?\d+ proto (?P<proto>\d{1,3}) \S+ -> (?P<address>[0-9a-f.:]{2,45})/(?P<port>\d{1,5})"
    r" .* err (?P<err>-?\d{1,4})"
)
_KILLED: Final = re.compile(r"sig=\d+ .*")
_BIND_BEGIN, _BIND_END = f"{BEGIN}bind", f"{END}bind"
_FIXED: Final = {
    **{f"{END}{call}": _RESULT for call in CALLS},
    **{f"{BEGIN}{call}": _ARGUMENTS for call in CALLS},
    **dict.fromkeys((*LEAVING, RINGS), _ARGUMENTS),
    **dict.fromkeys(ROUTES, _ROUTE),
    KILLED: _KILLED,
    # Names come before it, and may look like it.
    FORK: re.compile(r".* child_pid=(?P<child>\d{1,10})"),
}
_PRINTED: Final = {
    **{f"{END}{call}": f"sys_{call} ->" for call in CALLS},
    **{f"{BEGIN}{call}": f"sys_{call}(" for call in CALLS},
    UNSHARE: "sys_unshare(",
    CLONE: "sys_clone(",
    SETNS: "sys_setns(",
    RINGS: "sys_io_uring_setup(",
}
"""Event → its name in the trace, where that is another: the end of a system call is printed with its result alone."""
_NEEDED: Final = {
    **{f"{END}{call}": frozenset({"ret"}) for call in CALLS},
    **dict.fromkeys((*(f"{BEGIN}{call}" for call in CALLS), *LEAVING, RINGS, KILLED), frozenset[str]()),
    **dict.fromkeys(ROUTES, frozenset({"proto", "address", "port", "err"})),
    FORK: frozenset({"child"}),
    DROP: frozenset({"skbaddr", "protocol", "reason"}),
    RESET: frozenset({"skbaddr", "src", "dest"}),
    STATE: frozenset(
        {"family", "protocol", "sport", "dport", "saddr", "saddrv6", "daddrv6", "oldstate", "newstate"}
    ),
}
_ACCEPTS: Final = ("accept", "accept4")
_MAKERS: Final[dict[str, _Maker]] = {
    DROP: _drop,
    RESET: _reset,
    STATE: _state,
    **{f"{END}{call}": _ends(ACCEPT if call in _ACCEPTS else call) for call in CALLS},
    **{f"{BEGIN}{call}": _begins(ACCEPT if call in _ACCEPTS else call) for call in CALLS},
    **dict.fromkeys(LEAVING, _leaves),
    RINGS: _rings,
    **dict.fromkeys(ROUTES, _routed),
    KILLED: _killed,
    FORK: _fork,
}
