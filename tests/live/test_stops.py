"""Every way a live capture ends: the report is written, and nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kernel import server, talk
from tests.live import program
from tests.live.program import Done, Report

pytestmark = pytest.mark.usefixtures("kernel")

REFUSED = 62893


@dataclass(frozen=True, slots=True)
class Ended:
    done: Done
    report: Report
    family: tuple[int, ...]


def interrupt(number: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    return lambda process: process.send_signal(number)


def nothing(_process: subprocess.Popen[str]) -> None:
    pass


STOPS: dict[str, tuple[tuple[str, ...], Callable[[subprocess.Popen[str]], None]]] = {
    "SIGINT": ((), interrupt(signal.SIGINT)),
    "SIGTERM": ((), interrupt(signal.SIGTERM)),
    "count": (("--count", "2"), nothing),
    "first failure": (("--until-failure",), nothing),
    "first success": (("--until-success",), nothing),
    "duration": (("--duration", "2"), nothing),
}


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """One capture for each way, at the same time; one attempt is refused, one completes."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(program.namespace())
        served = stack.enter_context(server())
        before = namespaces()
        running = {}
        for name, (options, stop) in STOPS.items():
            path = folder / f"{name}.json"
            output = ("--format", "json", "--output", str(path))
            typed = ("-p", str(REFUSED), "-p", str(served.port), *options, *output)
            running[name] = path, stop, stack.enter_context(program.live(*typed))
        assert len(program.packet_sockets()) == len(STOPS)
        families = {name: program.family(process.pid) for name, (_, _, process) in running.items()}
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", REFUSED))
        talk(served.address)
        for name, (path, stop, process) in running.items():
            stop(process)
            done = program.finish(process)
            report = program.of_document(path.read_text(encoding="utf-8"))
            found[name] = Ended(done, report, families[name])
        assert program.packet_sockets() == []
        assert namespaces() == before
    return found


def namespaces() -> list[str]:
    own = f"synscope-test-{os.getpid()}-"
    return sorted(path.name for path in Path("/run/netns").iterdir() if path.name.startswith(own))


@pytest.mark.parametrize("name", STOPS)
def test_the_report_is_written_and_nothing_is_left(name: str, ends: dict[str, Ended]) -> None:
    ended = ends[name]
    refused, completed = ended.report.targets
    assert (refused["label"], refused["counts"]) == ("SYN-RST", {"SYN-RST": 1})
    assert (completed["label"], completed["counts"]) == ("completed", {"completed": 1})
    assert ended.done.status == 1
    program.assert_whole(ended.report)
    assert len(ended.family) > 1, "the helper is one of them"
    assert [pid for pid in ended.family if Path(f"/proc/{pid}").exists()] == []


def test_success_alone_is_no_failure() -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(program.namespace())
        served = stack.enter_context(server())
        process = stack.enter_context(program.live("-p", str(served.port), "--until-success"))
        talk(served.address)
        done = program.finish(process)
    assert done.status == 0
    assert "completed" in done.out


def test_a_failure_that_recovers_does_not_stop_it() -> None:
    with (
        program.namespace(),
        server() as served,
        program.live(
            "-p", str(served.port), "--until-failure", "--duration", "2.5", "--format", "jsonl"
        ) as process,
    ):
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("::1", served.port))
        talk(served.address)
        done = program.finish(process)
    report = program.of_lines(done.out)
    assert (done.status, report.label, report.targets[0]["recovered"]) == (0, "completed", 1)
    assert report.health["last_ts_ns"] - report.health["first_ts_ns"] > 2_400_000_000
