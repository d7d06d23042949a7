"""Instances come and go: also those of owners that were killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.probes.kernel.instance import Instance, InstanceError, name_of, remove_stale
from synscope.probes.kernel.tracefs import open_root
from tests.evidence.kernel.stage import free_port

SRC = Path(__file__).parents[3] / "src"


@pytest.fixture
def root(trace: None) -> Iterator[int]:
    del trace
    opened = open_root()
    yield opened
    os.close(opened)


def names(root: int) -> set[str]:
    opened = os.open("instances", os.O_RDONLY, dir_fd=root)
    try:
        return set(os.listdir(opened))  # noqa: PTH208 - a descriptor, not a path
    finally:
        os.close(opened)


def test_from_creation_to_removal(root: int) -> None:
    instance = Instance.create()
    assert instance.name == name_of(os.getpid())
    assert instance.name in names(root)
    handover = instance.start([free_port()])
    assert set(handover.formats) | set(handover.missing) == {
        "skb/kfree_skb",
        "tcp/tcp_send_reset",
        "sock/inet_sock_set_state",
    }
    assert "print fmt:" in handover.formats["sock/inet_sock_set_state"]
    os.close(handover.pipe)
    os.close(handover.switch)
    instance.remove()
    assert instance.name not in names(root)
    instance.remove()


def test_a_second_one_of_the_same_process_is_refused(root: int) -> None:
    instance = Instance.create()
    with pytest.raises(InstanceError, match="File exists"):
        Instance.create()
    instance.remove()
    assert instance.name not in names(root)


def test_a_reader_keeps_it_until_it_closes(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synscope.probes.kernel.instance._BUSY_S", 0.1)
    instance = Instance.create()
    handover = instance.start([free_port()])
    with pytest.raises(InstanceError, match="still being read; its events are off"):
        instance.remove()
    enabled = os.open(f"instances/{instance.name}/events/enable", os.O_RDONLY, dir_fd=root)
    assert os.read(enabled, 9) == b"0\n"
    os.close(enabled)
    os.close(handover.pipe)
    os.close(handover.switch)
    instance.remove()
    assert instance.name not in names(root)


def test_a_failed_start_leaves_nothing(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synscope.probes.kernel.instance.CLOCK", "no such clock")
    instance = Instance.create()
    with pytest.raises(InstanceError, match="cannot be set up: Invalid argument"):
        instance.start([free_port()])
    assert instance.name not in names(root)


def test_one_missing_event_is_said_and_the_others_work(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synscope.probes.kernel.instance.EVENTS", ("skb/none", "tcp/tcp_send_reset"))
    instance = Instance.create()
    handover = instance.start([])
    assert dict(handover.missing) == {"skb/none": "No such file or directory"}
    assert set(handover.formats) == {"tcp/tcp_send_reset"}
    os.close(handover.pipe)
    os.close(handover.switch)
    instance.remove()
    assert instance.name not in names(root)


def test_the_privileged_half_needs_nothing_of_the_package_but_itself_and_one_table() -> None:
    script = "import sys; sys.path.append(sys.argv[1]); import synscope.probes.kernel.instance; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(SRC)], capture_output=True, text=True, check=True
    )
    ours = {name for name in done.stdout.split() if name.startswith("synscope")}
    room = "synscope.probes.kernel"
    table = {"synscope.reference", "synscope.reference.drop_reasons"}
    packages = {"synscope", "synscope._version", "synscope.probes", room, *table}
    assert ours == packages | {f"{room}.{name}" for name in ("filters", "instance", "tracefs")}


OWNER = """
import sys, time
sys.path.append(sys.argv[1])
from synscope.probes.kernel.instance import Instance
instance = Instance.create()
instance.start([int(sys.argv[2])])
print(instance.name, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def owner() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process with an instance, and the instance's name."""
    command = [sys.executable, "-c", OWNER, str(SRC), str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_the_next_start_removes_what_a_killed_owner_left(root: int) -> None:
    with owner() as (process, name):
        assert name in names(root)
        assert name not in remove_stale(root), "its owner lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert name in names(root)
    Instance.create().remove()
    assert name not in names(root)


@pytest.mark.parametrize(
    ("name", "stale"),
    [
        ("synscope-1-1-{space}", True),  # the process lives, but began at another time
        ("synscope-4194305-5-{space}", True),
        ("synscope-4194305-5-{space}-calls", True),
        ("synscope-4194305-5-1", False),  # another pid namespace: the id means nothing here
        ("synscope-mine", False),
        ("other", False),
    ],
)
def test_only_what_a_dead_process_left_is_removed(root: int, name: str, *, stale: bool) -> None:
    made = name.format(space=name_of(os.getpid()).rpartition("-")[2])
    os.mkdir(f"instances/{made}", dir_fd=root)
    try:
        assert (made in remove_stale(root)) == stale
        assert (made in names(root)) != stale
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(f"instances/{made}", dir_fd=root)


def test_a_stale_one_that_is_read_stays_untouched(root: int) -> None:
    made = f"synscope-1-1-{name_of(os.getpid()).rpartition('-')[2]}"
    os.mkdir(f"instances/{made}", dir_fd=root)
    pipe = os.open(f"instances/{made}/trace_pipe", os.O_RDONLY, dir_fd=root)
    try:
        assert remove_stale(root) == []
    finally:
        os.close(pipe)
    assert remove_stale(root) == [made]


@pytest.mark.usefixtures("root")
def test_calls_are_those_of_one_tree() -> None:
    instance = Instance.create(of_tree=True)
    handover = instance.follow(max(1, os.getppid()))
    try:
        with socket.socket():
            pass
        assert "syscalls/sys_enter_socket" in handover.formats
        with pytest.raises(BlockingIOError):
            os.read(handover.pipe, 4096)
    finally:
        os.close(handover.pipe)
        os.close(handover.switch)
        instance.remove()
