"""What the kernel did not grant the command before any SYN: connects, sockets, binds of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.denied import (
    bind_no_address,
    call_filtered,
    connect_denied,
    family_refused,
    own_bind_in_use,
    socket_denied,
)
from synscope.evidence.kernel.record import KernelView
from synscope.model import Answer, Endpoint, Target
from synscope.probes.kernel.events import Event, Kind, TraceHealth
from synscope.probes.kernel.filters import ROUTES
from tests.evidence.builders import START
from tests.evidence.kernel.events import OURS, SERVER, WHOLE, call, record

TARGET = Target("localhost:62893", 62893, "localhost")
WATCHED = replace(WHOLE, binds=True, denials=True)
DENIED = call("connect", "EPERM")
NO_SOCKET = call("socket", "EACCES")
UNBOUND = call("bind", "EADDRNOTAVAIL")


def view(*events: Event, health: TraceHealth = WATCHED) -> KernelView:
    return KernelView(TARGET, (), record(*events, health=health))


def test_a_connect_that_was_denied() -> None:
    assert connect_denied(view(DENIED, DENIED)).text == (
        "a connect over IPv4 of client (100) was denied with EPERM (2 connects in all)"
    )
    assert connect_denied(view(NO_SOCKET)).answer is Answer.NO
    assert socket_denied(view(NO_SOCKET)).text == "a socket over IPv4 of client (100) was denied with EACCES"
    assert socket_denied(view(DENIED)).answer is Answer.NO


def test_a_denial_that_may_be_anothers_is_none_of_the_target() -> None:
    began = call("connect", server=SERVER, began=True)
    assert connect_denied(view(DENIED, began)).answer is Answer.UNKNOWN
    assert socket_denied(view(NO_SOCKET, began)).answer is Answer.UNKNOWN
    assert socket_denied(view(call("socket", "EACCES", family="Unix"))).answer is Answer.NO
    assert socket_denied(view(call("socket", "EACCES", type="datagram"))).answer is Answer.NO


def test_what_the_routes_forbid_is_no_policys() -> None:
    forbidden = call("connect", "EACCES", SERVER, route_error="EACCES")
    assert connect_denied(view(forbidden)).answer is Answer.NO
    blind = replace(WATCHED, missing_calls=dict.fromkeys(ROUTES, "no such event"))
    assert connect_denied(view(call("connect", "EACCES"), health=blind)).answer is Answer.UNKNOWN
    assert connect_denied(view(DENIED, health=blind)).answer is Answer.YES


def test_a_family_that_there_is_not_is_no_denial() -> None:
    refused = view(call("socket", "EAFNOSUPPORT", family="IPv6"))
    assert family_refused(refused).answer is Answer.YES
    assert socket_denied(refused).answer is Answer.NO
    assert family_refused(view(NO_SOCKET)).answer is Answer.NO


def test_a_filter_denies_a_call() -> None:
    filtered = call("socket", "EAFNOSUPPORT", family="", type="", filtered=True)
    assert call_filtered(view(filtered)).answer is Answer.YES
    assert family_refused(view(filtered)).answer is Answer.YES
    assert call_filtered(view(NO_SOCKET)).answer is Answer.NO
    killed = Event(START, Kind.KILLED, OURS, 0, False, reason="SIGSYS", of_command=True)
    assert call_filtered(view(killed)).answer is Answer.YES


def test_a_bind_of_the_client() -> None:
    missed = UNBOUND._replace(server=Endpoint("10.9.9.9", 0))
    assert bind_no_address(view(missed)).text.endswith("with EADDRNOTAVAIL; the address is 10.9.9.9")
    assert own_bind_in_use(view(UNBOUND)).answer is Answer.NO
    assert own_bind_in_use(view(call("bind", "EADDRINUSE"))).answer is Answer.YES
    listens = call("listen")
    assert bind_no_address(view(UNBOUND, listens)).answer is Answer.UNKNOWN, "a server's, perhaps"


@pytest.mark.parametrize(
    "health",
    [replace(WATCHED, denials=False), replace(WATCHED, calls_gaps="the trace of calls lost 1 events")],
)
def test_what_was_not_watched_is_not_known(health: TraceHealth) -> None:
    for asked in (connect_denied, socket_denied, family_refused, bind_no_address, own_bind_in_use):
        assert asked(view(health=health)).answer is Answer.UNKNOWN
