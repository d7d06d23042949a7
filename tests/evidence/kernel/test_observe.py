"""Each documented case on this machine's kernel: what really happens, captured and traced at once."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading

import pytest

from synscope.evidence.kernel.observe import observe_kernel
from synscope.model import Answer, Target
from synscope.probes.kernel.events import Kind, TraceHealth
from synscope.probes.kernel.tracefs import open_root
from tests.evidence.kernel.stage import attempt, free_port, rule, staged
from tests.kernel import namespace, run
from tests.scenarios.silent import DENIED

ADDRESSES = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


def test_without_a_trace_nothing_is_told() -> None:
    found = observe_kernel(Target("localhost:1", 1, "localhost"), [], [], TraceHealth(error="no tracefs"))
    # The firewall's own trace is another one.
    told = {each.name: (each.answer, each.text) for each in found if not each.name.startswith("firewall-")}
    assert told.pop("kernel-says-queue-full")[0] is Answer.NO
    assert set(told.values()) == {(Answer.UNKNOWN, "no tracefs")}


@ADDRESSES
@pytest.mark.usefixtures("trace")
def test_nobody_listens(address: str) -> None:
    with staged(free_port()) as stage:
        assert attempt(stage.port, address) == errno.ECONNREFUSED
    assert stage.words == {"kernel-says-no-socket": "yes", "kernel-says-stack-reset": "yes"}
    assert stage.said["kernel-says-no-socket"].frames == (1, 2)
    assert {task.tid for task in stage.witness.processes.values()} == {threading.get_native_id()}


@pytest.mark.usefixtures("trace")
def test_the_input_chain_drops() -> None:
    with staged(free_port()) as stage:
        rule("input", stage.port, "drop")
        assert attempt(stage.port, "::1") != 0
    assert stage.words == {"kernel-says-netfilter-drop": "yes"}


@ADDRESSES
@pytest.mark.usefixtures("trace")
def test_a_firewall_makes_the_rst(address: str) -> None:
    with staged(free_port()) as stage:
        rule("input", stage.port, "reject with tcp reset")
        assert attempt(stage.port, address) == errno.ECONNREFUSED
    assert stage.words == {"kernel-says-netfilter-drop": "yes", "kernel-says-firewall-reset": "yes"}
    assert stage.said["kernel-says-stack-reset"].answer is Answer.NO


@ADDRESSES
@pytest.mark.usefixtures("trace")
def test_a_firewall_answers_by_icmp(address: str) -> None:
    with staged(free_port()) as stage:
        rule("input", stage.port, "reject with icmpx type port-unreachable")
        assert attempt(stage.port, address) != 0
    assert stage.words == {"kernel-says-netfilter-drop": "yes"}


@pytest.mark.parametrize(("address", "verdict"), [("::1", "drop"), ("127.0.0.1", "reject with tcp reset")])
@pytest.mark.usefixtures("trace")
def test_the_output_chain_drops(address: str, verdict: str) -> None:
    with staged(free_port()) as stage:
        rule("output", stage.port, verdict)
        assert attempt(stage.port, address) != 0
    assert stage.words == {"kernel-saw-connect-without-syn": "yes", "kernel-says-netfilter-drop": "yes"}
    assert "NETFILTER_DROP" in stage.said["kernel-saw-connect-without-syn"].text


@pytest.mark.usefixtures("trace")
def test_the_accept_queue_is_full() -> None:
    with staged(free_port()) as stage, socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", stage.port))
        server.listen(0)
        first.connect(("127.0.0.1", stage.port))
        assert attempt(stage.port) != 0
        stage.reader.close()
    assert stage.words["kernel-says-queue-full"] == "yes"
    assert stage.words["kernel-saw-listener-open"] == "yes"
    assert "kernel-says-netfilter-drop" in stage.words, "could not tell: a full queue makes no event"
    assert stage.said["kernel-says-netfilter-drop"].answer is Answer.UNKNOWN


@pytest.mark.usefixtures("trace")
def test_the_interface_is_down() -> None:
    with staged(free_port()) as stage:
        run("ip", "link", "set", "lo", "down")
        assert attempt(stage.port) != 0
        run("ip", "link", "set", "lo", "up")
    assert stage.words == {"kernel-saw-connect-without-syn": "yes", "kernel-says-other-drop": "yes"}
    assert "QDISC_DROP" in stage.said["kernel-saw-connect-without-syn"].text


@pytest.mark.usefixtures("trace")
def test_no_local_port_is_left() -> None:
    with staged(free_port()) as stage, socket.socket() as server:
        server.bind(("127.0.0.1", stage.port))
        server.listen(9)
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as file:  # noqa: PTH123 - of this namespace
            file.write("40000 40000")
        with socket.create_connection(("127.0.0.1", stage.port)):
            assert attempt(stage.port) == errno.EADDRNOTAVAIL
        stage.reader.close()
    assert stage.words["kernel-saw-connect-without-syn"] == "yes"
    assert "before it had a local port" in stage.said["kernel-saw-connect-without-syn"].text


@pytest.mark.usefixtures("trace")
def test_listening_ends_between_two_attempts() -> None:
    with staged(free_port()) as stage:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", stage.port))
            server.listen(9)
            assert attempt(stage.port) == 0
        assert attempt(stage.port) == errno.ECONNREFUSED
    told = stage.said
    assert told["kernel-says-no-socket"].answer is Answer.YES
    assert told["kernel-saw-listener-open"].answer is Answer.YES
    assert told["kernel-saw-listener-close"].answer is Answer.YES
    assert "after the first attempt and" in told["kernel-saw-listener-close"].text
    assert [" began to listen " in text for text in stage.witness.listeners] == [True, False]


@pytest.mark.usefixtures("trace")
def test_a_server_comes_on_another_port() -> None:
    serve = "import socket; s = socket.create_server(('127.0.0.1', 8123)); print(flush=True); input()"
    with staged(free_port()) as stage:
        if stage.health.beside:
            pytest.skip(stage.health.beside)
        command = [sys.executable, "-c", serve]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            assert server.stdout.readline()
            assert attempt(stage.port) == errno.ECONNREFUSED
            stage.reader.read()
            server.communicate(b"\n")
    assert stage.words["kernel-saw-listener-on-another-port"] == "yes"
    said = stage.said["kernel-saw-listener-on-another-port"].text
    assert f"({server.pid}) began to listen on 127.0.0.1:8123, " in said


@pytest.mark.usefixtures("trace")
def test_a_bind_fails() -> None:
    serve = "import socket; socket.socket().bind(('127.0.0.1', 8123))"
    with staged(free_port()) as stage, socket.create_server(("127.0.0.1", 8123)):
        if stage.health.beside:
            pytest.skip(stage.health.beside)
        done = subprocess.run([sys.executable, "-c", serve], check=False, capture_output=True)
        assert b"Address already in use" in done.stderr
        assert attempt(stage.port) == errno.ECONNREFUSED
    assert stage.words["kernel-saw-bind-in-use"] == "yes"
    assert "failed with EADDRINUSE; the kernel does not say" in stage.said["kernel-saw-bind-in-use"].text
    assert "kernel-saw-bind-denied" not in stage.words


@pytest.mark.usefixtures("trace")
def test_nobody_tries() -> None:
    with staged(free_port()) as stage:
        pass
    assert stage.words == {"kernel-saw-connect-without-syn": "could not tell"}
    assert stage.said["kernel-saw-connect-without-syn"].text.startswith(
        "no connect there got as far as sending"
    )


@pytest.mark.usefixtures("trace")
def test_a_connect_without_a_route_makes_no_event() -> None:
    with staged(free_port()) as stage:
        run("ip", "addr", "del", "127.0.0.1/8", "dev", "lo")
        assert attempt(stage.port) == errno.ENETUNREACH
    # Drops name no port: another program's may be among the events.
    assert [event for event in stage.events if event.kind is not Kind.DROP] == []


@pytest.mark.usefixtures("trace")
def test_a_connect_elsewhere_is_not_taken_for_ours() -> None:
    """The other namespace's connect is in the trace, its SYN is not in the capture."""
    with staged(free_port()) as stage:
        _elsewhere(stage.port)
    assert stage.words == {"kernel-saw-connect-without-syn": "could not tell"}


def _at_once(port: int, ours: int, theirs: int) -> None:
    """Connect at the same time in this namespace and in another, each from a local port."""
    barrier = threading.Barrier(2)
    other = threading.Thread(target=_elsewhere, args=(port, barrier, theirs))
    other.start()
    barrier.wait()
    attempt(port, source=ours)
    other.join()


@pytest.mark.usefixtures("trace")
def test_equal_connects_from_two_namespaces_are_not_told_apart() -> None:
    with staged(free_port()) as stage:
        _at_once(stage.port, 40_001, 40_001)
    assert len({event.task.tid for event in stage.events if event.kind is Kind.CONNECT}) == 2
    assert {word for word, answer in stage.words.items() if answer == "yes"} == set()
    assert stage.said["kernel-says-no-socket"].answer is Answer.UNKNOWN
    assert "2 threads" in stage.said["kernel-says-no-socket"].text
    assert stage.witness.processes == {}


@pytest.mark.usefixtures("trace")
def test_connects_from_two_namespaces_are_told_apart_by_their_ports() -> None:
    with staged(free_port()) as stage:
        _at_once(stage.port, 40_001, 40_002)
    assert len({event.task.tid for event in stage.events if event.kind is Kind.CONNECT}) == 2
    assert stage.said["kernel-says-no-socket"].answer is Answer.YES
    assert [task.tid for task in stage.witness.processes.values()] == [threading.get_native_id()]


def _elsewhere(port: int, barrier: threading.Barrier | None = None, source: int = 0) -> None:
    def body() -> None:
        with namespace():
            if barrier:
                barrier.wait()
            attempt(port, source=source)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("trace")
def test_the_trace_leaves_no_instance() -> None:
    with staged(free_port()):
        pass
    root = open_root()
    instances = os.open("instances", os.O_RDONLY, dir_fd=root)
    assert not [name for name in os.listdir(instances) if f"-{os.getpid()}-" in name]  # noqa: PTH208
    os.close(instances)
    os.close(root)


@pytest.mark.usefixtures("trace")
def test_a_connect_of_the_command_is_denied() -> None:
    """A process that forbids itself to connect; its shell is the command."""
    with staged(free_port(), tree=threading.get_native_id()) as stage:
        if not stage.reader.health.denials:
            pytest.skip("the calls of a command cannot be traced here")
        command = ["sh", "-c", f"{sys.executable} {DENIED} {stage.port}; true"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as shell:
            shell.wait(20)
    assert stage.words["kernel-saw-connect-denied"] == "yes"
    assert "was denied with EACCES" in stage.said["kernel-saw-connect-denied"].text
    assert "kernel-saw-own-connect" not in stage.words


@pytest.mark.usefixtures("trace")
def test_the_command_sets_out_and_its_syn_is_dropped() -> None:
    with staged(free_port(), tree=threading.get_native_id()) as stage:
        if not stage.reader.health.denials:
            pytest.skip("the calls of a command cannot be traced here")
        rule("output", stage.port, "drop")
        attempt(stage.port)
    assert stage.words["kernel-saw-own-connect"] == "yes"
    assert stage.words["kernel-says-netfilter-drop"] == "yes"
