"""The self-test: connections of our own that prove the capture is awake. Reports call it the canary.

Input: nothing. Output: for each IP family a ``SelfTestConnection``: its two endpoints, or why there was none.
The listener sits on an address of its own (127.x.y.z derived from the process id, never 127.0.0.1; on
::1 there is only one address) and on a port the kernel chooses that is none of the watched ones; so no
server of the user's is touched, and its attempts can be removed from the results by their endpoints. Bounded
in time; one thread, no process. It works in whichever network namespace it is called in.
"""

from __future__ import annotations

import enum
import errno
import os
import select
import socket
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from synscope.model import Endpoint

CONNECT_S: Final = 0.5
"""Seconds after which an unanswered connect is given up: loopback answers in microseconds."""

_TRIES: Final = 8
"""Ports refused because they are watched, before giving up."""

_ABSENT: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""What the kernel says where IPv6 is switched off."""


class SelfTestState(enum.StrEnum):
    """What is known about one connection."""

    SENT = "sent"
    UNSENT = "could not be sent"
    ABSENT = "no such address family here"


class SelfTestResult(enum.StrEnum):
    """What one connection proves about the capture."""

    SEEN = "seen"
    NOT_SEEN = "not seen"
    UNSENT = "could not be sent"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class SelfTestConnection:
    """One connection: over which family, between which endpoints, and what came of it."""

    family: int
    """4 or 6."""
    state: SelfTestState
    client: Endpoint | None = None
    server: Endpoint | None = None
    errno: int = 0
    """The kernel's number when the connect failed; 0 otherwise."""
    text: str = ""
    """Why it could not be sent, or why it is absent, in words."""

    def result(self, syns: Collection[tuple[Endpoint, Endpoint]]) -> SelfTestResult:
        """Say what it proves, given the (client, server) endpoints of the SYNs that were captured.

        A connection whose connect timed out did send SYNs: firewalls may drop one before or after the point at
        which frames are captured. If it was captured, that is proof enough.
        """
        if self.client and self.server and (self.client, self.server) in syns:
            return SelfTestResult.SEEN
        return {
            SelfTestState.SENT: SelfTestResult.NOT_SEEN,
            SelfTestState.UNSENT: SelfTestResult.UNSENT,
            SelfTestState.ABSENT: SelfTestResult.ABSENT,
        }[self.state]


def run_self_test(
    watched: Collection[int] = (), *, pid: int | None = None
) -> tuple[SelfTestConnection, SelfTestConnection]:
    """Connect once over IPv4 and once over IPv6; takes at most twice ``CONNECT_S``. Raises nothing."""
    address = _own_address(os.getpid() if pid is None else pid)
    return (
        _over(4, socket.AF_INET, address, watched),
        _over(6, socket.AF_INET6, "::1", watched),
    )


def listeners(connections: Iterable[SelfTestConnection]) -> frozenset[Endpoint]:
    """Return the listeners' endpoints: what goes there is our own and no part of the results."""
    return frozenset(connection.server for connection in connections if connection.server is not None)


def _own_address(pid: int) -> str:
    """Return an address in 127.64.0.0/10, so that none of the usual 127.0.x.y is ever hit."""
    if sys.platform != "linux":
        return "127.0.0.1"  # elsewhere only that one is assigned
    return f"127.{64 + (pid >> 16 & 63)}.{pid >> 8 & 255}.{pid & 255}"


def _over(number: int, family: int, address: str, watched: Collection[int]) -> SelfTestConnection:
    try:
        listener = _bound(family, address, watched)
    except OSError as error:
        absent = number == 6 and error.errno in _ABSENT  # noqa: PLR2004 - IPv6
        return SelfTestConnection(
            number,
            SelfTestState.ABSENT if absent else SelfTestState.UNSENT,
            errno=error.errno or 0,
            text=f"no listener on {address}: {error.strerror or error}",
        )
    with listener:
        server = _endpoint(listener)
        try:
            listener.listen(1)
            # Bound first: a connect that fails leaves no name behind, and the capture is asked by it.
            client = _bound(family, address, watched)
        except OSError as error:
            return _unsent(number, None, server, error.errno or 0)
        with client:
            at = _endpoint(client)
            failed = _connect(client, server)
            return (
                _unsent(number, at, server, failed)
                if failed
                else SelfTestConnection(number, SelfTestState.SENT, at, server)
            )


def _unsent(number: int, client: Endpoint | None, server: Endpoint, code: int) -> SelfTestConnection:
    what = f"no answer within {CONNECT_S} s" if code == errno.ETIMEDOUT else os.strerror(code)
    return SelfTestConnection(
        number, SelfTestState.UNSENT, client, server, code, f"connect to {server}: {what}"
    )


def _bound(family: int, address: str, watched: Collection[int]) -> socket.socket:
    """Return a socket bound to a port of the kernel's choice that nobody watches."""
    for _ in range(_TRIES):
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.bind((address, 0))
        except OSError:
            bound.close()
            raise
        if bound.getsockname()[1] not in watched:
            return bound
        bound.close()
    raise OSError(errno.EADDRINUSE, "every port the kernel offered is a watched one")


def _connect(client: socket.socket, server: Endpoint) -> int:
    """Connect within the time allowed; return 0, or the error's number."""
    client.setblocking(False)
    code = client.connect_ex((server.address, server.port))
    if code != errno.EINPROGRESS:
        return code
    waiting = select.poll()  # select() cannot watch descriptors above 1023
    waiting.register(client, select.POLLOUT)
    if not waiting.poll(CONNECT_S * 1000):
        return errno.ETIMEDOUT
    return client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _endpoint(bound: socket.socket) -> Endpoint:
    address, port = bound.getsockname()[:2]
    return Endpoint(address, port)


def to_json(connection: SelfTestConnection) -> dict[str, object]:
    """Return a connection in a form that ``from_json`` takes back, for one that another process made."""

    def pair(at: Endpoint | None) -> list[object] | None:
        return None if at is None else [at.address, at.port]

    # Without the codec: the helper that runs with rights loads no more than it needs.
    return {
        "family": connection.family,
        "state": connection.state.value,
        "client": pair(connection.client),
        "server": pair(connection.server),
        "errno": connection.errno,
        "text": connection.text,
    }


def from_json(fields: dict[str, Any]) -> SelfTestConnection:
    """Return the connection that ``to_json`` wrote."""

    def endpoint(pair: list[Any] | None) -> Endpoint | None:
        return None if pair is None else Endpoint(str(pair[0]), int(pair[1]))

    return SelfTestConnection(
        int(fields["family"]),
        SelfTestState(fields["state"]),
        endpoint(fields["client"]),
        endpoint(fields["server"]),
        int(fields["errno"]),
        str(fields["text"]),
    )
