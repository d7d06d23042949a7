"""``live --format jsonl``: an attempt is told soon after it is over, while the capture goes on."""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import socket
import subprocess
import time

import pytest

from tests.kernel import server, talk
from tests.live import program
from tests.live.program import Json

pytestmark = pytest.mark.usefixtures("kernel")

REFUSED = 62893


def next_record(process: subprocess.Popen[str], seconds: float) -> Json:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(seconds), f"nothing was told within {seconds} s"
        found: Json = json.loads(process.stdout.readline())
    return found


def test_attempts_are_told_as_they_end_and_conclusions_at_the_end() -> None:
    with program.namespace(), server() as served:
        typed = ("-p", str(REFUSED), "-p", str(served.port), "--format", "jsonl")
        with program.live(*typed, bufsize=1) as process:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", REFUSED))
            refused = next_record(process, program.PATIENCE_S)
            assert (refused["label"], refused["server"]["port"]) == ("SYN-RST", REFUSED)
            talk(served.address)
            closed = next_record(process, program.PATIENCE_S)
            assert (closed["label"], closed["server"]["port"]) == ("completed", served.port)
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            done = program.finish(process)
    assert done.status == 1
    types = [json.loads(line)["type"] for line in done.out.splitlines()]
    assert list(dict.fromkeys(types)) == ["target", "finding", "health"]
    report = program.of_lines(done.out)
    assert [target["counts"] for target in report.targets] == [{"SYN-RST": 1}, {"completed": 1}]
    program.assert_whole(report)
    assert report.health["interface"] == "any"


def test_what_is_not_over_is_told_at_the_end() -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(program.namespace())
        served = stack.enter_context(server())
        process = stack.enter_context(program.live("-p", str(served.port), "--format", "jsonl"))
        stack.enter_context(socket.create_connection(served.address))
        time.sleep(0.7)
        process.send_signal(signal.SIGTERM)
        done = program.finish(process)
    report = program.of_lines(done.out)
    assert [(one["label"], one["outcome"]) for one in report.attempts] == [("completed", "silent")]
    assert json.loads(done.out.splitlines()[0])["type"] == "attempt"


def test_a_reader_that_goes_away_ends_it() -> None:
    with program.namespace():
        with program.live("-p", str(REFUSED), "--format", "jsonl") as process:
            assert process.stdout is not None
            process.stdout.close()
            for _ in range(3):
                with contextlib.suppress(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", REFUSED))
                time.sleep(0.3)
            process.wait(program.PATIENCE_S)
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 141
        assert program.packet_sockets() == []
