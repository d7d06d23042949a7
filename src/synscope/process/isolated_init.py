"""The first process of a private network: makes the namespace, then serves as its helper.

Input: the number of the helper's socket, that of the runner's socket, the server's command line (empty: none) and
the command. Output: what ``helper.serve`` answers, or one ``{"error": STAGE, "errno": NUMBER, "kind": ""}``.

An ordinary user gets a user namespace along with the network namespace. The invoking user is mapped to the same
number inside, so the command sees itself as the user it is. Until it executes another program this process keeps
every capability inside the namespace, which is how it may open capture sockets there; the runner and the server,
being other programs of a user that is not root, start without any. Root needs no user namespace: there the
command keeps seeing every user as outside.

Source: user_namespaces(7), network_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from synscope.process import helper
from synscope.process.launch import inheritable, invoking_environment, program
from synscope.process.privileges import status
from synscope.process.process_tree import handles_of, network_mates, send_all
from synscope.process.runner_program import PASSED_ON

_CLONE_NEWUSER: Final = 0x10000000
_CAP_SYS_ADMIN: Final = 21
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_FLAGS = struct.Struct("16sH14x")
_IPV6_LOOPBACK: Final = "0" * 31 + "1"
_IPV6_S: Final = 0.5
_KILL_AFTER_S: Final = 2.0
_POLL_S: Final = 0.02


class StageError(Exception):
    """A step on the way into the namespace that the kernel refused."""

    def __init__(self, stage: str, errno: int) -> None:
        super().__init__(stage)
        self.stage = stage
        self.errno = errno


def enter() -> None:
    """Move this process into a network namespace of its own with loopback up; raises ``StageError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    alone = not status().effective >> _CAP_SYS_ADMIN & 1
    if libc.unshare(helper.CLONE_NEWNET | (_CLONE_NEWUSER if alone else 0)) != 0:
        raise StageError("unshare", ctypes.get_errno())
    if alone:
        _step("map", lambda: _map(uid, gid))
    _step("loopback", _loopback_up)
    _await_ipv6()


def _map(uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def _step(stage: str, action: Callable[[], object]) -> None:
    try:
        action()
    except OSError as error:
        raise StageError(stage, error.errno or 0) from error


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _FLAGS.pack(b"lo", 0))
        flags = _FLAGS.unpack(asked)[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _FLAGS.pack(b"lo", flags | _IFF_UP))


def _await_ipv6() -> None:
    """Wait a moment for ::1; without it IPv6 is off, which is no error."""
    addresses = Path("/proc/self/net/if_inet6")
    deadline = time.monotonic() + _IPV6_S
    while addresses.exists() and time.monotonic() < deadline:
        if _IPV6_LOOPBACK in addresses.read_text(encoding="ascii"):
            return
        time.sleep(0.01)


def _start_server(command_line: str) -> subprocess.Popen[bytes]:
    # Its words go to standard error: standard output is the command's.
    return subprocess.Popen(  # noqa: S602 - a command line is what was asked for
        command_line,
        shell=True,
        env=invoking_environment(),
        stdin=subprocess.DEVNULL,
        stdout=2,
        pass_fds=inheritable(),
    )


def _empty_the_network() -> None:
    """End all that is left inside: the server, what it or the command started, and the runner."""
    deadline = time.monotonic() + _KILL_AFTER_S
    send_all(handles_of(network_mates()), signal.SIGTERM)
    while network_mates():
        if time.monotonic() >= deadline:
            send_all(handles_of(network_mates()), signal.SIGKILL)
            return
        time.sleep(_POLL_S)


def main(arguments: list[str]) -> int:
    """Run as a program."""
    server_line, command = arguments[2], arguments[3:]
    # Handlers that do nothing, not SIG_IGN: that would be inherited by the command.
    for number in PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    with contextlib.ExitStack() as stack:
        channel = stack.enter_context(socket.socket(fileno=int(arguments[0])))
        channel.set_inheritable(False)
        stack.enter_context(contextlib.suppress(ConnectionError))
        try:
            enter()
        except StageError as error:
            helper.send(channel, helper.Reply({"error": error.stage, "errno": error.errno, "kind": ""}))
            return 1
        with socket.socket(fileno=int(arguments[1])) as runners:
            runner = subprocess.Popen(  # noqa: S603 - our own program, by its path
                program("runner_program", arguments[1], *command),
                env=invoking_environment(),
                pass_fds=inheritable(),
            )
            stack.callback(runner.wait)
            stack.callback(_empty_the_network)
            runners.set_inheritable(False)
        server = _start_server(server_line) if server_line else None

        def exited(_request: Mapping[str, object]) -> helper.Reply:
            return helper.Reply({"exited": None if server is None else server.poll()})

        helper.serve(channel, {**helper.OPERATIONS, "server": (frozenset(), exited)})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
