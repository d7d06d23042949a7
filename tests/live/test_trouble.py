"""What goes wrong while capturing is said, and makes claims weaker."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.kernel import run as ran
from tests.live import program

pytestmark = pytest.mark.usefixtures("kernel")

REFUSED, UNUSED = 62893, 47001


def refuse() -> None:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", REFUSED))


@pytest.mark.parametrize("comes_back", [False, True], ids=["stays down", "comes back"])
def test_what_was_learned_before_the_interface_went_down_is_reported(comes_back: bool) -> None:  # noqa: FBT001
    with program.namespace() as name:
        typed = ("-p", str(REFUSED), "-p", str(UNUSED), "--format", "jsonl")
        with program.live(*typed) as process:
            refuse()
            ran("ip", "-n", name, "link", "set", "lo", "down")
            time.sleep(0.3)
            if comes_back:
                ran("ip", "-n", name, "link", "set", "lo", "up")
                time.sleep(0.3)
                refuse()
            process.send_signal(signal.SIGINT)
            done = program.finish(process)
    report = program.of_lines(done.out)
    refused, unused = report.targets
    assert refused["counts"] == {"SYN-RST": 2 if comes_back else 1}
    says = "lo went down 1 time meanwhile" if comes_back else "lo: the interface is down"
    assert says in report.health["notes"]
    assert unused["claim"] == "live"


def flood(seconds: float) -> None:
    """Large frames on the watched port, as fast as they go."""
    with socket.create_server(("127.0.0.1", REFUSED)) as listener:
        sender = socket.create_connection(("127.0.0.1", REFUSED))
        receiver, _ = listener.accept()
        with sender, receiver:
            drain = threading.Thread(target=lambda: all(iter(lambda: receiver.recv(1 << 20), b"")))
            drain.start()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                sender.sendall(bytes(1 << 20))
            sender.shutdown(socket.SHUT_WR)
            drain.join()


def test_lost_frames_are_told_and_absence_proves_less() -> None:
    with program.namespace():
        typed = ("-p", str(REFUSED), "-p", str(UNUSED), "--snaplen", "65535", "--format", "jsonl")
        with program.live(*typed) as process:
            process.send_signal(signal.SIGSTOP)
            flood(0.5)
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)
            done = program.finish(process)
    report = program.of_lines(done.out)
    assert report.health["dropped"] > 0
    assert report.health["ring_percent"] > 90
    _, unused = report.targets
    assert (unused["label"], unused["claim"]) == ("client-never-sent", "live")
    assert "certain" not in {
        finding["confidence"] for finding in report.findings if finding["target"] == str(UNUSED)
    }


@pytest.mark.parametrize(("command", "form"), [("live", "terminal"), ("live", "jsonl"), ("run", "json")])
def test_a_full_disk_is_told(command: str, form: str) -> None:
    typed = ("-p", str(REFUSED), "--output", "/dev/full", "--format", form)
    rest = ("--duration", "0.1") if command == "live" else ("--", "true")
    with program.namespace():
        done = program.run(command, *typed, *rest)
    assert (done.status, done.out) == (125, "")
    assert done.err.splitlines()[-1] == (
        "synscope: the report could not be written to /dev/full: No space left on device"
    )


def test_a_full_standard_output_is_told() -> None:
    with program.namespace(), Path("/dev/full").open("w", encoding="ascii") as full:
        done = program.run("live", "-p", str(REFUSED), "--duration", "0.1", stdout=full)
    assert done.status == 125
    assert "standard output: No space left on device" in done.err


def test_an_interface_that_is_not_there() -> None:
    with program.namespace():
        done = program.run("live", "-p", str(REFUSED), "-i", "nosuch0")
    assert done.status == 125
    assert "nosuch0" in done.err
