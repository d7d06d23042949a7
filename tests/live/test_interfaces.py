"""Which interface is captured: nothing is seen twice, and the client's own SYN is seen on any of them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import synscope
from tests.kernel import need, server, talk
from tests.kernel import run as ran
from tests.live import program

pytestmark = pytest.mark.usefixtures("kernel")


@pytest.mark.parametrize("interface", ["lo", "any"])
def test_nothing_is_seen_twice(tmp_path: Path, interface: str) -> None:
    path = tmp_path / "report.json"
    with program.namespace(), server() as four, server("::1") as six:
        typed = ("-p", f"{four.port}", "-p", f"{six.port}", "-i", interface, "--count", "6")
        with program.live(*typed, "--format", "json", "--output", str(path)) as process:
            talk(four.address, 3)
            talk(six.address, 3)
            done = program.finish(process)
    assert done.status == 0, done.err
    report = program.of_document(path.read_text(encoding="utf-8"))
    assert [target["counts"] for target in report.targets] == [{"completed": 3}, {"completed": 3}]
    program.assert_whole(report)
    assert report.health["interface"] == interface


@dataclass(frozen=True)
class Containers:
    """A host with a bridge, and two containers on it: names of their namespaces."""

    host: str
    one: str
    other: str


GATEWAY, ONE, OTHER = "172.17.0.1", "172.17.0.2", "172.17.0.3"
PUBLISHED, RENAMED = 8080, 8081
RULES = f"""
table ip nat {{
  chain out {{ type nat hook output priority -100;
    fib daddr type local tcp dport {RENAMED} dnat to {ONE}:{PUBLISHED}; }}
  chain pre {{ type nat hook prerouting priority -100; fib daddr type local tcp dport {PUBLISHED} dnat to {ONE}; }}
  chain post {{ type nat hook postrouting priority 100; oifname docker0 masquerade; }}
}}
"""


@contextlib.contextmanager
def containers() -> Iterator[Containers]:
    """The host publishes port 8080 of the first container to the second, and to itself as 8081."""
    need(None if shutil.which("ip") and shutil.which("nft") else "ip and nft")
    with contextlib.ExitStack() as stack:
        host, one, other = (stack.enter_context(program.namespace(inside=False)) for _ in range(3))
        ran("ip", "-n", host, "link", "add", "docker0", "type", "bridge")
        ran("ip", "-n", host, "addr", "add", f"{GATEWAY}/16", "dev", "docker0")
        ran("ip", "-n", host, "link", "set", "docker0", "up")
        for name, port, address in ((one, "veth1", ONE), (other, "veth2", OTHER)):
            ran("ip", "-n", host, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
            ran("ip", "-n", host, "link", "set", port, "master", "docker0", "up")
            ran("ip", "-n", name, "addr", "add", f"{address}/16", "dev", "eth0")
            ran("ip", "-n", name, "link", "set", "eth0", "up")
        with program.inside(host):
            # /proc/sys shows the network namespace of who opens it.
            for setting in ("ip_forward", "conf/all/route_localnet"):
                Path(f"/proc/sys/net/ipv4/{setting}").write_text("1", encoding="ascii")
            subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
        yield Containers(host, one, other)


def counted(path: Path) -> list[dict[str, int]]:
    report = program.of_document(path.read_text(encoding="utf-8"))
    program.assert_whole(report)
    assert report.health["interface"] == "any"
    return [target["counts"] for target in report.targets]


def test_a_host_with_containers_sees_each_connection_once(tmp_path: Path) -> None:
    """From the host, between two containers, and to a published port; what is saved says the same."""
    path, saved = tmp_path / "report.json", tmp_path / "saved.pcapng"
    with containers() as there, contextlib.ExitStack() as stack:
        with program.inside(there.one):
            inner = stack.enter_context(server(ONE))
            published = stack.enter_context(server(ONE, PUBLISHED))
        with program.inside(there.host):
            own = stack.enter_context(server(GATEWAY))
            typed = [word for port in (inner.port, own.port, PUBLISHED) for word in ("-p", str(port))]
            output = ("--format", "json", "--output", str(path), "--save", str(saved))
            process = stack.enter_context(program.live(*typed, *output, "--count", "4"))
            talk(inner.address)  # over the bridge
        with program.inside(there.other):
            talk(inner.address)  # from port to port
            talk(own.address)
            talk((GATEWAY, published.port))
        done = program.finish(process)
        assert done.status == 0, done.err
    assert counted(path) == [{"completed": 2}, {"completed": 1}, {"completed": 1}]
    again = synscope.analyze(saved, [inner.port, own.port, PUBLISHED])
    assert [dict(each.summary.counts) for each in again.targets] == counted(path)
    assert again.health.duplicates == 0


def test_a_client_that_leaves_by_another_interface_is_seen(tmp_path: Path) -> None:
    """A container's request to its host, and the host's own to a port that rules send into a container."""
    request = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    with containers() as there, contextlib.ExitStack() as stack:
        with program.inside(there.one):
            stack.enter_context(server(ONE, PUBLISHED))
        with program.inside(there.host):
            own = stack.enter_context(server(GATEWAY))
        for where, address, port in ((there.other, GATEWAY, own.port), (there.host, "127.0.0.1", RENAMED)):
            path = tmp_path / f"{port}.json"
            command = program.python(request, address, str(port))
            with program.inside(where):
                output = ("--format", "json", "--output", str(path))
                done = program.run("run", "-p", f"{address}:{port}", *output, "--", *command)
            assert done.status == 0, done.err
            assert counted(path) == [{"completed": 1}]


@contextlib.contextmanager
def two_namespaces() -> Iterator[tuple[str, str]]:
    """Two namespaces joined by a pair of interfaces: ``near`` with 10.99.0.1, ``far`` with 10.99.0.2."""
    with program.namespace(inside=False) as one, program.namespace(inside=False) as other:
        ran("ip", "-n", one, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", other)
        for name, interface, address in ((one, "near", "10.99.0.1"), (other, "far", "10.99.0.2")):
            ran("ip", "-n", name, "addr", "add", f"{address}/24", "dev", interface)
            ran("ip", "-n", name, "link", "set", interface, "up")
        yield one, other


def test_between_two_namespaces_both_sides_see_it_once(tmp_path: Path) -> None:
    need(None if shutil.which("ip") else "ip")
    with contextlib.ExitStack() as stack:
        one, other = stack.enter_context(two_namespaces())
        with program.inside(other):
            far = stack.enter_context(server("10.99.0.2"))
        watches = []
        for name, interface in ((one, "near"), (other, "far")):
            path = tmp_path / f"{interface}.json"
            output = ("--count", "1", "--format", "json", "--output", str(path))
            with program.inside(name):
                live = program.live("-p", str(far.port), "-i", interface, *output)
                watches.append((path, stack.enter_context(live)))
        with program.inside(one):
            talk(far.address)
        for path, process in watches:
            done = program.finish(process)
            assert done.status == 0, done.err
            report = program.of_document(path.read_text(encoding="utf-8"))
            assert report.targets[0]["counts"] == {"completed": 1}, path
            assert report.health["duplicates"] == report.health["dropped"] == 0
            assert report.health["canary"] == "could not be sent"
