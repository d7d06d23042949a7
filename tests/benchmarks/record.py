"""Record a real load capture: nginx and wrk on the loopback of a namespace of our own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

PORT = 62893
"""The port the load goes to; outside the client port range set below."""

MIN_PACKETS = 2_500_000
MIN_HANDSHAKES = 250_000
FIRST_SECONDS = 12
MAX_SECONDS = 120
TOOLS = ("ip", "nginx", "wrk", "tcpdump")

NGINX_CONF = """\
user root;
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_timeout 0;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder};
  }}
}}
"""


class CannotRecordError(Exception):
    """No capture can be recorded here; the message says why."""


def obstacle() -> str | None:
    """Say what keeps us from recording, or ``None``."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return "missing: " + ", ".join(missing)
    if os.geteuid() != 0:
        return "recording needs root (a network namespace and tcpdump)"
    return None


def record(target: Path, seconds: int = FIRST_SECONDS) -> str:
    """Record the load into ``target``, long enough for the packets wanted; return a summary."""
    reason = obstacle()
    if reason:
        raise CannotRecordError(reason)
    part = target.with_suffix(".part")
    try:
        while True:
            captured, dropped, requests = _record_once(part, seconds)
            summary = (
                f"{seconds} s of wrk: {requests:,} requests, "
                f"{captured:,} packets, {dropped:,} dropped by tcpdump"
            )
            # Ten packets a connection, give or take.
            if not dropped and captured >= MIN_PACKETS and requests >= MIN_HANDSHAKES:
                part.replace(target)
                return summary
            if dropped or seconds >= MAX_SECONDS or not captured:
                raise CannotRecordError(f"the recording is not good enough: {summary}")
            wanted = seconds * max(MIN_PACKETS / captured, MIN_HANDSHAKES / max(requests, 1))
            seconds = min(MAX_SECONDS, max(seconds + 1, int(wanted * 1.15)))
    finally:
        part.unlink(missing_ok=True)


def _record_once(part: Path, seconds: int) -> tuple[int, int, int]:
    """Run the load once; return packets captured, packets dropped and requests answered."""
    with TemporaryDirectory(prefix="synscope-bench-") as name, namespace() as inside:
        folder = Path(name)
        (folder / "index.html").write_text("hello\n")
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, port=PORT))
        nginx = [*inside, "nginx", "-e", "stderr", "-c", str(conf)]
        tcpdump = [*inside, "tcpdump", "-i", "lo", "-n", "-Z", "root", "-B", "1048576"]
        tcpdump += ["-s", "262144", "-w", str(part), f"tcp port {PORT}"]
        wrk = [*inside, "wrk", "-t1", "-c50", f"-d{seconds}s", "-H", "Connection: close"]
        wrk += [f"http://127.0.0.1:{PORT}/"]
        log = folder / "tcpdump.log"
        with (
            running(nginx, folder / "nginx.log", signal.SIGTERM, folder / "nginx.pid", ""),
            # Its ring is large, and takes a while: nothing is captured before this line.
            running(tcpdump, log, signal.SIGINT, log, "listening on"),
        ):
            load = subprocess.run(wrk, capture_output=True, text=True, check=False)
            time.sleep(2)  # the last packets leave the ring
        requests = re.search(r"(\d+) requests in", load.stdout)
        if load.returncode or not requests:
            raise CannotRecordError(f"wrk failed: {(load.stderr or load.stdout).strip()}")
        text = log.read_text()
        return (
            number(r"(\d+) packets captured", text),
            number(r"(\d+) packets dropped by kernel", text),
            int(requests[1]),
        )


@contextmanager
def namespace() -> Iterator[list[str]]:
    """Make a network namespace; yield the words that run a command in it; remove it."""
    name = f"synscope-bench-{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    settings = [
        "net.ipv4.ip_local_port_range=2048 60999",
        "net.ipv4.tcp_tw_reuse=1",
        "net.core.somaxconn=4096",
    ]
    _run(["ip", "netns", "add", name])
    try:
        _run(["ip", "-n", name, "link", "set", "lo", "up"])
        for setting in settings:
            key, _, value = setting.partition("=")
            path = "/proc/sys/" + key.replace(".", "/")
            _run([*inside, "sh", "-c", 'printf %s "$1" > "$2"', "sh", value, path])
        yield inside
    finally:
        _run(["ip", "netns", "del", name])


@contextmanager
def running(
    argv: list[str], log: Path, stop: signal.Signals, ready: Path, text: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a command running, from when file ``ready`` holds ``text`` to the block's end."""
    with log.open("wb") as out:
        child = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (ready.exists() and text in ready.read_text()):
            if child.poll() is not None or time.monotonic() > deadline:
                raise CannotRecordError(f"{argv[4]} did not start: {log.read_text().strip()}")
            time.sleep(0.05)
        yield child
    finally:
        if child.poll() is None:
            child.send_signal(stop)
            try:
                child.wait(timeout=60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRecordError(f"{' '.join(argv)}: {done.stderr.strip()}")


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if not found:
        raise CannotRecordError(f"tcpdump did not say {pattern!r}: {text.strip()}")
    return int(found[1])
