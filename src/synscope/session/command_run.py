"""Watches one command try to connect, and diagnoses what it met.

Input: a session with the command ready to go. Output: the diagnosis, and how the command ended. Secrets in the
command's words and in what it printed are left out of both.
"""

from __future__ import annotations

import os
import select
import shlex
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from synscope.command.client_options import proxy_rules_of
from synscope.command.redaction import redact_text, redact_words
from synscope.evidence.command.observe import observe_command
from synscope.evidence.greeting import Greeted, observe_greeting
from synscope.model import Command, Diagnosis, Observation, TargetSummary
from synscope.probes.host.starting import Starting, is_served
from synscope.process.runner import Ended
from synscope.session.greeting import SWITCHED_OFF, Greetings, greeted, noted
from synscope.session.live_run import LiveRun, Observe
from synscope.session.start import LiveSession


def watch_command(  # noqa: PLR0913 - one parameter a choice
    session: LiveSession,
    command: Sequence[str],
    *,
    timeout_s: float | None,
    linger_s: float,
    target_found_in: str | None,
    greet: bool = True,
) -> tuple[Diagnosis, Ended]:
    """Let the command run while frames are followed; return the diagnosis, and how the command ended.

    ``target_found_in`` says where in the command the target was found, when nobody named it. ``greet`` says whether
    a server may be greeted once more that gave its client no answer.
    """
    run = LiveRun(session)
    ended = _followed(run, session, timeout_s, linger_s)
    session.surroundings.client = proxy_rules_of(command)
    words = redact_words(command)
    source = target_found_in and redact_text(target_found_in)
    told = Command(words, ended.exit_status, _how(ended), ended.lines, source)
    greetings = greeted(session, _why_not(ended, linger_s) if greet else SWITCHED_OFF)
    more = _observed(command, ended, greetings)
    return noted(run.conclude(shlex.join(words), command=told, more=more), greetings), ended


def _followed(run: LiveRun, session: LiveSession, timeout_s: float | None, linger_s: float) -> Ended:
    runner = session.runner
    assert runner is not None  # noqa: S101 - a command was given
    with runner.passing_signals_on():
        starting = Starting()
        run.restart()
        started = runner.go(timeout_s)
        if started is not None:
            session.surroundings.started(started)
            run.follow(lambda: bool(select.select([runner.fileno()], [], [], 0)[0]))
        ended = runner.ended()
        # Whoever ended it does not want to wait either.
        failed = ended.status not in {0, None}
        if started is None:
            linger_s = 0.0
        elif failed and linger_s > 0 and not session.surroundings.another_network:
            _await_server(run, starting, session.surroundings.ports)
    # Who wants no time to be spent gets none; a command that ended well needs no answer.
    run.end(linger_s, await_answers=linger_s > 0 and failed)
    return replace(ended, lines=tuple(map(redact_text, ended.lines)))


def _await_server(run: LiveRun, starting: Starting, ports: Sequence[int]) -> None:
    """Go on for a moment where a server may still be starting: whether it comes tells why nobody was there."""
    until = time.monotonic() + starting.wait_s(ports)
    if until > time.monotonic():
        run.follow(lambda: time.monotonic() >= until or is_served(ports))


def _how(ended: Ended) -> str:
    if ended.start_error is not None:
        return f"could not be started: {os.strerror(ended.start_error)}"
    if ended.timed_out:
        return "was ended because its time was up"
    if ended.signal is not None:
        return f"was ended by {signal.Signals(ended.signal).name}"
    return f"exit status {ended.status}"


def _why_not(ended: Ended, linger_s: float) -> str:
    """Return why nobody is greeted after such an end: who ended it does not want to wait; empty where it may be."""
    if linger_s <= 0:
        return "no time was to be spent once the command had ended"
    if ended.signal is not None and not ended.timed_out:
        return "a signal ended the command"
    return ""


def _observed(command: Sequence[str], ended: Ended, greetings: Greetings) -> Observe:
    """Return what answers the questions about the command, and about a greeting of our own."""

    def observe(summary: TargetSummary) -> Iterable[Observation]:
        yield from observe_command(
            command,
            summary.target,
            lines=ended.lines,
            status=ended.status,
            exit_status=ended.exit_status,
        )
        yield from observe_greeting(greetings.get(summary.target, Greeted()))

    return observe
