"""Binds that failed, and what is not known of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.binds import failed
from synscope.model import Answer
from synscope.probes.kernel.events import Event, Kind, TraceHealth
from tests.evidence.builders import START
from tests.evidence.kernel import events as made
from tests.evidence.kernel.events import OTHER, record

WHOLE = replace(made.WHOLE, binds=True)
DENIED = Event(START, Kind.UNBOUND, OTHER, 0, False, reason="EACCES")


@pytest.mark.parametrize(
    ("events", "health", "answer"),
    [
        ((DENIED,), WHOLE, Answer.YES),
        ((DENIED._replace(reason="EADDRINUSE"),), WHOLE, Answer.NO),
        ((), WHOLE, Answer.NO),
        ((), replace(WHOLE, lost=1), Answer.UNKNOWN),
        ((), replace(WHOLE, binds=False), Answer.UNKNOWN),
        ((), replace(WHOLE, binds=False, missing={"syscalls/sys_exit_bind": "gone"}), Answer.UNKNOWN),
        ((), replace(WHOLE, beside="another namespace is captured"), Answer.UNKNOWN),
    ],
)
def test_answers(events: tuple[Event, ...], health: TraceHealth, answer: Answer) -> None:
    assert failed("EACCES", record(*events, health=health)).answer is answer


def test_text() -> None:
    assert failed("EACCES", record(DENIED, DENIED, health=WHOLE)).text == (
        "a bind of other (200) failed with EACCES, and 1 other; the kernel does not say for which port"
    )
