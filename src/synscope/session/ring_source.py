"""Captures through the packet ring of Linux, on behalf of a session that has no rights by then.

Input: the plan, and perhaps a command. Output: a ``Ring``, and where the plan saves frames a ``Saver``. The rights
to open the ring are a helper's (root, started through sudo if need be, or root of a private network), or, where
this process may capture itself, used before they are given up.
"""

from __future__ import annotations

import contextlib
import platform
import socket
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

from synscope._version import VERSION
from synscope.capture.live import bpf, ring_socket
from synscope.capture.live.interfaces import interfaces
from synscope.capture.live.ring import Geometry, Ring, open_largest
from synscope.capture.live.self_test import SelfTestConnection, run_self_test
from synscope.capture.write import pcapng
from synscope.capture.write.save import SaveOptions, Saver
from synscope.capture.write.storage import Files, SaveError, reason
from synscope.model import Target
from synscope.process import elevate, privileges
from synscope.process.elevate import Helper
from synscope.process.errors import SessionError
from synscope.process.file_maker import FileMaker
from synscope.process.privileges import Identity
from synscope.session.coverage import ANY, is_covered
from synscope.session.plan import Plan, Saving

if TYPE_CHECKING:
    from synscope.process.runner import Runner

_LOOPBACK: Final = "lo"


class RingSource:
    """Makes the ring of one session; see ``start.SourceFactory``."""

    def __init__(self, plan: Plan, announce: Callable[[str], None], command: Sequence[str]) -> None:
        self.interface = plan.interface or ANY
        self.helper: Helper | None = None
        self.runner: Runner | None = None
        self.saver: Saver | None = None
        self._plan = plan
        self._announce = announce
        self._command = command
        self._invoker = privileges.invoking()
        self._program = self._filter(plan.ports)
        self._file_maker: FileMaker | None = None
        self._opened: tuple[socket.socket, Geometry] | None = None

    def obtain_rights(self, resources: contextlib.ExitStack) -> None:
        """Start what makes files, the helper, and the command's runner; open the ring where nobody helps."""
        plan = self._plan
        if plan.save is not None:
            # Before anything else is open, for it is forked, and before a password is asked for in vain.
            self._file_maker = resources.enter_context(start_file_maker(plan.save, self._invoker))
        if plan.isolated:
            self._isolate(resources)
            return
        self.helper = elevate.obtain(
            self._announce, typed=plan.typed, ports=sorted(plan.ports), may_prompt=plan.may_prompt
        )
        if self.helper is not None:
            resources.enter_context(self.helper)
        elif plan.namespace is not None:
            raise SessionError(f"looking into {plan.namespace} needs root, not only the right to capture")
        else:
            self._opened = self._open_largest()
        if self._command:
            from synscope.process.runner import Runner  # noqa: PLC0415 - it needs what only POSIX has

            self.runner = resources.enter_context(Runner.start(self._command, self._invoker))

    def _isolate(self, resources: contextlib.ExitStack) -> None:
        from synscope.process.isolated import Isolated  # noqa: PLC0415 - it needs what only POSIX has

        plan = self._plan
        private = resources.enter_context(Isolated.start(self._command, self._invoker, plan.server))
        self.helper, self.runner = private.helper, private.runner
        if plan.server:
            private.await_server(plan.ports)

    def give_up_rights(self) -> None:
        """Become the user without any right. Raises ``PrivilegeError``."""
        privileges.drop(privileges.parsing_identity(self._invoker))

    def open(self, resources: contextlib.ExitStack, ports: Collection[int]) -> Ring:
        """Return the ring, and make the first file that frames are saved in."""
        if ports and self._plan.ports:
            with contextlib.suppress(bpf.FilterError):  # so many: the plan's own are watched alone
                self._program = self._filter(self._plan.ports | frozenset(ports))
        made, geometry = self._opened or self._open_largest()
        ring = Ring(made.detach(), geometry)
        resources.callback(ring.close)
        plan = self._plan
        if plan.save is not None and self._file_maker is not None:
            self.saver = Saver(
                self._file_maker,
                SaveOptions(plan.snap_length, plan.save.headers_only, plan.save.rotation),
                name_of=ring.interface_name,
                counts=lambda: (ring.received, ring.dropped),
            )
            resources.callback(self.saver.close)
        return ring

    def self_test(self) -> tuple[SelfTestConnection, ...]:
        """Connect in the network that is captured."""
        plan = self._plan
        if self.interface not in {_loopback(plan), ANY}:
            return ()
        if self.helper is not None and plan.is_of_another_network:
            return self.helper.run_self_test(sorted(plan.ports), plan.namespace)
        return run_self_test(plan.ports)

    def covers(self, target: Target) -> bool:
        """Whether no client can reach the target without being seen."""
        plan = self._plan
        return is_covered(target, self.interface, _loopback(plan), another_network=plan.namespace is not None)

    def _filter(self, ports: Collection[int]) -> bytes:
        plan = self._plan
        return bpf.program_bytes(bpf.filter_program(ports or None, plan.proxy_ports, plan.snap_length))

    def _open_largest(self) -> tuple[socket.socket, Geometry]:
        """Open the largest ring there is memory for."""
        made, geometry, _ = open_largest(self._open_ring)
        return made, geometry

    def _open_ring(self, geometry: Geometry) -> socket.socket:
        if self.helper is None:
            return ring_socket.open_ring(
                self.interface,
                block_size=geometry.block_size,
                block_count=geometry.block_count,
                retire_ms=geometry.retire_ms,
                program=self._program,
            )
        return self.helper.open_ring(
            self.interface,
            block_size=geometry.block_size,
            block_count=geometry.block_count,
            retire_ms=geometry.retire_ms,
            program=self._program,
            namespace=self._plan.namespace,
        )


def start_file_maker(saving: Saving, identity: Identity) -> FileMaker:
    """Start the process that makes the files; raises ``SaveError`` when something is in their way."""
    about = pcapng.About(
        hardware=platform.machine(),
        os=f"{platform.system()} {platform.release()}",
        application=f"synscope {VERSION}",
    )
    files = Files(
        saving.path,
        pcapng.section(about),
        replace=saving.replace,
        rotated=saving.rotation is not None,
    )
    try:
        return FileMaker.start(files, identity)
    except OSError as error:
        raise SaveError(saving.path, reason(error)) from error


def _loopback(plan: Plan) -> str:
    """Return the name of the loopback interface: by its flag here, by its usual name in another network."""
    if not plan.is_of_another_network:
        for interface in interfaces():
            if interface.loopback:
                return interface.name
    return _LOOPBACK
