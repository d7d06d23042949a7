"""Begins a live capture: rights, runner, ring and canary, in the order that each of them needs.

Input: what to watch and, perhaps, the command. Output: a ``Watch`` whose canary has sung. Afterwards this process
has no privilege left, and whatever it still imports was imported before: the user it has become may not be
able to read the installation.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from synscope.capture.live import bpf as kernel_filter
from synscope.capture.live import ring_socket
from synscope.capture.live import self_test as canary
from synscope.capture.live.interfaces import interfaces
from synscope.capture.live.ring import Geometry, Ring, open_largest
from synscope.capture.write.save import Saver
from synscope.model import PORT_MAX, Attempt, Target
from synscope.probes.host import proxy
from synscope.process import elevate, privileges
from synscope.process.elevate import Helper
from synscope.process.errors import SessionError
from synscope.reference.ports import PROXY_PORTS
from synscope.session import saving
from synscope.session.saving import Saving
from synscope.session.surroundings import Surroundings
from synscope.session.watch import Watch, watched_ports

if TYPE_CHECKING:
    from synscope.process.runner import Runner

SNAP_LENGTH: Final = 640
"""Bytes of each frame that are captured: headers, and enough of a first payload to recognise it."""

_SEED_BYTES: Final = 8
_LOOPBACK: Final = "lo"
_ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to capture."""

    targets: tuple[Target, ...]
    interface: str | None = None
    """Its name, ``any``, or ``None`` for the loopback interface."""
    namespace: str | None = None
    """Path of the network namespace to look into."""
    snap_length: int = SNAP_LENGTH
    typed: tuple[str, ...] = ()
    """How the user called the tool."""
    may_prompt: bool = False
    """Whether sudo may ask for a password."""
    isolated: bool = False
    """Whether the command runs in a private network, which is then what is captured."""
    server: str = ""
    """A command line to start in the private network first."""
    capture_with: str = "ring"
    """``ring``; ``portable`` or ``libpcap`` for Scapy's sockets."""
    save: Saving | None = None
    """What to save the frames as."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class Begun(contextlib.ExitStack):
    """What has been begun; leaving it ends the command, the helper and the capture."""

    watch: Watch
    runner: Runner | None = None
    saver: Saver | None = None
    surroundings: Surroundings | None = None


def proxy_ports(environment: Mapping[str, str]) -> frozenset[int]:
    """The ports of the proxies that an environment names, and those where proxies usually are."""
    found = set(PROXY_PORTS)
    for name, value in proxy.of_environment(environment).items():
        server = None if name.lower() == "no_proxy" else proxy.server_of(value)
        if server is not None and 1 <= server.port <= PORT_MAX:
            found.add(server.port)
    return frozenset(found)


def begin(
    plan: Plan,
    announce: Callable[[str], None],
    *,
    command: Sequence[str] = (),
    on_attempt: Callable[[Attempt], None] | None = None,
    preload: Callable[[], None] = lambda: None,
) -> Begun:
    """Begin a capture, with a command ready to go where there is one.

    ``announce`` is told what will ask for a password. ``preload`` imports what is needed later. Raises
    ``SessionError``, ``ring_socket.RingError`` where the kernel refuses the ring, and ``storage.SaveError`` where
    the file cannot be made.
    """
    if plan.capture_with != "ring":
        from synscope.session import start_portable as begin_portable  # noqa: PLC0415 - which makes what is defined here

        return begin_portable.begin(plan, announce, command=command, on_attempt=on_attempt, preload=preload)
    from synscope.process.isolated import Isolated  # noqa: PLC0415 - these two need what only POSIX has
    from synscope.process.runner import Runner  # noqa: PLC0415

    invoker = privileges.invoking()
    ports = watched_ports(plan.targets)
    program = kernel_filter.packed(
        kernel_filter.build(ports or None, proxy_ports(plan.environment), plan.snap_length)
    )
    interface = plan.interface or _loopback(plan)
    with Begun() as stack:
        opened = None
        # Before anything else is open, for it is forked, and before a password is asked for in vain.
        keeper = None if plan.save is None else stack.enter_context(saving.keeper(plan.save, invoker))
        if plan.isolated:
            private = stack.enter_context(Isolated.start(command, invoker, plan.server))
            helper: Helper | None = private.helper
            stack.runner = private.runner
            if plan.server:
                private.await_server(ports)
        else:
            helper = elevate.obtain(
                announce, typed=plan.typed, ports=sorted(ports), may_prompt=plan.may_prompt
            )
            if helper is not None:
                stack.enter_context(helper)
            elif plan.namespace is not None:
                raise SessionError(f"looking into {plan.namespace} needs root, not only the right to capture")
            else:
                opened = _opened(None, interface, program, None)
            if command:
                stack.runner = stack.enter_context(Runner.start(command, invoker))
        preload()
        privileges.drop(privileges.parsing_identity(invoker))
        made, geometry = opened or _opened(helper, interface, program, plan.namespace)
        ring = Ring(made.detach(), geometry)
        stack.callback(ring.close)
        if plan.save is not None and keeper is not None:
            stack.saver = saving.saver(plan.save, keeper, ring, plan.snap_length)
            stack.callback(stack.saver.close)
        stack.watch = _watch(plan, interface, ring, stack.saver, on_attempt)
        stack.callback(stack.watch.close)
        around = Surroundings(
            helper, plan.targets, plan.environment, namespace=plan.namespace, command=command
        )
        around.elsewhere = elsewhere = plan.isolated or plan.namespace is not None
        stack.surroundings = stack.enter_context(around)
        around.begin()
        if interface in {_loopback(plan), _ANY}:
            stack.watch.songs = (
                helper.sing(sorted(ports), plan.namespace)
                if helper is not None and elsewhere
                else canary.sing(ports)
            )
        around.settle()
        begun = stack.pop_all()
        begun.watch, begun.runner, begun.saver = stack.watch, stack.runner, stack.saver
        begun.surroundings = around
        return begun
    raise AssertionError  # the stack swallows nothing


def _watch(
    plan: Plan,
    interface: str,
    ring: Ring,
    saver: Saver | None,
    on_attempt: Callable[[Attempt], None] | None,
) -> Watch:
    seed = int.from_bytes(os.urandom(_SEED_BYTES))
    return Watch(ring, interface, plan.targets, seed=seed, saver=saver, on_attempt=on_attempt)


def _opened(
    helper: Helper | None, interface: str, program: bytes, namespace: str | None
) -> tuple[socket.socket, Geometry]:
    """Open the largest ring there is memory for."""

    def make(geometry: Geometry) -> socket.socket:
        if helper is None:
            return ring_socket.open_ring(
                interface,
                block_size=geometry.block_size,
                block_count=geometry.block_count,
                retire_ms=geometry.retire_ms,
                program=program,
            )
        return helper.open_ring(
            interface,
            block_size=geometry.block_size,
            block_count=geometry.block_count,
            retire_ms=geometry.retire_ms,
            program=program,
            namespace=namespace,
        )

    made, geometry, _ = open_largest(make)
    return made, geometry


def _loopback(plan: Plan) -> str:
    """Name of the loopback interface: by its flag here, by its usual name in another namespace."""
    if plan.namespace is None and not plan.isolated:
        for one in interfaces():
            if one.loopback:
                return one.name
    return _LOOPBACK
