"""The program as the tests of live captures run it: a process of its own, in a network namespace of the test's own.

Its report is read as JSON and must keep to the published schema. Without root or namespaces the tests skip and say
so; ``SYNSCOPE_REQUIRE_KERNEL=1`` turns the skip into a failure.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import markdown_it
import mdurl
import pygments
import rich
from jsonschema import Draft202012Validator

import synscope
from synscope.capture.live.interfaces import entered
from synscope.report.schema import document
from tests.kernel import SOME_USER, SYSTEM_PYTHON, namespace, need

__all__ = ["namespace"]

PATIENCE_S: Final = 40
"""A busy machine needs long; a test that waits so long has failed."""
PACKAGES: Final = (synscope, click, rich, markdown_it, mdurl, pygments)
"""This program, what it imports, and what that imports."""
PATHS: Final = tuple(dict.fromkeys(Path(str(one.__file__)).parents[1] for one in PACKAGES))
READY: Final = "synscope: capturing on "
_VALIDATOR = Draft202012Validator(document())

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """One capture's report, from either form."""

    attempts: list[Json]
    targets: list[Json]
    findings: list[Json]
    health: Json
    command: Json | None

    @property
    def label(self) -> str:
        """The label of the first target."""
        return str(self.targets[0]["label"])

    @property
    def best(self) -> str:
        """The slug of the first finding, empty without one."""
        return str(self.findings[0]["slug"]) if self.findings else ""


def _validate(record: Json) -> None:
    # The library's own exception quotes the whole schema.
    wrong = [f"{error.json_path}: {error.message[:300]}" for error in _VALIDATOR.iter_errors(record)]
    assert not wrong, f"a {record.get('type')} that is not as published: {wrong}"


def of_document(text: str) -> Report:
    """Read the JSON form."""
    whole = json.loads(text)
    _validate(whole)
    (capture,) = whole["captures"]
    return Report(
        capture["attempts"],
        capture["targets"],
        capture["findings"],
        capture["health"],
        capture.get("command"),
    )


def of_lines(text: str) -> Report:
    """Read the JSON Lines form."""
    records = [json.loads(line) for line in text.splitlines()]
    for record in records:
        _validate(record)
    by_type: dict[str, list[Json]] = {}
    for record in records:
        by_type.setdefault(record["type"], []).append(record)
    (health,) = by_type["health"]
    return Report(
        by_type.get("attempt", []),
        by_type["target"],
        by_type.get("finding", []),
        health,
        next(iter(by_type.get("command", [])), None),
    )


def assert_whole(report: Report) -> None:
    """The capture lost nothing, saw its own test connection and nothing twice."""
    health = report.health
    assert (health["dropped"], health["canary"], health["duplicates"]) == (0, "seen", 0), health
    assert health["received"] >= health["frames"] > 0, health


def arguments(*typed: str) -> list[str]:
    """Return the command line that runs this checkout, or whatever is installed."""
    return [interpreter(), "-m", "synscope", *typed]


@functools.cache
def interpreter() -> str:
    """This interpreter, or the system's where this one is root's alone: parts of the program run as other users."""
    for one in (sys.executable, SYSTEM_PYTHON):
        command = [
            os.path.realpath(one),
            "-I",
            "-S",
            "-c",
            "import sys; sys.exit(sys.version_info < (3, 11))",
        ]
        with contextlib.suppress(OSError):
            ids: dict[str, Any] = {"user": SOME_USER, "group": SOME_USER, "extra_groups": ()}
            if subprocess.run(command, capture_output=True, check=False, cwd="/", **ids).returncode == 0:
                return one
    need("an interpreter for every user")
    raise AssertionError


def environment(**variables: str) -> dict[str, str]:
    """Return an environment without a proxy, in which this checkout is found."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    for name in ("SUDO_UID", "SUDO_GID", "PKEXEC_UID", "COLUMNS", "NO_COLOR"):
        kept.pop(name, None)
    return {**kept, "PYTHONPATH": ":".join(map(str, PATHS)), "LC_ALL": "C.UTF-8", **variables}


@contextlib.contextmanager
def started(
    command: Sequence[str], environ: Mapping[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Start a command in the calling thread's network namespace, its streams in pipes; it is ended with the block."""
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    process: subprocess.Popen[str] = subprocess.Popen(
        command, text=True, errors="surrogateescape", env=environ or environment(), **settings
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended."""

    status: int
    out: str
    err: str


def finish(process: subprocess.Popen[str]) -> Done:
    """Wait for the program's end; one that does not end is killed and the test fails."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end:\n{out}\n{err}") from None
    assert "Traceback" not in (err or ""), err
    return Done(process.returncode, out, err)


def run(*typed: str, **options: Any) -> Done:
    """Run the program to its end."""
    with started(arguments(*typed), **options) as process:
        return finish(process)


@contextlib.contextmanager
def live(*typed: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """``synscope live``, from when it captures."""
    with started(arguments("live", *typed), **options) as process:
        await_line(process, READY)
        yield process


def await_line(process: subprocess.Popen[str], beginning: str) -> str:
    """Return the first line of standard error, which must begin so."""
    assert process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        assert selector.select(PATIENCE_S), f"no '{beginning}'"
        line = process.stderr.readline()
    assert line.startswith(beginning), line + process.stderr.read()
    return line


def until(true: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def inside(name: str) -> contextlib.AbstractContextManager[None]:
    """Be in a namespace by its name."""
    return entered(Path("/run/netns") / name)


def packet_sockets() -> list[str]:
    """Return the packet sockets of the calling thread's namespace."""
    return Path("/proc/thread-self/net/packet").read_text(encoding="ascii").splitlines()[1:]


def family(pid: int) -> tuple[int, ...]:
    """Return a process and all that it started, by number."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, children.read_text(encoding="ascii").split())
    return tuple(found)


def python(script: str, *words: str) -> Sequence[str]:
    """Return a command that runs a Python script."""
    return [sys.executable, "-c", script, *words]
