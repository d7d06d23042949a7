"""Puts the watched command's system calls together, from the trace of its tree of processes.

Input: events of the instance that the kernel limits to the tree. Output: one event for each call, with the address
that it is about, in the order of time; what else the threads did that no call shows. Pure but for the descriptors of
the stream. A call's begin and its end are lines of one thread, and so is all that the kernel does in between: where
it looks for a way tells the address, which is in the caller's memory otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from synscope.model import Endpoint
from synscope.probes.kernel.events import Call, Event, Kind, Task
from synscope.probes.kernel.filters import ACCEPT, BEGIN, CONNECT, END, FORK, SOCKET, UNSHARE
from synscope.probes.kernel.instance import Handover
from synscope.probes.kernel.lines import Parser
from synscope.probes.kernel.stream import Stream

MOST_CALLS: Final = 4_000
"""Kept at once: the first ones, for a client that goes on for ever does the same again, and the last ones."""
MOST_CALLS_A_SECOND: Final = 4_000
"""Lines, of which a connect makes eight: 500 connects a second. Reading so many takes a twelfth of one core."""
MOST_THREADS: Final = 20_000
"""Threads of the command that are known at once."""
_MOST_SOCKETS: Final = 20_000
_UDP, _BIND = "17", "0"
"""Protocols of a look for a way."""
_GOES_ON: Final = frozenset({"EINPROGRESS", "EALREADY", "EINTR"})
_OF_CALL: Final = frozenset({SOCKET, CONNECT})


class _Socket(NamedTuple):
    """What a descriptor was made as."""

    family: str
    type: str
    flags: int
    bound: bool = False


@dataclass(slots=True)
class _Open:
    """A call that has begun."""

    event: Event
    routed: Event | None = None
    began: Event | None = None


class CallReader:
    """Owns the stream of the tree's instance until ``close``."""

    def __init__(
        self,
        handover: Handover,
        offset_ns: int,
        *,
        named: Callable[[Task], Task] = lambda task: task,
        most_a_second: int = MOST_CALLS_A_SECOND,
    ) -> None:
        """``offset_ns`` turns the trace's clock into the epoch's; ``named`` gives a thread its name."""
        self._named = named
        parser = Parser(handover.formats, offset_ns)
        self.missing = {**handover.missing, **parser.missing}
        self._known = frozenset(handover.formats) - parser.missing.keys()
        self.stream = Stream(handover.pipe, handover.switch, parser.event, most_a_second)
        self.threads: set[int] = set()
        """The threads of the command that are known, gone ones too."""
        self._first: list[Event] = []
        self._last: deque[Event] = deque(maxlen=MOST_CALLS // 2)
        self._forgotten = 0
        self._open: dict[int, _Open] = {}
        self._sockets: dict[tuple[int, int], _Socket] = {}
        self._newest: dict[int, _Socket] = {}
        self._sent: set[tuple[str, Endpoint]] = set()
        self._beside = ""

    @property
    def tells_calls(self) -> bool:
        """Whether this kernel traces what is needed: sockets and connects, and who starts whom."""
        needed = {f"{end}{call}" for end in (BEGIN, END) for call in _OF_CALL}
        return {*needed, FORK} <= self._known

    @property
    def tells_leaving(self) -> bool:
        """Whether it traces that threads go into another network namespace."""
        return UNSHARE in self._known

    @property
    def events(self) -> list[Event]:
        """The calls, also those that are not over, and what else was kept."""
        going_on = [self._call(each, None) for each in self._open.values()]
        return [*self._first, *self._last, *going_on]

    @property
    def beside(self) -> str:
        """What was done without a call that is told of; empty when nothing was."""
        return self._beside

    @property
    def gaps(self) -> str | None:
        """What is missing of the calls, for a person; ``None`` when nothing is."""
        stream = self.stream
        parts = (
            f"the trace of calls lost {stream.lost:,} events" if stream.lost else "",
            f"{stream.unread:,} lines of the trace of calls were not understood" if stream.unread else "",
            f"{self._forgotten:,} calls were dropped to bound memory" if self._forgotten else "",
            f"the trace of calls was {stream.switched_off}" if stream.switched_off else "",
            "the command has more threads than are followed" if len(self.threads) >= MOST_THREADS else "",
        )
        return "; ".join(part for part in parts if part) or None

    def read(self) -> None:
        """Take what has come."""
        for event in self.stream.read():
            task = event.task if event.task.comm else self._named(event.task)
            self._take(event._replace(task=task, of_command=True))

    def close(self) -> None:
        """Switch the events off, read the rest, close the descriptors."""
        if self.stream.pipe >= 0:
            self.stream.turn_off()
            self.read()
            self.stream.close()

    def _take(self, event: Event) -> None:
        tid = event.task.tid
        if len(self.threads) < MOST_THREADS:
            self.threads.add(tid)
        if event.kind is Kind.FORK:
            if len(self.threads) < MOST_THREADS:
                self.threads.add(event.child)
        elif event.kind is Kind.CALL:
            self._take_call(event)
        elif event.kind is Kind.ROUTED:
            self._take_route(event)
        elif event.kind is Kind.CONNECT:
            current = self._open.get(tid)
            if current is not None and _name(current.event) == CONNECT:
                current.began = event
            else:
                self._keep(event._replace(kind=Kind.CALL, call=Call(CONNECT, began=True, type="stream")))
        elif event.kind is Kind.RINGS:
            self._beside = f"{event.task} uses io_uring, whose requests are no system calls"
        else:
            self._keep(event)

    def _take_call(self, event: Event) -> None:
        tid, call = event.task.tid, event.call
        assert call is not None  # noqa: S101 - its kind says so
        begun = self._open.pop(tid, None)
        if call.end_ts_ns is None:
            self._open[tid] = _Open(event)
        elif begun is not None and _name(begun.event) == call.name:
            self._keep(self._call(begun, event))
        elif call.error and not self.stream.lost:
            self._keep(event._replace(call=call._replace(filtered=True)))

    def _take_route(self, event: Event) -> None:
        """An address that the kernel looks up in a thread's call is the call's; without a call, something is sent."""
        if event.interrupt or event.server is None:
            return
        protocol = event.reason.rpartition(" ")[2]
        current = self._open.get(event.task.tid)
        if current is not None and _name(current.event) == ("bind" if protocol == _BIND else CONNECT):
            # Of several tables the last one that was asked has the word.
            current.routed = event
        elif (
            protocol != _BIND and (protocol, event.server) not in self._sent and len(self._sent) < MOST_CALLS
        ):
            self._sent.add((protocol, event.server))
            family = "IPv6" if ":" in event.server.address else "IPv4"
            sent = Call("send", family=family, type="datagram" if protocol == _UDP else "stream")
            self._keep(event._replace(kind=Kind.CALL, reason="", call=sent))

    def _call(self, begun: _Open, end: Event | None) -> Event:
        """Return a call of which begin and end are known, as one event."""
        call = begun.event.call
        assert call is not None  # noqa: S101 - its kind says so
        tid = begun.event.task.tid
        told = Call("") if end is None or end.call is None else end.call
        error = "" if told.error in _GOES_ON else told.error
        if call.name == SOCKET:
            if not error and told.descriptor is not None:
                self._learn(tid, told.descriptor, _Socket(call.family, call.type, call.flags))
            made = call._replace(descriptor=told.descriptor)
        else:
            made = self._with_socket(tid, call)
        if call.name == "bind" and not error and end is not None and call.descriptor is not None:
            self._learn(tid, call.descriptor, _Socket(made.family, made.type, made.flags, bound=True))
        routed, began = begun.routed, begun.began
        route = routed.reason.rpartition(" ")[0] if routed is not None else ""
        server = (began or routed or begun.event).server
        if call.name == ACCEPT:
            made = made._replace(descriptor=told.descriptor)
        made = made._replace(
            error=error,
            end_ts_ns=None if end is None else end.ts_ns,
            route_error=route,
            began=began is not None,
        )
        task = begun.event.task if begun.event.task.comm or end is None else end.task
        return begun.event._replace(task=task, server=server, call=made)

    def _learn(self, tid: int, descriptor: int, made: _Socket) -> None:
        if len(self._sockets) >= _MOST_SOCKETS:
            self._sockets.clear()
            self._newest.clear()
        self._sockets[tid, descriptor] = made
        self._newest[descriptor] = made

    def _with_socket(self, tid: int, call: Call) -> Call:
        """Return a call with what its descriptor was made as: by its own thread, else by any."""
        at = call.descriptor
        if at is None:
            return call
        made = self._sockets.get((tid, at)) or self._newest.get(at)
        if made is None or (call.family and made.family not in ("", call.family)):
            return call
        return call._replace(family=made.family, type=made.type, flags=made.flags, bound=made.bound)

    def _keep(self, event: Event) -> None:
        if len(self._first) < MOST_CALLS // 2:
            self._first.append(event)
            return
        self._forgotten += len(self._last) == self._last.maxlen
        self._last.append(event)


def _name(event: Event) -> str:
    return "" if event.call is None else event.call.name
