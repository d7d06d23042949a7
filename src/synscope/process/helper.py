"""The elevated helper: a program that opens what needs a privilege and hands the descriptor over.

Input: requests on a Unix socket of kind SOCK_SEQPACKET, one JSON object a message; the socket is standard
input, because sudo closes every other descriptor. Output: one JSON object a
request, with the descriptor attached (SCM_RIGHTS). It parses no packet, does only what ``OPERATIONS`` lists,
checks every field before it uses it, and ends when the socket closes.

``{"op": "open_ring", "interface": "lo", "block_size": …, "block_count": …, "retire_ms": …, "filter": HEX,
"namespace": PATH or null}`` → ``{"ok": {}}`` + descriptor. ``{"op": "self_test", "watched": [ports],
"namespace": …}`` → ``{"ok": {"connections": […]}}``. ``{"op": "open_socket", "family": …, "owner": UID,
"namespace": …}`` → ``{"ok": {}}`` + descriptor of a TCP socket that is not connected. A failure is
``{"error": TEXT, "errno": NUMBER, "kind": NAME}``; the name is the exception's, by which the errors of
``ring_socket`` are known.

Only the standard library and two modules of this package that need nothing else are imported; the package's
directory goes to the end of the path, so that nothing next to it can stand in for a standard module.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import itertools
import json
import os
import re
import signal
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from synscope.probes.host.rule_names import Numbered
    from synscope.probes.kernel.firewall_table import FirewallTable
    from synscope.probes.kernel.instance import Instance

LARGEST_MESSAGE: Final = 1 << 17
LOOK_S: Final = 0.6
"""What one look at the host may take."""
_NAMING_S: Final = 1.0
"""What naming rules may take."""
DETACH: Final = "--detach"
"""Argument: serve from a process of its own, so that the one that was started ends at once."""
CLONE_NEWNET: Final = 0x40000000
_NAMESPACE = re.compile(
    r"/proc/[0-9]{1,10}/ns/net|/(?:var/)?run/(?:docker/)?netns/(?!\.)[A-Za-z0-9._-]{1,128}"
)
_INTERFACE = re.compile(r"[^\s/:\x00-\x1f\x7f]{1,15}")
_LARGEST_RING: Final = 1 << 28
_LONGEST_MS: Final = 60_000
_LARGEST_FILTER: Final = 4096 * 8
"""BPF_MAXINSNS instructions of eight bytes."""
_LARGEST_PORT: Final = 65535
_OWNERS_S: Final = 0.5
"""What the search for who has a port may take."""
_LONGEST_NAME: Final = 256
_LARGEST_ID: Final = (1 << 32) - 2
_PAGE: Final = 4096
_CREDENTIALS: Final = struct.Struct("3i")
"""Process, user, group (struct ucred, unix(7))."""
_LARGEST_PID: Final = 1 << 22
_LARGEST_DESCRIPTOR: Final = 1 << 16
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RequestError(ValueError):
    """A request that is not one of ours."""


class Reply(NamedTuple):
    """What goes back: a JSON object, and the descriptors that go with it. The helper closes its own copies."""

    body: Mapping[str, object]
    descriptors: tuple[int, ...] = ()


def _open_ring(request: Mapping[str, object]) -> Reply:
    from synscope.capture.live import ring_socket  # noqa: PLC0415 - only once it is asked for

    interface = _text(request, "interface", _INTERFACE)
    block_size = _number(request, "block_size", _PAGE, _LARGEST_RING)
    block_count = _number(request, "block_count", 1, _LARGEST_RING // block_size)
    retire_ms = _number(request, "retire_ms", 0, _LONGEST_MS)
    program = _filter(request)
    with _inside(request):
        ring = ring_socket.open_ring(
            interface,
            block_size=block_size,
            block_count=block_count,
            retire_ms=retire_ms,
            program=program,
        )
    return Reply({}, (ring.detach(),))


def _open_socket(request: Mapping[str, object]) -> Reply:
    """Make a TCP socket in the namespace, for the other side to connect with; it counts as that user's."""
    family = _number(request, "family", socket.AF_INET, socket.AF_INET6)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        raise RequestError("family is neither of IPv4 nor of IPv6")
    owner = _number(request, "owner", 0, _LARGEST_ID)
    with _inside(request), contextlib.ExitStack() as stack:
        made = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        if os.geteuid() == 0:
            os.fchown(made.fileno(), owner, -1)  # by which rules of firewalls know whose it is
        return Reply({}, (made.detach(),))


def _self_test(request: Mapping[str, object]) -> Reply:
    from synscope.capture.live import self_test  # noqa: PLC0415 - only once it is asked for

    watched = _ports(request, "watched")
    with _inside(request):
        connections = self_test.run_self_test(watched)
    return Reply({"connections": [self_test.to_json(connection) for connection in connections]})


_traces: list[Instance] = []
"""The trace's instances that are on: they are removed when the helper ends, whatever ends it."""
_alive: list[int] = []
"""While it is open this process lives: another one reads its other end, and removes what this one could not."""


def _trace(request: Mapping[str, object]) -> Reply:
    from synscope.probes.kernel.instance import Instance, InstanceError  # noqa: PLC0415 - only once it is asked for

    if _traces:
        raise RequestError("one trace is on")
    calls = request["calls"]
    if not isinstance(calls, bool):
        raise RequestError("calls is neither true nor false")
    tree = None if request["tree"] is None else _number(request, "tree", 1, _LARGEST_PID)
    if tree is not None and not _is_askers(tree):
        raise RequestError("tree is no process of the one who asks")
    ports = _ports(request, "ports")
    instance = Instance.create()
    handover = instance.start(ports, calls=calls)
    _traces.append(instance)
    if tree is not None:
        try:
            second = Instance.create(of_tree=True)
            handover = handover._replace(calls=second.follow(tree))
            _traces.append(second)
        except InstanceError as error:
            handover = handover._replace(no_calls=str(error))
    _outlive()
    told = handover.calls
    body = {
        "formats": dict(handover.formats),
        "missing": dict(handover.missing),
        "calls": None if told is None else {"formats": dict(told.formats), "missing": dict(told.missing)},
        "no_calls": handover.no_calls,
    }
    return Reply(body, handover.descriptors)


def _is_askers(pid: int) -> bool:
    """Whether a process is the one at the other end of the socket, or its child: nobody else's calls are told of."""
    try:
        with socket.socket(fileno=os.dup(0)) as channel:
            asker = _CREDENTIALS.unpack(
                channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            )[0]
        stat_text = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1")
    except OSError:
        return False
    # The name in brackets may hold anything; after it come the state and the parent.
    return asker in (pid, int(stat_text.rpartition(")")[2].split()[1]))


def _outlive() -> None:
    """Have a process of its own remove the instances should this one be killed."""
    from synscope.probes.kernel.instance import remove_after  # noqa: PLC0415 - loaded already

    end, alive = os.pipe()
    if os.fork() == 0:
        try:
            # The socket of the tool among them: only this process's end must be seen there.
            kept = sorted({end, *(instance.root for instance in _traces)})
            for low, high in itertools.pairwise((-1, *kept, _LARGEST_DESCRIPTOR)):
                os.closerange(low + 1, high)
            remove_after(end, _traces)
        finally:
            os._exit(0)
    os.close(end)
    _alive.append(alive)


def _follow(request: Mapping[str, object]) -> Reply:
    """Trace the connects that these threads make, and those that they start, beside the trace that is on.

    Without ids those of the processes that listen on the ports, in this process's network namespace.
    """
    from synscope.probes.host import owners, procfs  # noqa: PLC0415
    from synscope.probes.kernel.legs_instance import LegsInstance  # noqa: PLC0415 - only once it is asked for

    if any(isinstance(instance, LegsInstance) for instance in _traces):
        raise RequestError("some are followed")
    ids, ports = _numbers(request, "ids", _LARGEST_PID), _ports(request, "ports")
    if not ids:
        inodes = frozenset(inode for _, port, inode in procfs.listening(procfs.NET) if port in ports)
        held = owners.find(inodes, time.monotonic() + _OWNERS_S).by_inode
        pids = {owner.pid for found in held.values() for owner in found}
        ids = [int(name) for pid in pids for name in _threads(pid)]
    if not ids:
        raise RequestError("nobody was found who has the port")
    instance = LegsInstance.beside()
    handover = instance.follow_all(ids, ports)
    _traces.append(instance)
    _outlive()
    trace = handover.trace
    body = {"formats": dict(trace.formats), "missing": dict(trace.missing)}
    return Reply(body, (trace.pipe, trace.switch, handover.ids))


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return []


def _untrace(_request: Mapping[str, object]) -> Reply:
    try:
        while _traces:
            _traces[-1].remove()
            _traces.pop()
    finally:
        while _alive:
            os.close(_alive.pop())
    return Reply({})


_tables: list[FirewallTable] = []
"""The table of the firewall's trace, if it is on. The kernel removes it with this process, whatever ends it."""


def _trace_firewall(request: Mapping[str, object]) -> Reply:
    from synscope.probes.kernel.firewall_table import FirewallTable  # noqa: PLC0415 - only once it is asked for

    ports = _ports(request, "ports")
    if _tables:
        raise RequestError("one trace of the firewall is on")
    with _inside(request), contextlib.ExitStack() as stack:
        table = FirewallTable.create(ports)
        stack.callback(table.remove)
        trace = table.subscribe()
        stack.pop_all()
    _tables.append(table)
    return Reply({"table": table.name}, (trace.detach(),))


def _untrace_firewall(_request: Mapping[str, object]) -> Reply:
    while _tables:
        _tables.pop().remove()
    return Reply({})


def _name_rules(request: Mapping[str, object]) -> Reply:
    """Reply with the pipe that the names of some rules will come from, and whether any rule changed meanwhile."""
    from synscope.probes.host.rule_names import Numbered  # noqa: PLC0415 - only once it is asked for

    wanted = request["rules"]
    if not isinstance(wanted, list) or not all(map(_is_numbered, wanted)):
        raise RequestError("rules is no list of rules")
    rules = [Numbered(*rule) for rule in wanted]
    changed = any(table.current_generation() != table.generation for table in _tables)
    ours, theirs = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, theirs)
        if os.fork() == 0:
            _name_and_exit(theirs, request, rules)
    return Reply({"changed": changed}, (ours,))


def _is_numbered(rule: object) -> bool:
    return (
        isinstance(rule, list)
        and [type(part) for part in rule] == [str, str, int]
        and all(len(part) <= _LONGEST_NAME for part in rule[:2])
    )


def _name_and_exit(sink: int, request: Mapping[str, object], rules: list[Numbered]) -> None:
    """Write the rules' names to ``sink``, and end this process."""
    try:
        from synscope.probes.host import rule_names  # noqa: PLC0415 - only where it is wanted

        _as_looker()
        with _inside(request):
            found = rule_names.look(rules, _NAMING_S)
        with os.fdopen(sink, "w") as file:
            json.dump([[*rule, *name] for rule, name in found.items()], file)
    finally:
        os._exit(0)  # whatever happened: nobody waits for more than the pipe's end


def _as_looker() -> None:
    """Make a process that was forked fit to look: it starts programs, and holds nothing that must end with us."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for table in _tables:
        table.remove()  # our copy of the socket; the table stays as long as the helper has its own
    if os.geteuid() == 0:
        os.environ["PATH"] = _PATH  # what the user put there is not for root to run


def _look(request: Mapping[str, object]) -> Reply:
    """Look at the host in a process of its own; reply at once with the pipe that its snapshot will come from."""
    ports, hosts = _ports(request, "ports"), _texts(request, "hosts")
    environment = request["environment"]
    if not isinstance(environment, dict) or not all(isinstance(text, str) for text in environment.values()):
        raise RequestError("environment is no environment")
    client = _client(request["client"])
    ours, theirs = os.pipe()
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, theirs)
        if os.fork() == 0:
            _look_and_exit(theirs, request, ports, hosts, environment, client)
    return Reply({}, (ours,))


def _client(value: object) -> dict[str, object]:
    """Return who connects: the user's number, and device and address of the client's own end."""
    if not isinstance(value, dict) or set(value) != {"uid", "device", "source"}:
        raise RequestError("client is no client")
    uid = value["uid"]
    known = uid is None or (type(uid) is int and 0 <= uid <= _LARGEST_ID)
    if not known or not all(isinstance(value[name], str) for name in ("device", "source")):
        raise RequestError("client is no client")
    return value


def _look_and_exit(  # noqa: PLR0913, PLR0917 - what is looked at, and for whom
    sink: int,
    request: Mapping[str, object],
    ports: list[int],
    hosts: list[str],
    environment: dict[str, str],
    client: dict[str, object],
) -> None:
    """Look at the host, write the snapshot to ``sink``, and end this process."""
    try:
        from synscope.probes.host.client import Client  # noqa: PLC0415 - only where it is wanted
        from synscope.probes.host.collect import collect  # noqa: PLC0415
        from synscope.probes.host.snapshot_json import to_json  # noqa: PLC0415

        _as_looker()
        with _inside(request):
            found = collect(
                ports,
                environment=environment,
                client=Client(**client),  # type: ignore[arg-type]
                hosts=hosts,
                budget_s=LOOK_S,
            )
        with os.fdopen(sink, "wb") as file:
            file.write(to_json(found).encode())
    finally:
        os._exit(0)  # whatever happened: nobody waits for more than the pipe's end


Operations = Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, object]], Reply]]]

OPERATIONS: Final[Operations] = {
    "open_ring": (
        frozenset({"interface", "block_size", "block_count", "retire_ms", "filter", "namespace"}),
        _open_ring,
    ),
    "open_socket": (frozenset({"family", "owner", "namespace"}), _open_socket),
    "self_test": (frozenset({"watched", "namespace"}), _self_test),
    "follow": (frozenset({"ids", "ports"}), _follow),
    "trace": (frozenset({"ports", "calls", "tree"}), _trace),
    "untrace": (frozenset(), _untrace),
    "look": (frozenset({"ports", "hosts", "environment", "namespace", "client"}), _look),
    "trace_firewall": (frozenset({"ports", "namespace"}), _trace_firewall),
    "untrace_firewall": (frozenset(), _untrace_firewall),
    "name_rules": (frozenset({"rules", "namespace"}), _name_rules),
}
"""Everything the helper does: the name, exactly its fields, and what does it."""


def serve(channel: socket.socket, operations: Operations = OPERATIONS) -> None:
    """Greet, then answer requests until the other side closes the socket."""
    send(channel, Reply({"ok": {"euid": os.geteuid(), "pid": os.getpid()}}))
    while message := channel.recv(LARGEST_MESSAGE):
        answer = answer_to(message, operations)
        try:
            send(channel, answer)
        finally:
            for descriptor in answer.descriptors:
                os.close(descriptor)


def answer_to(message: bytes, operations: Operations = OPERATIONS) -> Reply:
    """Do what one message asks for; never raises, whatever the message is."""
    try:
        operation, request = _understood(message, operations)
        done = operation(request)
    except RequestError as error:
        return _failed(error, str(error))
    except OSError as error:
        return _failed(error, error.strerror or str(error), error.errno or 0)
    except ImportError as error:
        return _failed(error, f"this installation cannot do it: {error}")
    except Exception as error:  # noqa: BLE001 - an operation's own kind of failure; its text is fit for users
        return _failed(error, str(error))
    return Reply({"ok": done.body}, done.descriptors)


def _failed(error: Exception, text: str, errno: int = 0) -> Reply:
    return Reply({"error": text, "errno": errno, "kind": type(error).__name__})


def send(channel: socket.socket, answer: Reply) -> None:
    """Send one message, with its descriptors if there are any."""
    numbers = array.array("i", answer.descriptors)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if numbers else []
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more: the next recv() says so
        channel.sendmsg([json.dumps(answer.body).encode()], rights)


def _understood(
    message: bytes, operations: Operations
) -> tuple[Callable[[Mapping[str, object]], Reply], Mapping[str, object]]:
    try:
        request = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise RequestError("not JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("op"), str):
        raise RequestError("not a request")
    name = request.pop("op")
    if name not in operations:
        raise RequestError("no such operation")
    fields, operation = operations[name]
    if set(request) != fields:
        raise RequestError("missing or unknown fields")
    return operation, request


def _text(request: Mapping[str, object], field: str, form: re.Pattern[str]) -> str:
    value = request[field]
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise RequestError(f"{field} has not the form it must have")
    return value


def _number(request: Mapping[str, object], field: str, least: int, most: int) -> int:
    value = request[field]
    if type(value) is not int or not least <= value <= most:
        raise RequestError(f"{field} is no number from {least} to {most}")
    return value


def _ports(request: Mapping[str, object], field: str) -> list[int]:
    value = request[field]
    if not isinstance(value, list) or not all(
        type(port) is int and 0 <= port <= _LARGEST_PORT for port in value
    ):
        raise RequestError(f"{field} is no list of ports")
    return value


def _numbers(request: Mapping[str, object], field: str, most: int) -> list[int]:
    value = request[field]
    if not isinstance(value, list) or not all(type(number) is int and 0 < number <= most for number in value):
        raise RequestError(f"{field} is no list of numbers up to {most}")
    return value


def _texts(request: Mapping[str, object], field: str) -> list[str]:
    value = request[field]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise RequestError(f"{field} is no list of texts")
    return value


def _filter(request: Mapping[str, object]) -> bytes:
    value = request["filter"]
    if (
        not isinstance(value, str)
        or len(value) > 2 * _LARGEST_FILTER
        or re.fullmatch(r"(?:[0-9a-f]{16})+", value) is None
    ):
        raise RequestError("filter is no program of whole instructions, in hexadecimal digits")
    return bytes.fromhex(value)


@contextlib.contextmanager
def _inside(request: Mapping[str, object]) -> Iterator[None]:
    """Enter the network namespace that the request names for the block, then return to our own."""
    if request["namespace"] is None:
        yield
        return
    path = _text(request, "namespace", _NAMESPACE)
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.ExitStack() as stack:
        handles = []
        for name in ("/proc/self/ns/net", path):
            handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            stack.callback(os.close, handle)
            handles.append(handle)
        home, away = handles
        _enter(libc, away)
        try:
            yield
        finally:
            _enter(libc, home)


def _enter(libc: ctypes.CDLL, handle: int) -> None:
    # The kernel itself refuses a descriptor that is no network namespace.
    if libc.setns(handle, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


def main(arguments: list[str]) -> int:
    """Run as a program; the exit status is 2 when there is no socket to serve."""
    if not stat.S_ISSOCK(os.fstat(0).st_mode):
        sys.stderr.write("synscope helper: started without its socket (does sudo log its input?)\n")
        return 2
    if DETACH in arguments and os.fork() != 0:
        # sudo may hold the terminal in raw mode until its program ends, so it ends before the command starts.
        return 0
    # Ctrl-C is the command's: the helper ends when its socket closes.
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    with socket.socket(fileno=0) as channel, contextlib.suppress(ConnectionError):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that looked at the host are not waited for
        try:
            serve(channel)
        finally:
            _untrace({})
            _untrace_firewall({})
    return 0


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    sys.exit(main(sys.argv[1:]))
