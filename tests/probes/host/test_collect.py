"""Looking at this machine: sockets, processes, loopback and namespaces of its own kernel, and the time it takes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.model import Answer
from synscope.probes.host import collect as module
from synscope.probes.host.collect import Collector, collect, linux_collectors, other_collectors
from synscope.probes.host.snapshot import SECTIONS, Firewall, Snapshot, Untold
from synscope.probes.host.snapshot_json import from_json, to_json
from tests.evidence.host.builders import observed
from tests.kernel import as_user, namespace, need_root, run

PORT = 8080
TEN_SECONDS = 10.0


def look(**more: object) -> Snapshot:
    return collect((PORT,), budget_s=5.0, **more)  # type: ignore[arg-type]


def bound(address: str = "127.0.0.1", port: int = PORT, kind: int = socket.SOCK_STREAM) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((address, port))
    return made


def listening(address: str = "127.0.0.1", port: int = PORT, backlog: int = 8) -> socket.socket:
    made = bound(address, port)
    made.listen(backlog)
    return made


@contextlib.contextmanager
def program(script: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program of the namespace, once it has printed a line."""
    started = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        assert started.stdout.readline()
        yield started
    finally:
        started.send_signal(signal.SIGKILL)
        started.communicate()


SERVER = f"""
import socket, time
s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(("127.0.0.1", {PORT})); s.listen(4)
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.usefixtures("private_network")
def test_a_listener_and_its_owner() -> None:
    with program(SERVER) as server:
        found = observed(look())
    seen = found["listener-on-target"]
    assert seen.answer is Answer.YES
    assert f"is listening on 127.0.0.1:{PORT}" in seen.text
    assert f"pid {server.pid}, user root" in seen.text
    assert found["server-process-stopped"].answer is Answer.NO
    assert found["server-out-of-descriptors"].answer is Answer.NO
    assert found["no-firewall-rule"].answer is Answer.YES
    assert found["loopback-is-down"].answer is Answer.NO
    assert found["bound-not-listening"].answer is Answer.NO


@pytest.mark.usefixtures("private_network")
def test_nothing_listens() -> None:
    found = observed(look())
    for name in (
        "listener-on-target",
        "listener-on-other-address",
        "listener-on-other-family",
        "listener-exposed",
    ):
        assert found[name].answer is Answer.NO, found[name]


@pytest.mark.usefixtures("private_network")
def test_other_address_family_and_device() -> None:
    with listening("127.0.0.2"):
        found = observed(look(), failed_at=("127.0.0.1",))
        assert found["listener-on-other-address"].answer is Answer.YES
        assert found["listener-on-target"].answer is Answer.NO
    with listening("::1"):
        found = observed(look(), failed_at=("127.0.0.1",))
        assert found["listener-on-other-family"].answer is Answer.YES
        assert found["listener-on-other-address"].answer is Answer.NO
    run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"v0")
        made.bind(("0.0.0.0", PORT))
        made.listen()
        found = observed(look(), failed_at=("127.0.0.1",))
    assert found["listener-on-target"].answer is Answer.NO
    assert "on device v0" in found["listener-on-other-address"].text


@pytest.mark.usefixtures("private_network")
@pytest.mark.parametrize(("v6only", "answer"), [(0, Answer.YES), (1, Answer.NO)])
def test_the_ipv6_wildcard_serves_ipv4_unless_it_is_ipv6_only(v6only: int, answer: Answer) -> None:
    with socket.socket(socket.AF_INET6) as made:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        made.bind(("::", PORT))
        made.listen()
        found = observed(look(), failed_at=("127.0.0.1",))
    assert found["listener-on-target"].answer is answer
    assert found["listener-exposed"].answer is Answer.YES


@pytest.mark.usefixtures("private_network")
def test_the_firewall_is_asked_about_own_addresses_among_the_hosts() -> None:
    """To another machine's address the way is not the loopback interface, which is what the judge knows."""
    run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    run("ip", "address", "add", "10.9.8.7/24", "dev", "v0")
    found = collect((PORT,), hosts=("localhost", "10.9.8.7", "10.9.8.8", "fe80::1%v0")).firewall
    assert isinstance(found, Firewall)
    assert {one.address for one in found.rulings} == {"127.0.0.1", "::1", "10.9.8.7"}


@pytest.mark.usefixtures("private_network")
def test_bound_but_not_listening() -> None:
    with bound():
        taken = look()
    assert not isinstance(taken.sockets, Untold)
    if isinstance(taken.sockets.bound, Untold):
        pytest.skip(taken.sockets.bound.could_not_tell)
    seen = observed(taken)["bound-not-listening"]
    assert seen.answer is Answer.YES
    assert f"pid {os.getpid()}" in seen.text


@pytest.mark.usefixtures("private_network")
def test_udp_and_unix_look_alikes(tmp_path: Path) -> None:
    with bound(kind=socket.SOCK_DGRAM):
        assert observed(look())["udp-or-unix-lookalike"].answer is Answer.YES
    path = tmp_path / f"server.{PORT}.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
        made.listen()
        seen = observed(look())["udp-or-unix-lookalike"]
        assert seen.answer is Answer.YES
        assert str(path) in seen.text
        with listening():
            assert observed(look())["udp-or-unix-lookalike"].answer is Answer.NO
    assert observed(look())["udp-or-unix-lookalike"].answer is Answer.NO


@pytest.mark.usefixtures("private_network")
def test_a_full_accept_queue() -> None:
    with listening(backlog=1), contextlib.ExitStack() as stack:
        before = look()
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(("127.0.0.1", PORT))
        time.sleep(0.1)
        after = look()
    assert observed(before)["accept-queue-full"].answer is Answer.NO
    seen = observed(after)["accept-queue-full"]
    assert seen.answer is Answer.YES
    assert "2 connections wait, and the queue has room for 2" in seen.text
    assert not isinstance(after.sockets, Untold)
    assert after.sockets.uses[0].syn_sent == 2


@pytest.mark.usefixtures("private_network")
def test_a_stopped_process() -> None:
    with program(SERVER) as server:
        server.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, server.pid, os.WSTOPPED | os.WNOWAIT)
        seen = observed(look())["server-process-stopped"]
    assert seen.answer is Answer.YES
    assert f"(pid {server.pid}) is stopped" in seen.text


@pytest.mark.usefixtures("private_network")
def test_a_server_that_is_gone() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    taken = look(server_pids=(gone.pid,))
    assert observed(taken)["server-process-stopped"].answer is Answer.YES


@pytest.mark.usefixtures("private_network")
def test_exhausted_descriptors() -> None:
    exhaust = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n"
    fill = 'held = []\ntry:\n    while True: held.append(open("/dev/null"))\nexcept OSError: pass\n'
    script = SERVER.replace('print("up"', f'{exhaust}{fill}print("up"')
    with program(script) as server:
        seen = observed(look())["server-out-of-descriptors"]
        assert seen.answer is Answer.YES
        assert "16 descriptors of 16" in seen.text
        client = observed(look(client_pid=server.pid))["client-out-of-resources"]
        assert client.answer is Answer.YES


@pytest.mark.usefixtures("private_network")
def test_exhausted_local_ports() -> None:
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40003")
    with listening(backlog=64), contextlib.ExitStack() as stack:
        assert observed(look(client_pid=os.getpid()))["client-out-of-resources"].answer is Answer.NO
        for _ in range(4):
            stack.enter_context(socket.create_connection(("127.0.0.1", PORT)))
        with pytest.raises(OSError, match="Cannot assign"):
            socket.create_connection(("127.0.0.1", PORT))
        seen = observed(look())["client-out-of-resources"]
    assert seen.answer is Answer.YES
    assert "4 local ports" in seen.text


@pytest.mark.usefixtures("private_network")
def test_loopback_down_and_without_an_address() -> None:
    run("ip", "link", "set", "lo", "down")
    assert "lo is down" in observed(look())["loopback-is-down"].text
    run("ip", "link", "set", "lo", "up")
    run("ip", "addr", "flush", "dev", "lo")
    assert "has no address" in observed(look())["loopback-is-down"].text
    run("ip", "addr", "add", "::1/128", "dev", "lo")
    assert observed(look(), failed_at=("127.0.0.1",))["loopback-is-down"].answer is Answer.YES
    assert observed(look(), failed_at=("::1",))["loopback-is-down"].answer is Answer.NO


@pytest.mark.usefixtures("private_network")
def test_no_route_to_loopback() -> None:
    run("ip", "rule", "add", "priority", "0", "to", "127.0.0.0/8", "prohibit")
    run("ip", "rule", "del", "priority", "0", "lookup", "local")
    run("ip", "rule", "add", "priority", "10", "lookup", "local")
    seen = observed(look(), failed_at=("127.0.0.1",))["loopback-is-down"]
    assert seen.answer is Answer.YES
    assert "Permission denied" in seen.text


@pytest.mark.usefixtures("kernel")
def test_a_listener_in_another_namespace() -> None:
    with namespace(inside=False) as elsewhere, namespace():
        from synscope.capture.live.interfaces import entered

        with entered(Path("/run/netns") / elsewhere), listening() as made:
            pass_on = made.dup()
        with pass_on:
            seen = observed(look())["listener-in-other-namespace"]
            assert seen.answer is Answer.YES
            assert elsewhere in seen.text
        assert observed(look())["listener-in-other-namespace"].answer is not Answer.YES


@pytest.mark.usefixtures("private_network")
def test_a_listener_of_a_process_in_another_namespace() -> None:
    lo_up = "import subprocess; subprocess.run(['ip', 'link', 'set', 'lo', 'up'])\n"
    command = ["unshare", "--net", sys.executable, "-c", lo_up + SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        seen = observed(look())["listener-in-other-namespace"]
        server.kill()
    assert seen.answer is Answer.YES
    assert f"that of process {server.pid}" in seen.text


@pytest.mark.usefixtures("private_network")
def test_before_and_after() -> None:
    before = look()
    with listening():
        during = look()
    after = look()
    assert observed(before, during)["listener-appeared-later"].answer is Answer.YES
    assert observed(during, after)["listener-vanished"].answer is Answer.YES
    # Whether it went before or after what failed, looks do not say.
    assert observed(before, during, after)["listener-vanished"].answer is Answer.UNKNOWN
    assert observed(during, during)["listener-vanished"].answer is Answer.NO
    assert observed(during)["listener-vanished"].answer is Answer.UNKNOWN


@pytest.mark.usefixtures("private_network")
def test_a_snapshot_survives_its_document() -> None:
    with listening():
        taken = look(environment={"http_proxy": "http://me:secret@proxy:3128"}, hosts=("localhost",))
    assert from_json(to_json(taken)) == taken
    assert "secret" not in to_json(taken)


@pytest.mark.usefixtures("kernel")
def test_command_lines_are_recorded_only_when_asked_for() -> None:
    own = Path("/proc/self/cmdline").read_bytes().decode().replace("\0", " ").strip()
    assert own not in to_json(look(client_pid=os.getpid()))
    shown = look(client_pid=os.getpid(), command_lines=True).processes
    assert not isinstance(shown, Untold)
    assert shown[0].command == own


def test_of_an_environment_only_the_proxy_variables_are_recorded() -> None:
    taken = to_json(collect((), environment={"TOKEN": "hunter2", "NO_PROXY": "localhost"}))
    assert "hunter2" not in taken
    assert "NO_PROXY" in taken


@pytest.mark.parametrize("tool", ["nft", "docker"])
@pytest.mark.usefixtures("kernel")
def test_a_hanging_tool_costs_no_more_than_the_budget(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / tool
    pids = tmp_path / "pids"
    fake.write_text(f"#!/bin/sh\necho $$ >> {pids}\nsleep 60 & echo $! >> {pids}\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    began = time.monotonic()
    taken = collect((PORT,), budget_s=1.0)
    assert time.monotonic() - began < 10
    if tool == "nft":
        found = observed(taken)
        assert found["no-firewall-rule"].answer is Answer.UNKNOWN
        assert "nft" in found["no-firewall-rule"].text
        assert not isinstance(taken.sockets, Untold)
    time.sleep(0.3)
    for pid in pids.read_text().split():
        with contextlib.suppress(FileNotFoundError):
            assert Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z", f"{pid} still runs"


@pytest.mark.usefixtures("kernel")
def test_an_ordinary_user_is_told_what_can_be_read() -> None:
    need_root()
    with namespace(), listening():
        began = time.monotonic()
        script = (
            "from synscope.probes.host.collect import collect\n"
            "from synscope.probes.host.snapshot_json import to_json\n"
            f"print(to_json(collect(({PORT},))))"
        )
        done = as_user(script)
        took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert took < TEN_SECONDS
    taken = from_json(done.stdout)
    assert taken.duration_ns < 4e9
    assert not taken.privileged
    found = observed(taken)
    assert found["listener-on-target"].answer is Answer.YES
    assert "owner not visible" in found["listener-on-target"].text
    assert "need root" in found["listener-on-target"].text
    for name in (
        "no-firewall-rule",
        "firewall-rule-drops",
        "server-process-stopped",
        "listener-in-other-namespace",
    ):
        assert found[name].answer is Answer.UNKNOWN, found[name]
    assert "needs root" in found["no-firewall-rule"].text
    assert found["loopback-is-down"].answer is Answer.NO
    json.loads(done.stdout)


@pytest.mark.usefixtures("kernel")
def test_the_default_budget_is_kept() -> None:
    began = time.monotonic()
    collect((PORT,), hosts=("no.such.name.invalid",))
    assert time.monotonic() - began < 4.0


@pytest.mark.skipif(sys.platform != "linux", reason="the collectors for Linux import on Linux alone")
def test_every_section_has_a_collector_on_linux() -> None:
    assert set(linux_collectors()) == set(SECTIONS)
    assert set(other_collectors()) < set(SECTIONS)


def test_a_section_without_a_collector_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = {"sockets": Collector("listeners", lambda _: Untold("no"))}
    for name in ("linux_collectors", "other_collectors"):
        monkeypatch.setattr(module, name, lambda: nobody)
    found = look()
    assert found.sockets == Untold("no")
    assert {getattr(found, name) for name in SECTIONS if name != "sockets"} == {
        Untold("not looked at on this system")
    }
