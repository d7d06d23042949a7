"""The loop of every live command: what it calls, in which order, and what it adds to the diagnosis."""

from __future__ import annotations

import time
from typing import Any

from synscope.model import Command
from synscope.session.live_run import LiveRun


class _Session:
    """A session that writes down what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.analysis = self.surroundings = self
        self.observed: list[object] = []
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def step(self, wait: float | None = None) -> None:
        self.calls.append("step" if wait is None else "linger")
        time.sleep(wait or 0)

    def __getattr__(self, name: str) -> Any:
        return lambda: self.calls.append(name)

    def observe(self, summary: object) -> list[object]:
        return [("surroundings", summary)]

    def finish(self, name: str = "", *, command: Command | None = None, more: Any = None) -> Any:
        self.calls.append("finish")
        if more is None:
            return None
        self.observed = list(more("the summary"))
        return name, command

    def attributed(self, diagnosis: object) -> object:
        return "attributed", diagnosis


def test_from_the_first_step_to_the_diagnosis() -> None:
    session = _Session()
    turns = iter([False, False, True])
    run = LiveRun(session, between=lambda: session.calls.append("between"))  # type: ignore[arg-type]
    run.restart()
    run.follow(lambda: next(turns))
    run.end()
    one = ["step", "step", "between"]
    assert session.calls == ["restart", *one, *one, "end", "finish"]
    diagnosis: Any = run.conclude("name", more=lambda summary: [("more", summary)])  # type: ignore[list-item]
    assert diagnosis == ("attributed", ("name", None))
    assert session.observed == [("more", "the summary"), ("surroundings", "the summary")]


def test_it_lingers_between_the_last_look_and_its_end() -> None:
    session = _Session()
    began = time.monotonic()
    LiveRun(session).end(0.12)  # type: ignore[arg-type]
    assert time.monotonic() - began >= 0.12
    assert session.calls[0] == "end"
    assert session.calls[-1] == "finish"
    assert 3 <= session.calls.count("linger") <= 5


def test_it_waits_for_answers_that_are_owed() -> None:
    session = _Session()
    owed = iter([True, True, False])
    session.owes_answer = lambda: next(owed)  # type: ignore[attr-defined]
    LiveRun(session).end(await_answers=True)  # type: ignore[arg-type]
    assert session.calls == ["end", "settle", "step", "step", "finish"]


def test_without_more_the_surroundings_alone_are_asked() -> None:
    session = _Session()
    LiveRun(session).conclude("name")  # type: ignore[arg-type]
    assert session.observed == [("surroundings", "the summary")]
