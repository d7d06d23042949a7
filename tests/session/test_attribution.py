"""Attempts get their processes from the trace and from looks, at a cost that is bounded."""

from __future__ import annotations

import os
from typing import Any, cast

import pytest

from synscope.evidence.kernel.ties import Tie
from synscope.model import EndProcess, EndProcesses, ProcessSource
from synscope.probes.host.identity import Identities, Identity
from synscope.probes.kernel.events import Event, Kind, Task, TraceHealth
from synscope.session import attribution
from synscope.session.attribution import Attribution
from tests.evidence.host.test_server_process import FOUND, HAS, attempt, look

MADE = attempt()
CONNECT = Event(
    MADE.first_ts_ns - 20_000, Kind.CONNECT, Task(71, "curl-thread"), 0, False, MADE.client, MADE.server
)


class Trace:
    """What the trace's reader has read."""

    def __init__(self, *events: Event) -> None:
        self.events = list(events)
        self.health = TraceHealth(start_ts_ns=0)
        self.identities = Identities()
        self.is_closed = False
        self.reads = 0


def made(trace: Trace | None) -> Attribution:
    found = Attribution()
    found.trace = cast(Any, trace)
    found.looks = [look(HAS, later_s=-1)]
    return found


def test_both_ends() -> None:
    trace = Trace(CONNECT)
    trace.identities._known[71, "curl-thread"] = Identity(70, "curl", 1000, "", "cron.service")
    client = EndProcess(70, "curl", 1000, None, "cron.service", ProcessSource.KERNEL)
    assert made(trace).named(MADE).process == EndProcesses(client, FOUND)


def test_a_client_that_was_gone_is_the_thread_that_acted() -> None:
    client = EndProcess(71, "curl-thread", None, None, None, ProcessSource.KERNEL)
    assert made(Trace(CONNECT)).named(MADE).process.client == client


def test_without_a_trace_and_without_looks_nobody_is_known() -> None:
    without = made(None)
    assert without.named(MADE).process == EndProcesses(None, FOUND)
    without.looks = []
    assert without.named(MADE) is MADE


def test_the_trace_is_searched_anew_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(attribution.time, "monotonic", lambda: now[0])
    trace = Trace()
    found = made(trace)
    assert found.named(MADE).process.client is None
    found._next = 101.0
    trace.events.append(CONNECT)
    assert found.named(MADE).process.client is None
    now[0] = 101.0
    assert found.named(MADE).process.client is not None
    trace.events.clear()
    found._next = 102.0
    trace.is_closed = True
    assert found.named(MADE).process.client is None
    trace.events.append(CONNECT)
    assert found.named(MADE).process.client is None


def test_what_it_takes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tie takes 60 ms here: two fit at once, the next one only after more than a second."""
    now = [100.0]

    def connect_of(record: object, one: object) -> Tie:
        del record, one
        now[0] += 0.06
        return Tie(CONNECT, "")

    monkeypatch.setattr(attribution.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(attribution, "connect_of", connect_of)
    found = made(Trace(CONNECT))
    told = [found.named(MADE).process for _ in range(4)]
    assert [ends.client is not None for ends in told] == [True, True, False, False]
    assert {ends.server for ends in told} == {FOUND}
    now[0] += 1.0
    assert found.named(MADE).process.client is not None


def test_this_process_is_met_in_time() -> None:
    trace = Trace(CONNECT._replace(task=Task(os.getpid(), "python")))
    trace.identities.meet(os.getpid(), "python")
    client = made(trace).named(MADE).process.client
    assert client is not None
    assert (client.pid, client.uid) == (os.getpid(), os.getuid())
