"""Network interfaces and network namespaces of a Linux machine, as far as a capture needs them.

Input: names, process numbers. Output: interfaces with their number and state; paths of namespaces. Sources:
netdevice(7), linux/net.h (LOOPBACK_IFINDEX), setns(2), network_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SIOCGIFNAME = 0x8910
_SIOCGIFFLAGS = 0x8913
_IFF_UP = 0x1
_IFF_LOOPBACK = 0x8
_CLONE_NEWNET = 0x40000000
_FIRST = 1  # LOOPBACK_IFINDEX
_NAME_SIZE = 16
_REQUEST_SIZE = 40
_ENGINES = ("docker", "podman")
_ENGINE_SECONDS = 5.0
_RUN = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface of the namespace it was asked in."""

    index: int
    name: str
    loopback: bool
    up: bool


class NamespaceError(Exception):
    """There is no such network namespace, or it cannot be entered; the text says why."""


def interfaces() -> tuple[Interface, ...]:
    """Return the interfaces of the calling thread's namespace, by number."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for index, name in sorted(socket.if_nameindex()):
            flags = _flags(asked, name)
            if flags is not None:
                found.append(Interface(index, name, bool(flags & _IFF_LOOPBACK), bool(flags & _IFF_UP)))
    return tuple(found)


# The next three ask a socket about the namespace it was made in, which need not be the caller's.


def name_of(asked: socket.socket, index: int) -> str | None:
    """Return the name of the interface with this number, ``None`` where there is none."""
    request = struct.pack(f"={_NAME_SIZE}xi{_REQUEST_SIZE - _NAME_SIZE - 4}x", index)
    answer = _asked(asked, _SIOCGIFNAME, request)
    if answer is None:
        return None
    return os.fsdecode(answer[:_NAME_SIZE].partition(b"\0")[0])


def is_up(asked: socket.socket, name: str) -> bool | None:
    """Whether an interface is up; ``None`` when it is not there."""
    flags = _flags(asked, name)
    return None if flags is None else bool(flags & _IFF_UP)


def loopback_index(asked: socket.socket) -> int:
    """Return the number of the loopback interface, which is each namespace's first; 0 where there is none."""
    name = name_of(asked, _FIRST)
    return _FIRST if name is not None and (_flags(asked, name) or 0) & _IFF_LOOPBACK else 0


def _flags(asked: socket.socket, name: str) -> int | None:
    request = struct.pack(f"{_REQUEST_SIZE}s", os.fsencode(name)[: _NAME_SIZE - 1])
    answer = _asked(asked, _SIOCGIFFLAGS, request)
    if answer is None:
        return None
    flags: int = struct.unpack_from("H", answer, _NAME_SIZE)[0]
    return flags


def _asked(asked: socket.socket, what: int, request: bytes) -> bytes | None:
    """Return the kernel's answer to a request of netdevice(7), ``None`` when there is no such interface."""
    import fcntl  # noqa: PLC0415 - Windows has none, and there this module is imported all the same

    try:
        return fcntl.ioctl(asked, what, request)
    except OSError:
        return None


def namespace_of_name(name: str) -> Path:
    """Return the path of the namespace that ``ip netns`` knows by this name. Raises ``NamespaceError``."""
    path = _RUN / name
    if path.parent != _RUN or name in {"", ".", ".."} or "\0" in name:
        raise NamespaceError(f"{name!r} is no name of a network namespace")
    if not path.exists():
        raise NamespaceError(f"there is no network namespace {name!r}; 'ip netns list' lists those there are")
    return path


def namespace_of_process(pid: int) -> Path:
    """Return the path of the namespace a process is in. Raises ``NamespaceError``."""
    path = Path(f"/proc/{pid}/ns/net")
    try:
        path.readlink()
    except PermissionError as error:
        raise NamespaceError(f"the network namespace of process {pid} needs root to be looked at") from error
    except OSError as error:
        raise NamespaceError(f"there is no process {pid}") from error
    return path


def namespace_of_container(name: str) -> Path:
    """Return the path of the namespace a running Docker or Podman container is in. Raises ``NamespaceError``."""
    failures = []
    for engine in _ENGINES:
        try:
            return namespace_of_process(_pid_of_container(engine, name))
        except FileNotFoundError:
            failures.append(f"{engine} is not installed")
        except NamespaceError as error:
            failures.append(str(error))
    raise NamespaceError(f"no running container {name!r}: {'; '.join(failures)}")


def _pid_of_container(engine: str, name: str) -> int:
    command = (engine, "inspect", "--type", "container", "--format", "{{.State.Pid}}", "--", name)
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the name stands behind --
            command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=_ENGINE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise NamespaceError(f"{engine} did not answer within {_ENGINE_SECONDS:.0f} seconds") from error
    except PermissionError as error:
        raise NamespaceError(f"{engine} may not be run") from error
    except ValueError as error:  # a NUL byte
        raise NamespaceError(f"{name!r} is no name of a container") from error
    answer = done.stdout.decode(errors="replace").strip()
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise NamespaceError(f"{engine} says: {reason or f'exit status {done.returncode}'}")
    if not (answer.isascii() and answer.isdigit()) or int(answer) == 0:
        raise NamespaceError(f"{engine} knows the container, but it is not running")
    return int(answer)


@contextlib.contextmanager
def entered(path: Path) -> Iterator[None]:
    """Stay in the network namespace at ``path`` until the block ends: the calling thread, and what it starts there.

    Sockets stay in the namespace they were made in. Raises ``NamespaceError``.
    """
    home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise NamespaceError(
                f"the network namespace {path} cannot be opened: {error.strerror}"
            ) from error
        try:
            _set_namespace(there)
        except OSError as error:
            raise NamespaceError(
                f"the network namespace {path} cannot be entered: {error.strerror}"
            ) from error
        finally:
            os.close(there)
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def _set_namespace(descriptor: int) -> None:
    if sys.version_info >= (3, 12):
        os.setns(descriptor, _CLONE_NEWNET)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
