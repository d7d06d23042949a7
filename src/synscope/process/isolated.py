"""``--isolated``: a network of the command's own, in which an ordinary user may capture.

Input: the command, perhaps a server's command line, the invoking user. Output: an ``Isolated``, whose ``helper``
opens capture sockets inside and whose ``runner`` runs the command inside. Where the system refuses, an
``IsolationError`` that names what refused and how an administrator allows it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from synscope.process.elevate import Helper
from synscope.process.errors import HelperError, IsolationError
from synscope.process.launch import Environment, program, start_program
from synscope.process.privileges import Identity
from synscope.process.runner import Runner

_GREETING_S: Final = 10.0
_GOODBYE_S: Final = 10.0
"""Everything inside is asked to end, killed two seconds later, and collected within this time."""
_POLL_S: Final = 0.02
_ELSEWHERE_S: Final = 2.0
"""How long a server that listens on other ports gets to listen on the wanted one too."""
_LISTEN: Final = "0A"
_APPARMOR: Final = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
_DEBIAN: Final = "/proc/sys/kernel/unprivileged_userns_clone"
_MOST_USER: Final = "/proc/sys/user/max_user_namespaces"
_MOST_NET: Final = "/proc/sys/user/max_net_namespaces"


@dataclass(frozen=True, slots=True)
class ServerStart:
    """What became of the server by the time the command may start."""

    ports: frozenset[int]
    """TCP ports on which something listens inside."""
    exited: int | None
    """Its exit status (negative: the signal), ``None`` while it runs."""
    waited_s: float


class Isolated:
    """The private network and the processes in it. Leaving it as a context manager ends them all."""

    def __init__(self, helper: Helper, runner: Runner, pid: int) -> None:
        """Take over the sockets of a namespace that is up; ``pid`` is its first process."""
        self.helper = helper
        self.runner = runner
        self.pid = pid

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        identity: Identity,
        server: str = "",
        environment: Environment | None = None,
    ) -> Self:
        """Make the namespace, start the server, get the command ready; raises ``IsolationError``."""
        with contextlib.ExitStack() as stack:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            to_runner, of_runner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs, of_runner:
                stack.callback(to_runner.close)
                stack.callback(ours.close)
                for end in (theirs, of_runner):
                    end.set_inheritable(True)
                numbers = (str(theirs.fileno()), str(of_runner.fileno()))
                process = start_program(
                    program("isolated_init", *numbers, server, *command), identity, environment
                )
            helper = stack.enter_context(Helper(ours, process, _GOODBYE_S))
            try:
                helper.greeted(_GREETING_S)
            except HelperError as error:
                raise IsolationError(refusal(str(error), error.errno)) from error
            stack.pop_all()
            return cls(helper, Runner(to_runner, None), process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the command and the server, if they still run, and with them the network."""
        self.runner.close()
        self.helper.close()

    def await_server(self, ports: Collection[int] = (), seconds: float = 10.0) -> ServerStart:
        """Wait until something listens inside (on one of ``ports``, if given), or the server ended.

        A server that listens elsewhere or not at all is no error here: it is what the diagnosis is about.
        """
        began = time.monotonic()
        until = began + seconds
        while True:
            exited = self.helper.server_exit()
            listening = listening_ports(self.pid)
            now = time.monotonic()
            heard = bool(listening & set(ports)) if ports else bool(listening)
            if heard or exited is not None or now >= until:
                return ServerStart(listening, exited, now - began)
            if listening:
                until = min(until, now + _ELSEWHERE_S)
            time.sleep(_POLL_S)


def listening_ports(pid: int) -> frozenset[int]:
    """Return the TCP ports that are listened on in the network namespace of a process."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):  # no IPv6 in this kernel
            lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()
            for line in lines[1:]:
                fields = line.split()
                if fields[3] == _LISTEN:
                    found.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(found)


def refusal(stage: str, code: int, read: Callable[[str], str | None] | None = None) -> str:
    """Say who refused the namespace and how it is allowed.

    ``stage`` is where it stopped (``unshare``, ``map`` or ``loopback``), ``code`` the kernel's error number,
    ``read`` returns a file's text, or ``None`` where there is none.
    """
    read = read or _text
    what = f"no private network ({stage}: {os.strerror(code) if code else 'no reason given'}): "
    if code == errno.ENOSPC:
        return what + _used_up(read)
    if code in {errno.ENOSYS, errno.EINVAL}:
        return what + "this kernel was built without user or network namespaces"
    if read(_DEBIAN) == "0":
        return (
            what
            + "users may not make user namespaces here. Allow it: sudo sysctl kernel.unprivileged_userns_clone=1"
        )
    if read(_APPARMOR) == "1":
        return what + (
            "AppArmor restricts user namespaces here. Allow it: "
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
    if "Seccomp:\t2" in (read("/proc/self/status") or ""):
        return what + (
            "a seccomp filter forbids it, as in most containers. Start the container with "
            "--security-opt seccomp=unconfined, or capture without --isolated (--cap-add NET_RAW)"
        )
    return what + "a security policy of this system forbids it; capture without --isolated, through sudo"


def _used_up(read: Callable[[str], str | None]) -> str:
    for path, name in ((_MOST_USER, "user.max_user_namespaces"), (_MOST_NET, "user.max_net_namespaces")):
        if read(path) == "0":
            return f"{name} is 0. Allow it: sudo sysctl {name}=1024"
    return "the limits user.max_user_namespaces or user.max_net_namespaces are used up"


def _text(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
