"""What tests against this machine's kernel share: a network namespace of their own, a ring in it, connections, users.

A test that watches the kernel takes the fixture ``kernel``, ``private_network`` or ``trace`` (``tests/conftest.py``):
by that it runs one after the other with its like, and again if it fails. ``namespace`` refuses to work in any other.
Without what they need they skip and say so; ``SYNSCOPE_REQUIRE_KERNEL=1`` turns the skip into a failure.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from synscope.engine.batch import Batch

if sys.platform == "linux":
    from synscope.capture.live.bpf import Instruction, filter_program, program_bytes
    from synscope.capture.live.interfaces import entered
    from synscope.capture.live.ring import Geometry, Ring
    from synscope.capture.live.ring_socket import open_ring
    from synscope.probes.kernel.instance import name_of
    from synscope.probes.kernel.tracefs import TracefsError, open_root

    SMALL = Geometry(1 << 17, 16, 20)

SRC = Path(__file__).parents[1] / "src"
SOME_USER = 65_533
"""A user without a name."""
SYSTEM_PYTHON = next(
    (path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), ""
)
"""An interpreter that every user may execute."""
_NAMESPACES = itertools.count()


class Permission:
    """Whether the test that runs may watch the kernel: ``tests/conftest.py`` sets it before each test."""

    granted = True
    """Outside of pytest (benchmarks, scenarios played by hand) everything may."""


def need(reason: str | None) -> None:
    """Skip, or fail where the kernel's tests are required."""
    if reason is None:
        return
    if os.environ.get("SYNSCOPE_REQUIRE_KERNEL") == "1":
        pytest.fail(f"SYNSCOPE_REQUIRE_KERNEL=1, but this needs {reason}")
    pytest.skip(f"needs {reason}")


def need_root() -> None:
    """Skip without root and what makes another user of it."""
    need(None if os.geteuid() == 0 else "root")
    need(None if shutil.which("setpriv") and SYSTEM_PYTHON else "setpriv and an interpreter for every user")


def need_kernel() -> None:
    """Skip without Linux, root and network namespaces."""
    need(None if sys.platform == "linux" else "Linux")
    need(None if os.geteuid() == 0 else "root, for network namespaces")
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    need(None if made.returncode == 0 else "network namespaces, which cannot be made here")


def need_trace() -> None:
    """Skip without tracefs."""
    try:
        os.close(open_root())
    except TracefsError as error:
        need(f"tracefs: {error.strerror}")


def as_user(script: str, *arguments: str, setpriv: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run Python as an ordinary user; ``synscope`` can be imported in it."""
    needed = f"import sys; sys.path.append({str(SRC)!r})\n"
    ids = ["--reuid", str(SOME_USER), "--regid", str(SOME_USER), "--clear-groups", *setpriv]
    command = ["setpriv", *ids, SYSTEM_PYTHON, "-B", "-c", needed + script, *arguments]
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, cwd="/", env=environment
    )


def open_to_everybody(folder: Path) -> None:
    """Let every user into a test's own folder, whose parents are root's alone."""
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent == Path(tempfile.gettempdir()):
            return
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)


def remove_trace_instance() -> None:
    """Remove the trace instance that a failed test of this process may have left to the next one."""
    name = name_of(os.getpid())
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if f"/{name}/" in str(descriptor.readlink()):
                os.close(int(descriptor.name))
    with contextlib.suppress(TracefsError):
        root = open_root()
        with contextlib.suppress(OSError):
            os.rmdir(f"instances/{name}", dir_fd=root)
        os.close(root)


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


@contextlib.contextmanager
def namespace(*, inside: bool = True) -> Iterator[str]:
    """A new network namespace with loopback up; its name. The calling thread is in it if ``inside``.

    What still runs in it at the end is killed: it would listen there for ever, and other tests would see it.
    """
    assert Permission.granted, "a test that watches the kernel takes the fixture kernel or private_network"
    name = f"synscope-test-{os.getpid()}-{next(_NAMESPACES)}"
    run("ip", "netns", "add", name)
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        _wait_for_ipv6(name)
        with entered(Path("/run/netns") / name) if inside else contextlib.nullcontext():
            yield name
    finally:
        end_all_in(name)
        run("ip", "netns", "del", name)


def end_all_in(name: str) -> None:
    """Kill what runs in the namespace."""
    pids = subprocess.run(["ip", "netns", "pids", name], check=True, capture_output=True, text=True).stdout
    for pid in map(int, pids.split()):
        if pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _wait_for_ipv6(name: str) -> None:
    deadline = time.monotonic() + 10
    command = ("ip", "-n", name, "-6", "addr", "show", "lo")
    while b"::1" not in subprocess.run(command, check=True, capture_output=True).stdout:
        assert time.monotonic() < deadline, "lo has no ::1"
        time.sleep(0.02)


def ring_on(
    interface: str, program: Sequence[Instruction] | None = None, geometry: Geometry | None = None
) -> Ring:
    """A ring on an interface of the calling thread's namespace; by default with all TCP."""
    geometry = geometry or SMALL
    made = open_ring(
        interface,
        block_size=geometry.block_size,
        block_count=geometry.block_count,
        retire_ms=geometry.retire_ms,
        program=program_bytes(filter_program(None) if program is None else program),
    )
    return Ring(made.detach(), geometry)


def frames_of(ring: Ring, seconds: float = 0.3) -> list[bytes]:
    """The frames that come until none comes for so long."""
    return [
        bytes(data[batch.at[i] : batch.at[i] + batch.caplen[i]])
        for data, batch in drained(ring, seconds)
        for i in range(batch.count)
    ]


def drained(ring: Ring, seconds: float = 0.3) -> Iterator[tuple[mmap.mmap, Batch]]:
    """The ring's batches until none comes for so long."""
    while True:
        count = 0
        for data, batch in ring.batches(seconds):
            count += 1
            yield data, batch
        if not count:
            return


class Server:
    """Accepts connections on a port of the calling thread's namespace, answers one byte, closes."""

    def __init__(self, address: str, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind((address, port))
        self._socket.listen(512)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.port = self.address[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, contextlib.suppress(OSError):
                    if connection.recv(16):
                        connection.sendall(b"!")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@contextlib.contextmanager
def server(address: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    """A server in the calling thread's namespace."""
    made = Server(address, port)
    try:
        yield made
    finally:
        made.close()


def talk(address: tuple[str, int], times: int = 1) -> None:
    """Make so many whole connections, one after the other."""
    for _ in range(times):
        with socket.create_connection(address, timeout=5) as made:
            made.sendall(b"?")
            while made.recv(16):
                pass
