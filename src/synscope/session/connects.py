"""Connects of our own to one target, over every address its host has: what each of them met.

Input: the target's host and port, and what may be said after the handshake. Output: a ``Connect`` for each address.
Without a greeting nothing is sent but the handshake: what the server says first is read for a moment, so that
closing does not abort the connection, then it is closed.

Invariants: a connect takes at most ``CONNECT_S``, all of them with what follows at most ``TOTAL_S``; what hangs
longer is left behind. Addresses are tried in the resolver's order, as clients do; one that is silent does not
hold up the next.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.model import Endpoint
from synscope.reference.loopback import is_loopback
from synscope.units import duration

if TYPE_CHECKING:
    import ssl

CONNECT_S: Final = 2.0
"""Seconds after which a connect counts as unanswered."""
TOTAL_S: Final = 5.0
"""Seconds after which nothing is waited for any more."""
RESOLVE_S: Final = 2.0
MOST_ADDRESSES: Final = 8
NEXT_S: Final = 0.25
"""Seconds after which the next address is tried beside one that does not answer, as in RFC 8305."""

HEAR_S: Final = 0.2
"""How long a server may take to greet or to abort: it is worth seeing, and costs little."""
_ANSWER_S: Final = 2.0
_MOST_BYTES: Final = 1 << 16
_CHUNK: Final = 4096
_LONGEST_LINE: Final = 80
_RESET: Final = "the server reset it"
_THREADS_S: Final = 0.5
_TASKS: Final = Path("/proc/self/task")


class Greeting(enum.Enum):
    """What is sent once connected."""

    NONE = "TCP handshake only, then close"
    HTTP = "TCP handshake, then HTTP HEAD /"
    TLS = "TCP handshake, then a TLS ClientHello"


class Resolved(NamedTuple):
    """The addresses of a host, as ``socket.connect`` takes them, or why there are none."""

    host: str
    addresses: tuple[tuple[int, tuple[object, ...]], ...]
    """Family and socket address."""
    error: str = ""
    error_name: str = ""
    """The resolver's error by its name: ``EAI_NONAME``."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The addresses as endpoints."""
        return tuple(_endpoint(address) for _, address in self.addresses)


class Connect(NamedTuple):
    """One try, and what came of it."""

    server: Endpoint
    began_ns: int
    took_ns: int
    """Until the handshake was over or had failed."""
    code: int
    """The error's number, 0 when it connected, ``ETIMEDOUT`` when no answer came in time."""
    after: str = ""
    """What came after the handshake. May quote attacker-chosen bytes."""
    was_reset: bool = False
    """The server reset the connection before it sent a byte."""

    @property
    def name(self) -> str:
        """The error's POSIX name, empty when it connected."""
        return errno.errorcode.get(self.code, str(self.code)).removeprefix("WSA") if self.code else ""

    @property
    def text(self) -> str:
        """Say what came of it: ``connect to 127.0.0.1:8000: ECONNREFUSED (Connection refused) after 49 µs``."""
        start = f"connect to {self.server}: "
        if self.code == errno.ETIMEDOUT:
            return f"{start}no answer within {duration(self.took_ns)}"
        if self.code:
            return f"{start}{self.name} ({os.strerror(self.code)}) after {duration(self.took_ns)}"
        return f"{start}connected after {duration(self.took_ns)}{'; ' if self.after else ''}{self.after}"


def resolve(host: str, port: int) -> Resolved:
    """Look the host up, for at most ``RESOLVE_S``. Afterwards this process has no further thread, unless it hangs."""
    found: list[Resolved] = []
    thread = threading.Thread(target=lambda: found.append(_looked_up(host, port)), daemon=True)
    thread.start()
    thread.join(RESOLVE_S)
    if not found:
        return Resolved(host, (), f"the resolver did not answer within {RESOLVE_S:g} s", "EAI_AGAIN")
    _await_single_thread()
    return found[0]


def _looked_up(host: str, port: int) -> Resolved:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        names = (name for name in dir(socket) if name.startswith("EAI_"))
        name = next((name for name in names if getattr(socket, name) == error.errno), "EAI_FAIL")
        return Resolved(host, (), error.strerror or name, name)
    except (OSError, UnicodeError) as error:
        return Resolved(host, (), str(error), "EAI_FAIL")
    unique = dict.fromkeys((int(row[0]), tuple(row[4])) for row in rows)
    return Resolved(host, tuple(unique)[:MOST_ADDRESSES])


def _await_single_thread() -> None:
    """Wait until the kernel, too, has ended the thread: rights can only be given up by a process with one."""
    until = time.monotonic() + _THREADS_S
    with contextlib.suppress(OSError):
        while len(list(_TASKS.iterdir())) > 1 and time.monotonic() < until:
            time.sleep(0.001)


def is_own(address: tuple[int, tuple[object, ...]]) -> bool:
    """Whether an address is one of this machine's, so that the way to it is the loopback interface."""
    family, end = address
    if is_loopback(str(end[0])):
        return True
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        try:
            made.bind((end[0], 0, *end[2:]))
        except OSError:
            return False
    return True


def tls_context() -> ssl.SSLContext:
    """Return what a careful client uses: it checks the certificate, and the server sees what it thinks of it."""
    import ssl  # noqa: PLC0415 - only where it is asked for

    return ssl.create_default_context()


class Connects:
    """The connects, made beside the thread that captures. Use ``start``, then look at ``is_over``."""

    def __init__(self, resolved: Resolved, greeting: Greeting, context: ssl.SSLContext | None = None) -> None:
        self._resolved = resolved
        self._greeting = greeting
        self._context = context
        self._made: dict[int, Connect] = {}
        self._until = 0.0
        self._thread = threading.Thread(target=self._connect_to_all, daemon=True, name="synscope-connects")

    def start(self) -> None:
        """Begin."""
        self._until = time.monotonic() + TOTAL_S
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return not self._thread.is_alive() or time.monotonic() >= self._until

    @property
    def made(self) -> tuple[Connect, ...]:
        """Those that are over, in the order in which they were begun."""
        return tuple(self._made[at] for at in sorted(self._made))

    def _connect_to_all(self) -> None:
        threads = []
        for at, address in enumerate(self._resolved.addresses):
            thread = threading.Thread(target=self._connect_to, args=(at, *address), daemon=True)
            thread.start()
            thread.join(NEXT_S)
            threads.append(thread)
        for thread in threads:
            thread.join(max(0.0, self._until - time.monotonic()))

    def _connect_to(self, at: int, family: int, address: tuple[object, ...]) -> None:
        server = _endpoint(address)
        began_ns, clock = time.time_ns(), time.monotonic_ns()

        def connect(code: int) -> Connect:
            return Connect(server, began_ns, time.monotonic_ns() - clock, code)

        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            self._made[at] = connect(error.errno or errno.EIO)
            return
        with made:
            made.settimeout(CONNECT_S)
            try:
                made.connect(address)
            except TimeoutError:
                self._made[at] = connect(errno.ETIMEDOUT)
                return
            except ConnectionResetError:
                # A refusal is another error: it connected, and the reset came before anybody could look.
                self._made[at] = connect(0)._replace(after=_RESET, was_reset=True)
                return
            except OSError as error:
                self._made[at] = connect(error.errno or errno.EIO)
                return
            self._made[at] = connect(0)
            if is_itself(made):
                # The kernel chose the target's own number for the client, and a TCP socket may meet itself.
                self._made[at] = self._made[at]._replace(code=errno.ECONNREFUSED)
                return
            after, was_reset = self._afterwards(made)
            self._made[at] = self._made[at]._replace(after=after, was_reset=was_reset)

    def _afterwards(self, made: socket.socket) -> tuple[str, bool]:
        try:
            if self._greeting is Greeting.TLS and self._context is not None:
                return _greeted_tls(made, self._context, self._resolved.host), False
            if self._greeting is Greeting.HTTP:
                return _greeted_http(made, self._resolved.host), False
            return _heard(made), False
        except ConnectionResetError:
            return _RESET, True
        except OSError as error:
            return error.strerror or str(error), False


def is_itself(made: socket.socket) -> bool:
    """Whether a socket has met itself."""
    with contextlib.suppress(OSError):
        return bool(made.getsockname() == made.getpeername())
    return False


def _heard(made: socket.socket) -> str:
    """Listen for a moment, then close in order."""
    made.settimeout(HEAR_S)
    first = received(made, _CHUNK)
    with contextlib.suppress(OSError):
        made.shutdown(socket.SHUT_WR)
    drained(made, HEAR_S)
    if first is None:
        return ""
    return f"the server sent {len(first):,} bytes first" if first else "the server closed it at once"


def _greeted_http(made: socket.socket, host: str) -> str:
    name = f"[{host}]" if ":" in host else host
    port = made.getpeername()[1]
    made.settimeout(_ANSWER_S)
    request = f"HEAD / HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: synscope\r\nConnection: close\r\n\r\n"
    made.sendall(request.encode("ascii", "replace"))
    first = received(made, _CHUNK)
    if first is None:
        return f"no answer to HEAD / within {_ANSWER_S:g} s"
    drained(made, HEAR_S)
    if not first:
        return "the server closed it without an answer to HEAD /"
    line = first.split(b"\n", 1)[0].rstrip(b"\r")[:_LONGEST_LINE].decode("utf-8", "replace")
    return f"answer to HEAD /: {line}"


def _greeted_tls(made: socket.socket, context: ssl.SSLContext, host: str) -> str:
    import ssl  # noqa: PLC0415 - imported already where there is a context

    made.settimeout(_ANSWER_S)
    try:
        with context.wrap_socket(made, server_hostname=host) as wrapped:
            spoken = wrapped.version()
            wrapped.settimeout(HEAR_S)
            # Ends TLS in order, and reads the session tickets that would make closing an abort.
            with contextlib.suppress(OSError):
                drained(wrapped.unwrap(), HEAR_S)
            return f"{spoken} with a certificate that this machine trusts"
    except ssl.SSLCertVerificationError as error:
        return f"the certificate is not accepted: {error.verify_message}"
    except ssl.SSLError as error:
        return f"no TLS: {error.reason or error}"
    except TimeoutError:
        return f"no answer to the ClientHello within {_ANSWER_S:g} s"


def received(made: socket.socket, most: int) -> bytes | None:
    """Return what comes first, ``None`` when nothing does in time."""
    try:
        return made.recv(most)
    except TimeoutError:
        return None


def drained(made: socket.socket, seconds: float) -> None:
    """Read what still comes: closing over unread bytes would reset the connection."""
    until, total = time.monotonic() + seconds, 0
    with contextlib.suppress(OSError):
        while total < _MOST_BYTES and (left := until - time.monotonic()) > 0:
            made.settimeout(left)
            piece = made.recv(_CHUNK)
            if not piece:
                return
            total += len(piece)


def _endpoint(address: tuple[object, ...]) -> Endpoint:
    return Endpoint(str(address[0]).partition("%")[0], int(str(address[1])))
