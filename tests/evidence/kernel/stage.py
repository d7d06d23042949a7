"""A namespace with a capture of its lo, and the kernel's trace of one port beside it."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

if sys.platform != "linux":
    pytest.skip("the kernel's trace is Linux's", allow_module_level=True)

from synscope.engine.follower import Follower
from synscope.evidence.kernel.observe import observe_kernel
from synscope.evidence.kernel.witness import Witness, sum_up
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Attempt, AttemptGroup, Observation, Source, Target
from synscope.probes.kernel.events import Event, TraceHealth
from synscope.probes.kernel.instance import Instance
from synscope.probes.kernel.trace_reader import MOST_A_SECOND, TraceReader
from tests.kernel import drained, namespace, ring_on

_PLACES = itertools.count()
NOBODY = 4_194_303
"""No process has this number, one hopes: nothing that happens is a command's own."""
_OF_OTHERS = frozenset(
    {
        *("kernel-saw-no-connect-to-target", "kernel-saw-no-connect-at-all"),
        *("kernel-saw-own-connect-fail", "kernel-saw-own-connect-fail-here", "server-waits-for-upstream"),
        "relay-got-through",
    }
)
"""What is asked of a command, and of a server's own connects: neither is there."""


def free_port() -> int:
    """A port that no other test uses: everybody's connects are in the machine's one trace."""
    return 47_000 + (os.getpid() * 7 + next(_PLACES)) % 1000


class Stage:
    """What was observed of one port."""

    def __init__(self, port: int, reader: TraceReader) -> None:
        self.port = port
        self.reader = reader
        self.groups: list[AttemptGroup] = []
        self.attempts: list[Attempt] = []
        self.host: str | None = "localhost"

    @property
    def target(self) -> Target:
        return Target(f"{self.host}:{self.port}", self.port, self.host)

    @property
    def events(self) -> list[Event]:
        return self.reader.events

    @property
    def health(self) -> TraceHealth:
        return self.reader.health

    @property
    def said(self) -> dict[str, Observation]:
        found = observe_kernel(self.target, self.groups, self.events, self.health)
        return {each.name: each for each in found}

    @property
    def words(self) -> dict[str, str]:
        """Every word whose answer is not no; the firewall's own trace is not on here, and there is no command."""
        return {
            name: one.answer.value
            for name, one in self.said.items()
            if not name.startswith("firewall-") and name not in _OF_OTHERS
            if one.answer is Answer.YES
            or (one.answer is Answer.UNKNOWN and QUESTIONS[name].source is Source.KERNEL)
        }

    @property
    def witness(self) -> Witness:
        return sum_up(self.target, self.groups, self.events, self.health)


@contextlib.contextmanager
def traced(port: int, most_a_second: int = MOST_A_SECOND, tree: int = NOBODY) -> Iterator[TraceReader]:
    """The trace of one port, and of the calls of a thread and what it starts."""
    with contextlib.ExitStack() as instances:
        instance = Instance.create()
        instances.callback(instance.remove)
        handover = instance.start([port], calls=True)
        followed = Instance.create(of_tree=True)
        instances.callback(followed.remove)
        handover = handover._replace(calls=followed.follow(tree))
        with contextlib.closing(TraceReader(handover, [port], most_a_second=most_a_second)) as reader:
            yield reader


@contextlib.contextmanager
def staged(port: int, most_a_second: int = MOST_A_SECOND, tree: int = NOBODY) -> Iterator[Stage]:
    """A new namespace in which the calling thread is; what it does to ``port`` is known after the block."""
    with namespace(), contextlib.closing(ring_on("lo")) as ring, traced(port, most_a_second, tree) as reader:
        stage = Stage(port, reader)
        yield stage
        follower = Follower(on_attempt=stage.attempts.append)
        for data, batch in drained(ring):
            follower.feed(data, batch)  # type: ignore[arg-type]
        stage.groups = [each for each in follower.tracker.finish() if each.server.port == port]
        time.sleep(0.05)
        reader.read()


def attempt(port: int, address: str = "127.0.0.1", timeout: float = 0.3, source: int = 0) -> int:
    """Try to connect once, from local port ``source`` if given; the errno, 0 for success."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.settimeout(timeout)
        if source:
            client.bind((address, source))
        try:
            client.connect((address, port))
        except OSError as error:
            return error.errno or -1
    return 0


def rule(hook: str, port: int, verdict: str) -> None:
    """Put one rule into the calling thread's namespace."""
    text = (
        f"table inet t {{ chain c {{ type filter hook {hook} priority 0; tcp dport {port} {verdict}; }}; }}"
    )
    subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True, timeout=20, capture_output=True)
