"""Events and records with the least that a test has to say."""

from __future__ import annotations

from synscope.evidence.kernel.record import Record
from synscope.model import Attempt, Endpoint
from synscope.probes.kernel.events import Call, Event, Kind, Task, TraceHealth
from tests.evidence import builders
from tests.evidence.builders import START

US = 1000
PORT = 62893
OURS = Task(100, "client")
OTHER = Task(200, "other")
SERVER = Endpoint("127.0.0.1", PORT)
CLIENT = Endpoint("127.0.0.1", 50_000)
WHOLE = TraceHealth(start_ts_ns=START - 10**9, end_ts_ns=START + 60 * 10**9, names_resets=True, overflows=0)


def connect(at: int = -20 * US, task: Task = OURS, server: Endpoint = SERVER) -> Event:
    address = "::1" if ":" in server.address else "127.0.0.1"
    return Event(START + at, Kind.CONNECT, task, 0, False, Endpoint(address, 0), server, "TCP_SYN_SENT")


def settled(at: int, task: Task = OURS, client: Endpoint = CLIENT, *, interrupt: bool = False) -> Event:
    return Event(START + at, Kind.SETTLED, task, 0, interrupt, client, SERVER, "TCP_CLOSE")


def drop(
    at: int, reason: str, task: Task = OURS, *, skb: str = "aa", ipv6: bool = False, interrupt: bool = True
) -> Event:
    return Event(START + at, Kind.DROP, task, 0, interrupt, reason=reason, skb=skb, ipv6=ipv6)


def reset(at: int, reason: str = "NO_SOCKET", task: Task = OURS, skb: str = "aa") -> Event:
    return Event(START + at, Kind.RESET, task, 0, True, CLIENT, SERVER, reason, skb)


def listener(at: int, kind: Kind, address: str = "127.0.0.1", port: int = PORT) -> Event:
    return Event(START + at, kind, Task(300, "server"), 0, False, None, Endpoint(address, port))


def call(name: str, error: str = "", server: Endpoint | None = None, at: int = 0, **more: object) -> Event:
    """A call of the command's own, over TCP and IPv4 unless it is said otherwise."""
    fields = {"family": "IPv4", "type": "stream", "end_ts_ns": START + at + US, **more}
    told = Call(name, error=error, **fields)  # type: ignore[arg-type]
    return Event(START + at, Kind.CALL, OURS, 0, False, server=server, of_command=True, call=told)


def record(*events: Event, health: TraceHealth = WHOLE) -> Record:
    return Record(events, health)


def attempt(outcome: builders.Outcome, **fields: object) -> Attempt:
    return builders.attempt(outcome, **fields)  # type: ignore[arg-type]
