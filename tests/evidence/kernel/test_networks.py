"""A command that leaves the network namespace that is captured."""

from __future__ import annotations

import pytest

from synscope.evidence.kernel.observe import observe_kernel
from synscope.model import Answer, Endpoint, Observation
from synscope.probes.kernel.events import Call, Event, Kind, Task, TraceHealth
from synscope.targets import parse

HEALTH = TraceHealth(start_ts_ns=1, end_ts_ns=10**9, denials=True, leaves=True)
WGET = Task(7, "wget")
LEAVES = Event(100, Kind.LEAVES, WGET, 0, interrupt=False, of_command=True)
NO_WAY = LEAVES._replace(
    ts_ns=200,
    kind=Kind.CALL,
    call=Call("connect", family="IPv4", type="stream", error="ENETUNREACH", end_ts_ns=201),
)
CONNECT = LEAVES._replace(
    ts_ns=300, kind=Kind.CONNECT, client=Endpoint("127.0.0.1", 0), server=Endpoint("127.0.0.1", 8080)
)


def observed(*events: Event, health: TraceHealth = HEALTH) -> dict[str, Observation]:
    return {each.name: each for each in observe_kernel(parse("127.0.0.1:8080"), (), events, health)}


def test_its_loopback_is_down() -> None:
    found = observed(LEAVES, NO_WAY)
    assert found["kernel-saw-command-leave-network"].answer is Answer.YES
    assert found["loopback-is-down"].answer is Answer.YES
    assert "ENETUNREACH" in found["loopback-is-down"].text


def test_it_connects_in_its_own() -> None:
    found = observed(LEAVES, NO_WAY, CONNECT)
    assert found["kernel-saw-connect-in-own-network"].answer is Answer.YES
    assert found["loopback-is-down"].answer is Answer.UNKNOWN


@pytest.mark.parametrize("events", [(NO_WAY,), (CONNECT,), (LEAVES,), (NO_WAY._replace(ts_ns=50), LEAVES)])
def test_nothing_is_concluded_from_less(events: tuple[Event, ...]) -> None:
    assert observed(*events)["loopback-is-down"].answer is Answer.UNKNOWN
    assert observed(*events)["kernel-saw-connect-in-own-network"].answer is not Answer.YES


def test_what_is_not_traced_is_not_told() -> None:
    found = observed(health=TraceHealth(start_ts_ns=1, end_ts_ns=10**9, denials=True))
    assert found["kernel-saw-command-leave-network"].answer is Answer.UNKNOWN
    assert observed()["kernel-saw-command-leave-network"].answer is Answer.NO


def test_a_filter_of_calls() -> None:
    call = Call("socket", error="EAFNOSUPPORT", end_ts_ns=101, filtered=True)
    denied = LEAVES._replace(kind=Kind.CALL, call=call)
    assert observed(denied)["kernel-saw-call-filtered"].answer is Answer.YES
    assert observed()["kernel-saw-call-filtered"].answer is Answer.NO
