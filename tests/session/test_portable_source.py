"""A capture through Scapy's sockets, from beginning to report, and what is given up before it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from synscope.capture.live import portable
from synscope.capture.source import RingState
from synscope.model import Target
from synscope.process import privileges
from synscope.process.errors import PrivilegeError, SessionError
from synscope.process.privileges import Identity
from synscope.session import portable_source
from synscope.session.plan import Plan, Saving
from synscope.session.start import start_session
from tests.kernel import SOME_USER, need_root
from tests.live import program
from tests.live.program import Report, live, of_document, python

pytestmark = pytest.mark.usefixtures("kernel")

CONNECT = """
import socket, sys
for address in sys.argv[2:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as made:
        made.settimeout(1.5)
        made.connect_ex((address, int(sys.argv[1])))
"""
SERVE = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
made = socket.create_server((sys.argv[1], int(sys.argv[2])), family=family)
print("listening", flush=True)
while True:
    made.accept()[0].close()
"""
ways = pytest.mark.parametrize("way", ["portable", "libpcap"])
families = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


def captured(way: str, until: str, *addresses: str) -> Report:
    typed = ("-p", "8123", "--capture-with", way, until, "--duration", "20", "--format", "json")
    with live(*typed) as watching, program.started(python(CONNECT, "8123", *addresses)) as client:
        assert program.finish(client).status == 0
        done = program.finish(watching)
    return of_document(done.out)


@ways
@families
def test_refused(way: str, address: str) -> None:
    with program.namespace():
        report = captured(way, "--until-failure", address)
    assert report.label == "SYN-RST"
    assert [attempt["server"] for attempt in report.attempts] == [{"address": address, "port": 8123}]
    program.assert_whole(report)


@ways
@families
def test_completed(way: str, address: str) -> None:
    with program.namespace(), program.started(python(SERVE, address, "8123")) as serving:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "listening\n"
        report = captured(way, "--until-success", address)
    assert report.label == "completed"
    assert report.targets[0]["counts"] == {"completed": 1}
    program.assert_whole(report)


@ways
def test_nothing_sent(way: str) -> None:
    with program.namespace():
        done = program.run("live", "-p", "8123", "--capture-with", way, "--duration", "1", "--format", "json")
    report = of_document(done.out)
    assert report.label == "client-never-sent"
    assert report.targets[0]["claim"] == "strong"


def test_a_command() -> None:
    with program.namespace():
        done = program.run(
            "run",
            "--capture-with",
            "portable",
            "-p",
            "8123",
            "--format",
            "json",
            "--",
            *python(CONNECT, "8123", "::1"),
        )
    assert done.status == 1
    assert of_document(done.err).label == "SYN-RST"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"isolated": True}, "--isolated makes a private network"),
        ({"namespace": "/proc/1/ns/net"}, "/proc/1/ns/net is another network namespace"),
        ({"interface": "any"}, "one interface is captured, not any"),
    ],
)
def test_what_needs_the_ring_says_so(more: dict[str, object], reason: str) -> None:
    plan = Plan((Target("8123", 8123),), capture_with="portable", **more)  # type: ignore[arg-type]
    with pytest.raises(SessionError, match=reason):
        start_session(plan, lambda _: None)


def test_saving_needs_the_ring(tmp_path: Path) -> None:
    plan = Plan((Target("8123", 8123),), capture_with="portable", save=Saving(tmp_path / "x.pcapng"))
    with pytest.raises(SessionError, match="saving takes the frames"):
        start_session(plan, lambda _: None)


def test_a_command_on_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "SYSTEM", "darwin")
    plan = Plan((Target("8123", 8123),), capture_with="portable")
    with pytest.raises(SessionError, match="start synscope live in one terminal"):
        start_session(plan, lambda _: None, command=["true"])


def in_a_child(act: object) -> dict[str, object]:
    """What a function that changes this process for good returned, in a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            told = act()  # type: ignore[operator]
        except PrivilegeError as error:
            told = {"error": str(error)}
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    found: dict[str, object] = json.loads(text)
    return found


def test_where_only_posix_is_there_root_becomes_another_user() -> None:
    need_root()

    def act() -> dict[str, object]:
        portable_source.become(Identity(SOME_USER, SOME_USER, (), "a test"))
        return {"uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups()}

    ids = [SOME_USER] * 3
    assert in_a_child(act) == {"uids": ids, "gids": ids, "groups": [SOME_USER]}


def test_becoming_root_gives_nothing_up() -> None:
    need_root()
    assert in_a_child(lambda: portable_source.become(Identity(0, 0, (), "a test"))) == {
        "error": "root's rights are left after giving them up"
    }


def test_without_root_nobody_else_can_be_become() -> None:
    need_root()

    def act() -> None:
        os.setresuid(SOME_USER, SOME_USER, SOME_USER)
        portable_source.become(Identity(SOME_USER, SOME_USER, (), "a test"))

    assert in_a_child(act) == {"error": f"cannot become user {SOME_USER}: Operation not permitted"}


class _Silent:
    """A capture in which nothing ever comes."""

    several, loopback = False, 0
    state = RingState.CAPTURING
    interruptions = damaged = received = copies = unknown = snapped = 0
    dropped = None
    use = fullest = 0.0

    def batches(self, _timeout: float) -> list[object]:
        return []

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("system", "given_up"), [("linux", "dropped"), ("darwin", "become"), ("win32", "announced")]
)
def test_what_each_system_gives_up(system: str, given_up: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order that matters: the capture is open before, and nothing is read before it."""
    order: list[str] = []

    def opened(*_: object, **__: object) -> _Silent:
        order.append("opened")
        return _Silent()

    monkeypatch.setattr(portable, "SYSTEM", system)
    monkeypatch.setattr(portable, "open_portable", opened)
    monkeypatch.setattr(privileges, "drop", lambda _: order.append("dropped"))
    monkeypatch.setattr(portable_source, "become", lambda _: order.append("become"))
    if system == "win32":
        monkeypatch.delattr(os, "geteuid")
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    plan = Plan((Target("8123", 8123),), interface="eth9", capture_with="portable", environment={})
    with start_session(plan, lambda _: order.append("announced")) as session:
        diagnosis = session.analysis.finish("test")
    assert order == ["opened", given_up]
    assert diagnosis.health.dropped is None


@pytest.mark.parametrize(
    ("hosts", "interface"),
    [
        ([None], "lo"),
        (["localhost"], "lo"),
        (["127.0.0.1"], "lo"),
        (["172.17.0.1"], "eth0"),
        (["172.17.0.1", "172.17.0.9"], "eth0"),
        (["172.17.0.1", None], None),
        (["192.0.2.5"], None),
    ],
)
def test_the_interface_that_leads_to_the_targets(
    hosts: list[str | None], interface: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is captured: several ways, or none that is known, are no reason to choose."""
    monkeypatch.setattr(portable, "loopback_name", lambda: "lo")
    monkeypatch.setattr(portable, "interface_to", lambda to: "eth0" if to.startswith("172.") else None)
    assert portable_source._way_to([Target("8000", 8000, host) for host in hosts]) == interface
