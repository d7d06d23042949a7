"""Captures through Scapy's sockets: on systems without packet rings, and on Linux when asked for.

Input: the plan, and perhaps a command. Output: the source. There is no helper here: this process opens the capture
itself and then gives up what rights it can, before the first packet is parsed. Linux: all of them. macOS and the
BSDs: it becomes the user who typed sudo, or nobody. Windows knows no such step, and that is announced.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from synscope.capture.live import filter_expression, portable
from synscope.capture.live.self_test import SelfTestConnection, run_self_test
from synscope.capture.source import LiveSource
from synscope.capture.write.save import Saver
from synscope.model import Target
from synscope.process import privileges
from synscope.process.elevate import Helper
from synscope.process.errors import PrivilegeError, SessionError
from synscope.process.privileges import Identity
from synscope.reference.loopback import parsed
from synscope.session.coverage import is_covered, is_here
from synscope.session.plan import Plan

if TYPE_CHECKING:
    from synscope.process.runner import Runner


class PortableSource:
    """Makes the source of one session; see ``start.SourceFactory``."""

    def __init__(self, plan: Plan, announce: Callable[[str], None], command: Sequence[str]) -> None:
        """Raises ``SessionError`` where only the ring can do what is planned."""
        reason = _obstacle(plan, command)
        if reason:
            raise SessionError(reason)
        self.interface = plan.interface or portable.loopback_name()
        self.helper: Helper | None = None
        self.runner: Runner | None = None
        self.saver: Saver | None = None
        self._plan = plan
        self._announce = announce
        self._command = command
        self._invoker = privileges.invoking() if hasattr(os, "geteuid") else None

    def obtain_rights(self, resources: contextlib.ExitStack) -> None:
        """Start the command's runner, then open the capture, with the rights that this process has."""
        plan = self._plan
        if plan.interface is None:
            self.interface = _way_to(plan.targets) or self.interface
        expression = filter_expression.filter_expression(plan.ports or None, plan.proxy_ports)
        if self._command and self._invoker is not None:
            from synscope.process.runner import Runner  # noqa: PLC0415 - Linux only

            # Before the capture is open: what it starts inherits nothing of it.
            self.runner = resources.enter_context(Runner.start(self._command, self._invoker))
        try:
            self._source: LiveSource = portable.open_portable(
                self.interface, expression, plan.snap_length, libpcap=plan.capture_with == "libpcap"
            )
        except portable.PortableError as error:
            raise SessionError(str(error)) from error
        resources.callback(self._source.close)

    def give_up_rights(self) -> None:
        """Give up what this system lets a process give up, or announce that it lets none."""
        if self._invoker is None:
            self._announce(
                "this system has no way to give up rights: packets are parsed with those of this process"
            )
        else:
            give_up(self._invoker)

    def open(self, resources: contextlib.ExitStack, ports: Collection[int]) -> LiveSource:  # noqa: ARG002 - it is open
        """Return the source."""
        return self._source

    def self_test(self) -> tuple[SelfTestConnection, ...]:
        """Connect over the loopback interface, where that is captured."""
        return run_self_test(self._plan.ports) if self.interface == portable.loopback_name() else ()

    def covers(self, target: Target) -> bool:
        """Whether no client can reach the target without being seen."""
        return is_covered(target, self.interface, portable.loopback_name())


def _way_to(targets: Sequence[Target]) -> str | None:
    """Return the interface by which all targets are reached, as far as addresses tell; ``None`` where they differ."""
    ways = {
        portable.interface_to(host) if (host := _elsewhere(target)) else portable.loopback_name()
        for target in targets
    }
    return ways.pop() if len(ways) == 1 else None


def _elsewhere(target: Target) -> str | None:
    """Return the target's literal address, where it is not this machine's."""
    literal = None if target.host is None else parsed(target.host)
    return None if literal is None or is_here(str(literal)) else str(literal)


def _obstacle(plan: Plan, command: Sequence[str]) -> str | None:
    """Return why this plan needs a packet ring, ``None`` when it does not."""
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
