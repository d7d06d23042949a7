"""Starts a live session in the order that each step needs.

Input: a plan, and perhaps a command. Output: a ``LiveSession``, whose capture runs and has been tested. The steps:
obtain rights, give them up, look at the host, open the source, and make the self-test's connections.

Invariant: once rights are given up, nothing has to be imported any more, for the user that this process has become
may not be able to read the installation. What the end of a session needs, modules of this room import at their top;
what a report needs besides, ``preload`` imports.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from synscope.capture.live.self_test import SelfTestConnection
from synscope.capture.source import LiveSource
from synscope.capture.write.save import Saver
from synscope.evidence import rooms
from synscope.model import Attempt, Target
from synscope.process.elevate import Helper
from synscope.session.live_analysis import LiveAnalysis
from synscope.session.plan import Plan
from synscope.session.portable_source import PortableSource
from synscope.session.ring_source import RingSource
from synscope.session.surroundings import Surroundings

if TYPE_CHECKING:
    from synscope.process.runner import Runner


class LiveSession:
    """A session that has started. Leaving it as a context manager ends command, helper and capture."""

    def __init__(
        self,
        analysis: LiveAnalysis,
        surroundings: Surroundings,
        *,
        runner: Runner | None,
        saver: Saver | None,
        resources: contextlib.ExitStack,
    ) -> None:
        self.analysis = analysis
        self.surroundings = surroundings
        self.runner = runner
        """What holds the command, where there is one."""
        self.saver = saver
        self._resources = resources

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.__exit__(kind, error, trace)


class SourceFactory(Protocol):
    """One way to capture. Its methods are called in this order; what they open, the stack closes."""

    interface: str
    """The interface's name as the user knows it."""
    helper: Helper | None
    runner: Runner | None
    saver: Saver | None

    def obtain_rights(self, resources: contextlib.ExitStack) -> None:
        """Get what captures for this process, and the command ready to go. Raises ``SessionError``."""
        ...

    def give_up_rights(self) -> None:
        """Give up, for good, every right that this process can. Raises ``PrivilegeError``."""
        ...

    def open(self, resources: contextlib.ExitStack, ports: Collection[int]) -> LiveSource:
        """Return the source of frames: of the plan's ports and, where that is still possible, of ``ports``."""
        ...

    def self_test(self) -> tuple[SelfTestConnection, ...]:
        """Make the self-test's connections; none where the loopback interface is not captured."""
        ...

    def covers(self, target: Target) -> bool:
        """Whether no client of the captured network can reach the target without being seen."""
        ...


def start_session(
    plan: Plan,
    announce: Callable[[str], None],
    *,
    command: Sequence[str] = (),
    on_attempt: Callable[[Attempt], None] | None = None,
    preload: Callable[[], None] = lambda: None,
) -> LiveSession:
    """Start a session, with a command ready to go where there is one.

    ``announce`` is told what will ask for a password. ``preload`` imports what the report needs. Raises
    ``SessionError``, ``ring_socket.RingError`` where the kernel refuses the ring, and ``storage.SaveError`` where
    the file cannot be made.
    """
    factory = _source_factory(plan, announce, command)
    uid = None if plan.isolated else _invoking_user()
    with contextlib.ExitStack() as resources:
        factory.obtain_rights(resources)
        preload()
        rooms.preload()
        factory.give_up_rights()
        surroundings = resources.enter_context(
            Surroundings(
                factory.helper,
                plan.targets,
                plan.environment,
                namespace=plan.namespace,
                another_network=plan.is_of_another_network,
                command=command,
                parent=factory.runner.pid if plan.calls and factory.runner is not None else None,
                trace_firewall=plan.trace_firewall,
                uid=uid,
            )
        )
        surroundings.begin()
        surroundings.settle()
        # Only now: where rules send a target's connections elsewhere, that port is watched too.
        redirects = surroundings.redirects()
        source = factory.open(resources, {end.port for ends in redirects.values() for end in ends})
        analysis = LiveAnalysis(
            source,
            factory.interface,
            plan.targets,
            covered=all(map(factory.covers, plan.targets)),
            saver=factory.saver,
            on_attempt=on_attempt,
        )
        resources.callback(analysis.close)
        analysis.redirects = redirects
        analysis.named = surroundings.named
        analysis.self_test = factory.self_test()
        return LiveSession(
            analysis,
            surroundings,
            runner=factory.runner,
            saver=factory.saver,
            resources=resources.pop_all(),
        )
    raise AssertionError  # the stack swallows nothing


def _invoking_user() -> int | None:
    """Return the number of the user whose the command is; ``None`` where users have none."""
    if not hasattr(os, "geteuid"):
        return None
    from synscope.process import privileges  # noqa: PLC0415 - it needs what only POSIX has

    return privileges.invoking().uid


def _source_factory(plan: Plan, announce: Callable[[str], None], command: Sequence[str]) -> SourceFactory:
    if plan.capture_with == "ring":
        return RingSource(plan, announce, command)
    return PortableSource(plan, announce, command)
