"""Sets a scenario up: a network namespace, tcpdump on its loopback, servers, shell lines.

All of it is undone when the block ends, whatever happened.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from tests.kernel import end_all_in
from tests.scenarios.scenario import Scenario

PYTHON: Final = "/usr/bin/python3"
"""The system's: some players are other users."""
SERVER: Final = Path(__file__).with_name("server.py")
PATIENCE_S: Final = 20
_DRAIN_S: Final = 0.1
_NUMBERS: Final = itertools.count()


class StageError(RuntimeError):
    """Something that a scenario depends on did not work."""


def plain_environment(**more: str) -> dict[str, str]:
    """The environment without a proxy."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for name in ("SUDO_UID", "SUDO_GID", "PKEXEC_UID", "COLUMNS", "NO_COLOR"):
        kept.pop(name, None)
    return {**kept, "LC_ALL": "C.UTF-8", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **more}


@dataclass
class Stage:
    """A scenario's namespace and what runs in it."""

    namespace: str
    directory: Path
    capture: Path
    _words: dict[str, str] = field(default_factory=dict)
    _processes: list[subprocess.Popen[str]] = field(default_factory=list)
    _tcpdump: subprocess.Popen[str] | None = None

    def inside(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the namespace."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return what the players have for an environment."""
        return plain_environment(TRY=str(self.directory), SERVER=f"{PYTHON} {SERVER}", **self._words, **more)

    def shell(self, line: str) -> None:
        """Run a shell line to its end."""
        done = subprocess.run(
            self.inside("bash", "-c", line),
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            env=self.environment({}),
        )
        if done.returncode:
            message = f"{line}: exit {done.returncode}: {done.stderr.strip()}"
            raise StageError(message)

    def serve(self, line: str) -> None:
        """Start a server and wait until it is ready."""
        command = self.inside("bash", "-c", f"exec {PYTHON} {SERVER} {line}")
        log = (self.directory / "servers.log").open("a", encoding="utf-8")
        with log:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment({})
            )
        self._processes.append(process)
        self._words[f"S{len(self._processes)}"] = str(process.pid)
        _await(process, process.stdout, "ready")

    def record(self) -> None:
        """Start tcpdump; on every interface where loopback is down."""
        for interface in ("lo", "any"):
            command = [
                "tcpdump", "-U", "-n", "-i", interface, "-B", "8192", "--immediate-mode", "-Z", "root",
                "-w", str(self.capture),
            ]  # fmt: skip
            process = subprocess.Popen(
                self.inside(*command), stderr=subprocess.PIPE, text=True, env=self.environment({})
            )
            try:
                _await(process, process.stderr, "listening on")
            except StageError:
                _end(process)
                continue
            self._tcpdump = process
            return
        message = "tcpdump did not start"
        raise StageError(message)

    def end_record(self) -> None:
        """Let the last frames arrive and stop tcpdump."""
        process, self._tcpdump = self._tcpdump, None
        if process is not None:
            time.sleep(_DRAIN_S)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)

    def close(self) -> None:
        """End all that runs."""
        if self._tcpdump is not None:
            _end(self._tcpdump)
        for process in self._processes:
            _end(process)


def _await(process: subprocess.Popen[str], stream: IO[str] | None, words: str) -> None:
    """Wait until a line of the stream has these words."""
    assert stream is not None
    watchdog = threading.Timer(PATIENCE_S, process.kill)
    watchdog.start()
    try:
        if any(words in line for line in stream):
            return
    finally:
        watchdog.cancel()
    message = f"{process.args}: it did not say '{words}'"
    raise StageError(message)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=PATIENCE_S)


def missing(programs: Sequence[str]) -> str:
    """Name a program that is not here; empty when all are."""
    return next((program for program in programs if shutil.which(program) is None), "")


@contextlib.contextmanager
def stage(scenario: Scenario) -> Iterator[Stage]:
    """Set the scenario up to where its client may start."""
    name = f"synscope-sc-{os.getpid()}-{next(_NUMBERS)}"
    etc = Path("/etc/netns") / name
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synscope-sc-")))
        directory.chmod(0o755)
        if scenario.hosts:
            etc.mkdir(parents=True)
            stack.callback(shutil.rmtree, etc)
            (etc / "hosts").write_text(scenario.hosts, encoding="utf-8")
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "del", name)
        stack.callback(end_all_in, name)
        _ip("-n", name, "link", "set", "lo", "up")
        _await_ipv6(name)
        made = Stage(name, directory, directory / "seen.pcap")
        stack.callback(made.close)
        # First, so that a set-up that fails halfway leaves nothing behind.
        for line in scenario.after:
            stack.callback(made.shell, line)
        for line in scenario.setup:
            made.shell(line)
        for line in scenario.serve:
            made.serve(line)
        for line in scenario.then:
            made.shell(line)
        made.record()
        yield made


def _await_ipv6(name: str) -> None:
    command = ("ip", "-n", name, "-6", "addr", "show", "lo")
    until = time.monotonic() + PATIENCE_S
    while b"::1" not in subprocess.run(command, check=True, capture_output=True).stdout:
        if time.monotonic() > until:
            message = "lo has no ::1"
            raise StageError(message)
        time.sleep(0.01)
