"""What the kernel did not grant the command before any SYN: connects, sockets, binds of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.denied import (
    bind_no_address,
    connect_denied,
    family_refused,
    own_bind_in_use,
    socket_denied,
)
from synscope.evidence.kernel.record import KernelView
from synscope.model import Answer, Target
from synscope.probes.kernel.events import Event, Kind, TraceHealth
from tests.evidence.builders import START
from tests.evidence.kernel.events import OURS, WHOLE, record

TARGET = Target("localhost:62893", 62893, "localhost")
WATCHED = replace(WHOLE, binds=True, denials=True)
DENIED = Event(START, Kind.DENIED, OURS, 0, False, reason="EPERM", of_command=True)
NO_SOCKET = DENIED._replace(kind=Kind.NO_SOCKET, reason="EACCES")
UNBOUND = DENIED._replace(kind=Kind.UNBOUND, reason="EADDRNOTAVAIL")


def view(*events: Event, health: TraceHealth = WATCHED) -> KernelView:
    return KernelView(TARGET, (), record(*events, health=health))


def test_a_connect_that_was_denied() -> None:
    assert connect_denied(view(DENIED, DENIED)).text == (
        "a connect of client (100) was denied with EPERM (2 connects in all); the kernel does not say for which port"
    )
    assert connect_denied(view(NO_SOCKET)).answer is Answer.NO
    assert socket_denied(view(NO_SOCKET)).text == (
        "a socket of client (100) was denied with EACCES; the kernel does not say for which port"
    )
    assert socket_denied(view(DENIED)).answer is Answer.NO


def test_a_family_that_there_is_not_is_no_denial() -> None:
    refused = view(NO_SOCKET._replace(reason="EAFNOSUPPORT"))
    assert family_refused(refused).answer is Answer.YES
    assert socket_denied(refused).answer is Answer.NO
    assert family_refused(view(NO_SOCKET)).answer is Answer.NO


def test_a_bind_of_the_command_is_not_anybodys() -> None:
    assert bind_no_address(view(UNBOUND)).answer is Answer.YES
    assert bind_no_address(view(UNBOUND._replace(of_command=False))).answer is Answer.NO
    assert own_bind_in_use(view(UNBOUND)).answer is Answer.NO
    assert own_bind_in_use(view(UNBOUND._replace(reason="EADDRINUSE"))).answer is Answer.YES


@pytest.mark.parametrize("health", [replace(WATCHED, denials=False), replace(WATCHED, lost=1)])
def test_what_was_not_watched_is_not_known(health: TraceHealth) -> None:
    for asked in (connect_denied, socket_denied, family_refused, bind_no_address, own_bind_in_use):
        assert asked(view(health=health)).answer is Answer.UNKNOWN


def test_binds_of_another_namespace_are_not_told() -> None:
    health = replace(WATCHED, beside="another namespace is captured")
    assert bind_no_address(view(UNBOUND, health=health)).answer is Answer.UNKNOWN
    assert connect_denied(view(DENIED, health=health)).answer is Answer.YES
