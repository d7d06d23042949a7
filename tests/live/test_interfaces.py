"""Which interface is captured: nothing is seen twice, and the client's own SYN is seen on any of them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        for name, interface in ((one, "near"), (one, "any"), (other, "far")):
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
            assert report.health["canary"] == ("seen" if path.stem == "any" else "could not be sent")
