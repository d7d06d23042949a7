"""Drives a live session from its first step to its diagnosis: the loop of every command that captures.

Input: a session that has started, when to stop, and what is done and observed besides. Output: a ``Diagnosis``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from synscope.model import Command, Diagnosis, Observation, TargetSummary
from synscope.session.live_analysis import WAIT_S
from synscope.session.start import LiveSession

Observe = Callable[[TargetSummary], Iterable[Observation]]
"""What else is known about a target."""

LINGER_S = 0.3
"""Seconds of capture after the last thing of interest: the ring hands frames over a little later."""
ANSWER_S = 3.0
"""Seconds that the answer is waited for at most which a server owes to a client that has given up."""


class LiveRun:
    """Follows a session: ``follow``, once or several times, then ``end``, then ``conclude``.

    ``between`` is called after each step while the session is followed.
    """

    def __init__(self, session: LiveSession, *, between: Callable[[], None] = lambda: None) -> None:
        self._analysis = session.analysis
        self._surroundings = session.surroundings
        self._between = between

    def restart(self) -> None:
        """Count the time of the surroundings from now on: what is observed begins."""
        self._surroundings.restart()

    def follow(self, is_over: Callable[[], bool]) -> None:
        """Follow the frames, and what goes on around them, until it is over."""
        while not is_over():
            self._analysis.step()
            self._surroundings.step()
            self._between()

    def end(self, linger_s: float = 0.0, *, await_answers: bool = False) -> None:
        """Look at the host for the last time, and go on capturing for so many seconds, and for late answers."""
        self._surroundings.end()
        self.linger(linger_s)
        if await_answers:
            self._surroundings.settle()
            self.await_answers()
        self._surroundings.finish()

    def await_answers(self) -> None:
        """Follow the frames alone until no server owes an answer any more, for at most ``ANSWER_S``.

        That one answers after its client has left is the only proof that it would have answered.
        """
        until = self._analysis.elapsed + ANSWER_S
        while self._analysis.owes_answer() and self._analysis.elapsed < until:
            self._analysis.step()

    def linger(self, seconds: float) -> None:
        """Follow the frames alone for so many seconds."""
        until = self._analysis.elapsed + seconds
        while (left := until - self._analysis.elapsed) > 0:
            self._analysis.step(min(WAIT_S, left))

    def conclude(
        self, name: str, *, command: Command | None = None, more: Observe = lambda _: ()
    ) -> Diagnosis:
        """End the capture, called ``name``, and diagnose it. ``more`` says what else was observed."""

        def observe(summary: TargetSummary) -> Iterable[Observation]:
            yield from more(summary)
            yield from self._surroundings.observe(summary)

        self._analysis.late_redirects = self._surroundings.redirects()
        diagnosis = self._analysis.finish(name, command=command, more=observe)
        return self._surroundings.attributed(diagnosis)
