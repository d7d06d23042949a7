"""Getting the right to capture: in this process, from a helper that root starts, or through sudo.

Input: what this process may do. Output: a ``Helper``, which opens capture sockets in another process, or an
``ElevationError`` that lists what to type instead. The helper must be started before this process gives up
its own privileges. The terminal is sudo's for its prompt; standard input is never read.
"""

from __future__ import annotations

import array
import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self

from synscope.capture.live import ring_socket, self_test
from synscope.probes.host.client import ANYBODY, Client
from synscope.probes.kernel.instance import Handover
from synscope.probes.kernel.legs_instance import LegsHandover
from synscope.process import privileges
from synscope.process.errors import ElevationError, HelperError, HelperTimeoutError
from synscope.process.helper import DETACH, LARGEST_MESSAGE
from synscope.process.launch import program

_RING_ERRORS: Final = {
    kind.__name__: kind
    for kind in (
        ring_socket.RingError,
        ring_socket.RingPermissionError,
        ring_socket.NoSuchInterfaceError,
        ring_socket.RingMemoryError,
        ring_socket.RingUnsupportedError,
    )
}
_GREETING_S: Final = 10.0
_PROMPT_S: Final = 300.0
"""A person types a password within this time."""
_ANSWER_S: Final = 10.0
_GOODBYE_S: Final = 2.0
_SHORTEST_S: Final = 0.001
_MOST_DESCRIPTORS: Final = 4


class Helper:
    """The other process, by its socket. Closing it ends the process."""

    def __init__(
        self,
        channel: socket.socket,
        process: subprocess.Popen[bytes] | None,
        goodbye_s: float = _GOODBYE_S,
    ) -> None:
        """Take over a socket to ``helper.serve`` and the process to wait for at the end, for so many seconds."""
        self._channel = channel
        self._process = process
        self._goodbye_s = goodbye_s
        self.pid = 0
        """The helper's own process id, once it greeted."""
        self._patience_s = _ANSWER_S
        self._late = 0  # answers that nobody waits for any more

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def greeted(self, seconds: float) -> None:
        """Wait until the helper is up; raises ``HelperError`` when it does not come."""
        answer, descriptors = self._answer(seconds)
        _forget(descriptors)
        self.pid = int(answer.get("pid", 0))

    def open_ring(  # noqa: PLR0913 - the ring's measures
        self,
        interface: str,
        *,
        block_size: int,
        block_count: int,
        retire_ms: int,
        program: bytes,
        namespace: str | None = None,
    ) -> socket.socket:
        """Do what ``ring_socket.open_ring`` does, over there, perhaps in another network namespace.

        Raises what that raises, and ``HelperError``.
        """
        _, descriptors = self._ask(
            op="open_ring",
            interface=interface,
            block_size=block_size,
            block_count=block_count,
            retire_ms=retire_ms,
            filter=program.hex(),
            namespace=namespace,
        )
        if len(descriptors) != 1:
            _forget(descriptors)
            raise HelperError("the helper sent no socket")
        return socket.socket(fileno=descriptors[0])

    def open_socket(self, family: int, *, owner: int, namespace: str | None = None) -> socket.socket:
        """Return a new TCP socket of the helper's network or of ``namespace``, for ``owner`` to connect with.

        Raises ``HelperError``.
        """
        _, descriptors = self._ask(op="open_socket", family=family, owner=owner, namespace=namespace)
        if len(descriptors) != 1:
            _forget(descriptors)
            raise HelperError("the helper sent no socket")
        return socket.socket(fileno=descriptors[0])

    def run_self_test(
        self, watched: Sequence[int], namespace: str | None = None
    ) -> tuple[self_test.SelfTestConnection, ...]:
        """Make the self-test's connections in the helper's namespace, or in ``namespace``; raises ``HelperError``."""
        answer, descriptors = self._ask(op="self_test", watched=list(watched), namespace=namespace)
        _forget(descriptors)
        try:
            return tuple(self_test.from_json(connection) for connection in answer["connections"])
        except (KeyError, TypeError, ValueError) as error:
            raise HelperError("the helper's answer is not understood") from error

    def trace(self, ports: Sequence[int], *, calls: bool = False, tree: int | None = None) -> Handover:
        """Switch the kernel's trace on for these ports; raises ``HelperError`` where it cannot be had.

        ``calls``: binds of everybody that fail, too. ``tree``: the calls of this process and of all that it starts.
        """
        answer, descriptors = self._ask(op="trace", ports=list(ports), calls=calls, tree=tree)
        try:
            formats, missing, told = answer["formats"], answer["missing"], answer["calls"]
            pipe, switch, *more = descriptors
            followed = None
            if told is not None:
                calls_pipe, calls_switch = more
                followed = Handover(calls_pipe, calls_switch, dict(told["formats"]), dict(told["missing"]))
            return Handover(pipe, switch, dict(formats), dict(missing), followed, str(answer["no_calls"]))
        except (KeyError, TypeError, ValueError) as error:
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood") from error

    def follow(self, ids: Sequence[int], ports: Sequence[int]) -> LegsHandover:
        """Have the connects of these threads traced, and of all that they start; raises ``HelperError``."""
        answer, descriptors = self._ask(op="follow", ids=list(ids), ports=list(ports))
        formats, missing = answer.get("formats"), answer.get("missing")
        if len(descriptors) != 3 or not isinstance(formats, dict) or not isinstance(missing, dict):  # noqa: PLR2004
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood")
        return LegsHandover(Handover(*descriptors[:2], formats, missing), descriptors[2])

    def look(
        self,
        ports: Sequence[int],
        hosts: Sequence[str],
        environment: Mapping[str, str],
        namespace: str | None = None,
        client: Client = ANYBODY,
    ) -> int:
        """Have the host looked at; return the descriptor that its snapshot will come from, as JSON."""
        _, descriptors = self._ask(
            op="look",
            ports=list(ports),
            hosts=list(hosts),
            environment=dict(environment),
            namespace=namespace,
            client={"uid": client.uid, "device": client.device, "source": client.source},
        )
        if len(descriptors) != 1:
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood")
        return descriptors[0]

    def untrace(self) -> None:
        """Have the trace removed, once its reader is closed, and go on meanwhile; raises ``HelperError``."""
        self._send(op="untrace")
        self._late += 1

    def trace_firewall(self, ports: Sequence[int], namespace: str | None = None) -> tuple[socket.socket, str]:
        """Have the ports' packets traced through the firewall's rules; return what the trace comes from.

        With it, the name of the helper's own table. Raises ``HelperError`` where it cannot be had.
        """
        answer, descriptors = self._ask(op="trace_firewall", ports=list(ports), namespace=namespace)
        if len(descriptors) != 1 or not isinstance(answer.get("table"), str):
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood")
        return socket.socket(fileno=descriptors[0]), answer["table"]

    def untrace_firewall(self) -> None:
        """Have the table removed; raises ``HelperError``. It goes with the helper in any case."""
        _, descriptors = self._ask(op="untrace_firewall")
        _forget(descriptors)

    def name_rules(
        self, rules: Sequence[tuple[str, str, int]], namespace: str | None = None
    ) -> tuple[int, bool]:
        """Have rules named by family, table and handle; return the descriptor that the names come from, as JSON.

        With it, whether any rule was changed since the trace began.
        """
        answer, descriptors = self._ask(
            op="name_rules", rules=[list(rule) for rule in rules], namespace=namespace
        )
        if len(descriptors) != 1:
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood")
        return descriptors[0], bool(answer.get("changed"))

    def server_exit(self) -> int | None:
        """Return how the server in an isolated namespace ended, ``None`` while it runs."""
        answer, descriptors = self._ask(op="server")
        _forget(descriptors)
        status = answer.get("exited")
        return None if status is None else int(status)

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Within: wait for an answer for so many seconds at most; a late one is taken off before the next request."""
        before, self._patience_s = self._patience_s, seconds
        try:
            yield
        finally:
            self._patience_s = before

    def close(self) -> None:
        """Close the socket, which ends the helper, and wait for the process that was started."""
        self._channel.close()
        if self._process is None:
            return
        try:
            self._process.wait(self._goodbye_s)
        except subprocess.TimeoutExpired:
            with suppress(PermissionError):  # sudo, still at its prompt, is not ours to kill
                self._process.kill()
                self._process.wait()

    def _send(self, **request: object) -> None:
        try:
            self._channel.sendall(json.dumps(request).encode())
        except OSError as error:
            raise HelperError(f"the helper is gone: {error.strerror}", error.errno or 0) from error

    def _ask(self, **request: object) -> tuple[dict[str, Any], tuple[int, ...]]:
        until = time.monotonic() + self._patience_s
        while self._late:  # it answers in turn
            _forget(self._message(until - time.monotonic())[1])
            self._late -= 1
        self._send(**request)
        try:
            return self._answer(until - time.monotonic())
        except HelperTimeoutError:
            self._late += 1
            raise

    def _message(self, seconds: float) -> tuple[bytes, tuple[int, ...]]:
        self._channel.settimeout(max(seconds, _SHORTEST_S))
        try:
            message, rights, _, _ = self._channel.recvmsg(
                LARGEST_MESSAGE,
                socket.CMSG_LEN(_MOST_DESCRIPTORS * array.array("i").itemsize),
                socket.MSG_CMSG_CLOEXEC,
            )
        except TimeoutError as error:
            raise HelperTimeoutError(f"the helper did not answer within {seconds:.1f} s") from error
        except OSError as error:
            raise HelperError(f"the helper is gone: {error.strerror}", error.errno or 0) from error
        if not message:
            raise HelperError("the helper ended")
        return message, _descriptors(rights)

    def _answer(self, seconds: float) -> tuple[dict[str, Any], tuple[int, ...]]:
        message, descriptors = self._message(seconds)
        try:
            answer = json.loads(message)
            if "ok" in answer:
                return dict(answer["ok"]), descriptors
            reason, code, kind = str(answer["error"]), int(answer["errno"]), str(answer["kind"])
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            _forget(descriptors)
            raise HelperError("the helper's answer is not understood") from error
        _forget(descriptors)
        if kind in _RING_ERRORS:
            raise _RING_ERRORS[kind](code, reason)
        raise HelperError(reason, code)


def obtain(
    announce: Callable[[str], None],
    *,
    typed: Sequence[str],
    ports: Sequence[int] = (),
    may_prompt: bool,
    environ: Mapping[str, str] = os.environ,
) -> Helper | None:
    """Return a helper, or ``None`` when this process itself may open the capture socket.

    ``typed`` is how the user called the tool, to be quoted; ``announce`` is told what sudo will run before it asks
    for a password, which it does only with ``may_prompt`` (a terminal is there and the user looks at it). Raises
    ``ElevationError``.
    """
    if os.geteuid() == 0:
        return start_helper()
    if privileges.may_capture():
        return None
    sudo = shutil.which("sudo", path=environ.get("PATH"))
    if sudo is None:
        raise ElevationError(
            "capturing needs a privilege, and there is no sudo here. Type one of:", ways(typed, ports)
        )
    with suppress(HelperError):
        return _started([sudo, "-n", "--", *program("helper", DETACH)], _GREETING_S, quiet=True)
    if not may_prompt:
        raise ElevationError(
            "capturing needs a privilege, and sudo would ask for a password. Type one of:", ways(typed, ports)
        )
    command = [sudo, "--", *program("helper", DETACH)]
    announce("capturing needs root for one small helper: " + _quoted(command))
    try:
        return _started(command, _PROMPT_S, quiet=False)
    except HelperError as error:
        raise ElevationError(
            f"sudo did not start the helper ({error}). Type one of:", ways(typed, ports)
        ) from error


def start_helper() -> Helper:
    """Start the helper as a child with this process's own rights; raises ``ElevationError``."""
    try:
        return _started(program("helper"), _GREETING_S, quiet=False)
    except HelperError as error:
        raise ElevationError(f"the helper could not be started: {error}") from error


def ways(typed: Sequence[str], ports: Sequence[int] = ()) -> tuple[str, ...]:
    """Return what a user without privileges can type to have packets captured after all."""
    call = _quoted(typed)
    name = typed[0] if typed else "synscope"
    wanted = " or ".join(f"tcp port {port}" for port in ports) or "tcp"
    options = "".join(f" -p {port}" for port in ports)
    return (
        f"sudo {call}",
        (
            'sudo setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups --inh-caps=+net_raw '
            f"--ambient-caps=+net_raw -- {call}"
        ),
        f"sudo tcpdump -i lo -U -w - '{wanted} or icmp or icmp6' | {name} analyze{options} -",
        f"{name} run --isolated{_after_run(typed)}",
    )


def _after_run(typed: Sequence[str]) -> str:
    rest = list(typed[2:]) if len(typed) > 1 and typed[1] == "run" else ["--", "COMMAND"]
    return " " + _quoted(rest) if rest else ""


def _quoted(command: Sequence[str]) -> str:
    return shlex.join(command)


def _started(command: Sequence[str], seconds: float, *, quiet: bool) -> Helper:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program, by its path
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if quiet else None,
            )
        except OSError as error:
            ours.close()
            raise HelperError(f"{command[0]}: {error.strerror}", error.errno or 0) from error
    helper = Helper(ours, process)
    try:
        helper.greeted(seconds)
    except BaseException:
        helper.close()
        raise
    return helper


def _descriptors(rights: Sequence[tuple[int, int, bytes]]) -> tuple[int, ...]:
    numbers = array.array("i")
    for level, kind, data in rights:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    return tuple(numbers)


def _forget(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
