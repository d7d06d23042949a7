"""A network namespace with tcpdump on its loopback, and the players that act in it.

The calling thread itself enters the namespace (``setns`` works per thread), so plain
sockets and child processes are inside too. Everything started here is stopped, and
the namespace is deleted, when the ``with`` block ends, also after a failure.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

CLONE_NEWNET = 0x40000000
DRAIN_S = 0.15
START_S = 10.0
HARD_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: close() sends an RST."""

Handler = Callable[[socket.socket], None]


class StageError(RuntimeError):
    """Something the recording depends on did not work."""


def run(*command: str, check: bool = True, timeout: float = 20.0, text: str | None = None) -> str:
    """Run a command in the current namespace and return its standard output."""
    done = subprocess.run(command, check=False, capture_output=True, timeout=timeout, text=True, input=text)
    if check and done.returncode != 0:
        message = f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}"
        raise StageError(message)
    return done.stdout


def _setns(path: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", path)
    finally:
        os.close(handle)


@contextlib.contextmanager
def namespace() -> Iterator[None]:
    """Enter a new network namespace with loopback up; delete it afterwards."""
    name = f"synscope-rec-{os.getpid()}-{time.monotonic_ns() % 1_000_000:06d}"
    home = f"/proc/self/task/{threading.get_native_id()}/ns/net"
    with contextlib.ExitStack() as stack:
        keep = os.open(home, os.O_RDONLY)
        stack.callback(os.close, keep)
        run("ip", "netns", "add", name)
        stack.callback(run, "ip", "netns", "del", name, check=False)
        _setns(f"/run/netns/{name}")
        stack.callback(_setns, f"/proc/self/fd/{keep}")
        run("ip", "link", "set", "lo", "up")
        _wait_for_ipv6_loopback()
        yield


def _wait_for_ipv6_loopback() -> None:
    deadline = time.monotonic() + START_S
    while "::1" not in run("ip", "-6", "addr", "show", "lo"):
        if time.monotonic() > deadline:
            msg = "lo has no ::1"
            raise StageError(msg)
        time.sleep(0.02)


class Stage:
    """The helpers a scene plays with. Use as a context manager inside ``namespace()``."""

    def __init__(self, capture: Path, tcpdump: Sequence[str]) -> None:
        """Remember where to capture to, and tcpdump's further arguments."""
        self._capture = capture
        self._tcpdump = tuple(tcpdump)
        self._process: subprocess.Popen[str] | None = None
        self._stack = contextlib.ExitStack()
        self.directory = Path()

    def __enter__(self) -> Self:
        """Make the scratch directory."""
        temporary = tempfile.TemporaryDirectory(prefix="synscope-rec-")
        self.directory = Path(self._stack.enter_context(temporary))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything that was started here, the last first."""
        self._stack.close()

    # capture

    def start_capture(self) -> None:
        """Start tcpdump, or start it afresh, and return once it really listens."""
        self.stop_capture()
        command = [
            "tcpdump", "-U", "-n", "-s", "4096", "-B", "8192", *self._tcpdump,
            "--immediate-mode", "-Z", "root", "-w", str(self._capture),
        ]  # fmt: skip
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._process = process
        self._stack.callback(self._kill, process)
        for line in process.stderr or ():
            if "listening on" in line:
                return
        message = f"tcpdump did not start: {' '.join(command)}"
        raise StageError(message)

    def stop_capture(self) -> None:
        """Let the last frames arrive, stop tcpdump, and insist that it lost nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        time.sleep(DRAIN_S)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=START_S)
        if "\n0 packets dropped by kernel" not in f"\n{errors}":
            message = f"tcpdump lost frames: {errors.strip()}"
            raise StageError(message)

    @staticmethod
    def _kill(process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            process.kill()
        process.communicate()

    # the set

    def nft(self, chain: str, *rules: str) -> None:
        """Put rules into the input or output hook, instead of those there before."""
        lines = [
            f"add table inet rec_{chain}",
            f"delete table inet rec_{chain}",
            f"add table inet rec_{chain}",
            f"add chain inet rec_{chain} c {{ type filter hook {chain} priority 0; }}",
            *(f"add rule inet rec_{chain} c {rule}" for rule in rules),
        ]
        run("nft", "-f", "-", text="\n".join(lines) + "\n")

    def sysctl(self, name: str, value: str) -> None:
        """Set a sysctl of this namespace (``net/ipv4/...``)."""
        Path("/proc/sys", name).write_text(value, encoding="ascii")

    def certificate(self) -> tuple[Path, Path]:
        """Make a self-signed certificate for ``localhost``; return certificate and key."""
        crt, key = self.directory / "crt.pem", self.directory / "key.pem"
        run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", str(key), "-out", str(crt), "-days", "2", "-subj",
            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )  # fmt: skip
        return crt, key

    def nginx(self, server_blocks: str) -> None:
        """Run nginx with these ``server`` blocks until the stage ends."""
        config = self.directory / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; error_log {self.directory}/error.log;\n"
            f"pid {self.directory}/nginx.pid;\nevents {{}}\n"
            f"http {{ access_log off; client_body_temp_path {self.directory}/b;\n"
            f"proxy_temp_path {self.directory}/p; fastcgi_temp_path {self.directory}/f;\n"
            f"uwsgi_temp_path {self.directory}/u; scgi_temp_path {self.directory}/s;\n"
            f"{server_blocks} }}\n",
            encoding="ascii",
        )
        command = ("nginx", "-p", str(self.directory), "-c", str(config))
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._stack.callback(self._kill, process)
        deadline = time.monotonic() + START_S
        while not run("ss", "-Hltn"):
            if process.poll() is not None or time.monotonic() > deadline:
                msg = "nginx did not start"
                raise StageError(msg)
            time.sleep(0.05)

    # the players

    def after(self, task: Callable[[], object]) -> None:
        """Run the task after the capture has stopped; the last one given runs first."""
        self._stack.callback(task)

    def keep(self, sock: socket.socket) -> socket.socket:
        """Close the socket only after the capture has stopped."""
        self._stack.callback(sock.close)
        return sock

    def listen(
        self, port: int, address: str = "127.0.0.1", backlog: int = 16, *, fast_open: bool = False
    ) -> socket.socket:
        """Return a listening socket; it stays open until closed or the stage ends."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.keep(socket.socket(family, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if fast_open:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        sock.bind((address, port))
        sock.listen(backlog)
        return sock

    def serve(self, listener: socket.socket, handler: Handler) -> None:
        """Hand each accepted connection to ``handler`` in a thread; close it afterwards."""

        def loop() -> None:
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = listener.accept()
                    with contextlib.suppress(OSError), conn:
                        conn.settimeout(START_S)
                        handler(conn)

        threading.Thread(target=loop, daemon=True).start()
        self._stack.callback(self._unblock, listener)

    @staticmethod
    def _unblock(listener: socket.socket) -> None:
        # Only shutdown() wakes a thread that is blocked in accept().
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)

    def stop(self, listener: socket.socket) -> None:
        """Make a listener disappear, as when its process dies."""
        self._unblock(listener)
        listener.close()

    def client(self, source_port: int, address: str = "127.0.0.1") -> socket.socket:
        """Return an unconnected socket bound to the source port."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.keep(socket.socket(family, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, source_port))
        return sock

    def connect(
        self, source_port: int, port: int, address: str = "127.0.0.1", timeout: float = 5.0
    ) -> socket.socket | None:
        """Connect from a fixed port; ``None`` when it fails or the time is over."""
        sock = self.client(source_port, address)
        sock.settimeout(timeout)
        try:
            sock.connect((address, port))
        except OSError:
            sock.close()
            return None
        return sock

    def curl(self, source_port: int, *arguments: str) -> str:
        """Run curl from a fixed source port, without any proxy setting of the caller."""
        return run(
            "env", "-i", "PATH=/usr/bin:/bin", "curl", "-sS", "--local-port", str(source_port),
            "--max-time", "5", *arguments, check=False,
        )  # fmt: skip


def hard_close(sock: socket.socket) -> None:
    """Close with an RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, HARD_CLOSE)
    sock.close()
