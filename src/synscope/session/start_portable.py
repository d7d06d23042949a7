"""Begins a live capture through Scapy's sockets: on systems without packet rings, and on Linux when asked for.

Input: the same plan as ``begin.begin``. Output: a ``Watch`` whose canary has sung. There is no helper here: this
process opens the capture itself and then gives up what rights it can, before the first packet is parsed. Linux:
all of them. macOS and the BSDs: it becomes the user who typed sudo, or nobody. Windows knows no such step, and that
is announced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from synscope.capture.live import filter_expression as filter_text
from synscope.capture.live import portable
from synscope.capture.live import self_test as canary
from synscope.model import Attempt
from synscope.process import privileges
from synscope.process.errors import PrivilegeError, SessionError
from synscope.process.privileges import Identity
from synscope.session.surroundings import Surroundings
from synscope.session.watch import Watch, watched_ports

if TYPE_CHECKING:
    from synscope.session.start import Begun, Plan


def begin(
    plan: Plan,
    announce: Callable[[str], None],
    *,
    command: Sequence[str] = (),
    on_attempt: Callable[[Attempt], None] | None = None,
    preload: Callable[[], None] = lambda: None,
) -> Begun:
    """Begin a capture as ``begin.begin`` does. Raises ``SessionError``."""
    from synscope.session import start as beginning  # noqa: PLC0415 - which imports this module

    reason = _obstacle(plan, command)
    if reason:
        raise SessionError(reason)
    ports = watched_ports(plan.targets)
    expression = filter_text.expression(ports or None, beginning.proxy_ports(plan.environment))
    interface = plan.interface or portable.loopback_name()
    with beginning.Begun() as stack:
        invoker = privileges.invoking() if hasattr(os, "geteuid") else None
        if command and invoker is not None:
            from synscope.process.runner import Runner  # noqa: PLC0415 - Linux only

            # Before the capture is open: what it starts inherits nothing of it.
            stack.runner = stack.enter_context(Runner.start(command, invoker))
        try:
            source = portable.open_portable(
                interface, expression, plan.snap_length, libpcap=plan.capture_with == "libpcap"
            )
        except portable.PortableError as error:
            raise SessionError(str(error)) from error
        stack.callback(source.close)
        preload()
        if invoker is None:
            announce(
                "this system has no way to give up rights: packets are parsed with those of this process"
            )
        else:
            give_up(invoker)
            stack.watch = Watch(source, interface, plan.targets, on_attempt=on_attempt)
        stack.callback(stack.watch.close)
        around = stack.enter_context(Surroundings(None, plan.targets, plan.environment, command=command))
        around.begin()
        if interface == portable.loopback_name():
            stack.watch.songs = canary.sing(ports)
        around.settle()
        begun = stack.pop_all()
        begun.watch, begun.runner, begun.surroundings = stack.watch, stack.runner, around
        return begun
    raise AssertionError  # the stack swallows nothing


def _obstacle(plan: Plan, command: Sequence[str]) -> str | None:
    """Why this plan needs a packet ring, ``None`` when it does not."""
    how = "which needs the packet ring of Linux (--capture-with ring)"
    if plan.isolated:
        return f"--isolated makes a private network, {how}"
    if plan.namespace is not None:
        return f"{plan.namespace} is another network namespace, {how}"
    if plan.save is not None:
        return f"saving takes the frames as the kernel hands them over, {how}"
    if command and portable.SYSTEM != "linux":
        return "synscope run needs Linux: start synscope live in one terminal and the command in another"
    return None


def give_up(invoker: Identity) -> None:
    """Give up every right to capture that this system lets a process give up. Raises ``PrivilegeError``."""
    identity = privileges.parsing_identity(invoker)
    if portable.SYSTEM == "linux":
        privileges.drop(identity)
    elif os.geteuid() == 0:
        become(identity)


def become(identity: Identity) -> None:
    """Become another user for good, as POSIX has it; verified afterwards. Raises ``PrivilegeError``."""
    try:
        os.setgroups([identity.gid])
        os.setgid(identity.gid)
        os.setuid(identity.uid)
    except OSError as error:
        raise PrivilegeError(f"cannot become user {identity.uid}: {error.strerror}") from error
    with suppress(OSError):
        os.setuid(0)
        raise PrivilegeError("root's rights are left after giving them up")
    if {os.getuid(), os.geteuid()} != {identity.uid} or {os.getgid(), os.getegid()} != {identity.gid}:
        raise PrivilegeError("other ids are left after giving them up")
