"""The elevated helper: does what is on its list, refuses everything else, ends with its socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.process import helper
from synscope.process.launch import program
from tests.kernel import need_root

RING: dict[str, Any] = {
    "op": "open_ring",
    "interface": "lo",
    "block_size": 1 << 17,
    "block_count": 4,
    "retire_ms": 50,
    "filter": "0600000000000400",
    "namespace": None,
}


def asked(**request: object) -> dict[str, Any]:
    return dict(helper.answer_to(json.dumps(request).encode()).body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("op", "shell"),
        ("op", None),
        ("interface", "../lo"),
        ("interface", "a b"),
        ("interface", "x" * 16),
        ("interface", ""),
        ("interface", 1),
        ("interface", "lo\0"),
        ("interface", "lo\n"),
        ("block_size", 4095),
        ("block_size", -1),
        ("block_size", True),
        ("block_size", "4096"),
        ("block_size", 1 << 30),
        ("block_count", 0),
        ("block_count", 1 << 20),
        ("retire_ms", -1),
        ("retire_ms", 1e3),
        ("filter", ""),
        ("filter", "06"),
        ("filter", "zz00000000000400"),
        ("filter", "06" * 8 * 4097),
        ("filter", None),
        ("namespace", "/etc/shadow"),
        ("namespace", "/proc/1/ns/mnt"),
        ("namespace", "/run/netns/../../etc/passwd"),
        ("namespace", "/run/netns/.."),
        ("namespace", "/run/netns/a/b"),
        ("namespace", "/proc/self/ns/net"),
        ("namespace", 1),
        ("extra", 1),
    ],
)
def test_refuses_what_is_not_its_own(field: str, value: object) -> None:
    answer = asked(**{**RING, field: value})
    assert set(answer) == {"error", "errno", "kind"}
    assert answer["kind"] == "RequestError"


@pytest.mark.parametrize("field", [name for name in RING if name != "op"])
def test_refuses_what_is_incomplete(field: str) -> None:
    assert asked(**{name: value for name, value in RING.items() if name != field})["kind"] == "RequestError"


@pytest.mark.parametrize("watched", [None, "80", [70_000], ["80"], [True], [-1]])
def test_refuses_ports_that_are_none(watched: object) -> None:
    assert asked(op="self_test", watched=watched, namespace=None)["kind"] == "RequestError"


@pytest.mark.parametrize(
    "client",
    [
        None,
        {},
        {"uid": 0, "device": ""},
        {"uid": -1, "device": "", "source": ""},
        {"uid": True, "device": "", "source": ""},
        {"uid": None, "device": 1, "source": ""},
    ],
)
def test_refuses_a_client_that_is_none(client: object) -> None:
    answer = asked(op="look", ports=[], hosts=[], environment={}, namespace=None, client=client)
    assert answer == {"error": "client is no client", "errno": 0, "kind": "RequestError"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("family", 1), ("family", 3), ("family", "2"), ("owner", -1), ("owner", 1 << 32), ("namespace", "/etc")],
)
def test_refuses_sockets_that_are_none_of_its_kind(field: str, value: object) -> None:
    socket_wanted = {"op": "open_socket", "family": int(socket.AF_INET), "owner": 0, "namespace": None}
    assert asked(**{**socket_wanted, field: value})["kind"] == "RequestError"


def test_a_socket_belongs_to_whom_it_is_for() -> None:
    need_root()
    reply = helper.OPERATIONS["open_socket"][1](
        {"family": int(socket.AF_INET6), "owner": 65_533, "namespace": None}
    )
    with socket.socket(fileno=reply.descriptors[0]) as made:
        assert os.fstat(made.fileno()).st_uid == 65_533
        assert (made.family, made.type) == (socket.AF_INET6, socket.SOCK_STREAM)


@given(st.binary(max_size=200) | st.just(b"[" * 100_000))
def test_any_bytes_are_answered(message: bytes) -> None:
    assert "error" in helper.answer_to(message).body


def test_a_namespace_that_is_not_there() -> None:
    answer = asked(**{**RING, "namespace": "/run/netns/no-such-namespace"})
    assert answer["errno"] == 2


def test_the_helper_sings() -> None:
    answer = asked(op="self_test", watched=[], namespace=None)
    assert [song["family"] for song in answer["ok"]["connections"]] == [4, 6]


def test_only_these_operations() -> None:
    assert set(helper.OPERATIONS) == {
        *("open_ring", "open_socket", "self_test", "look", "trace", "follow", "untrace"),
        *("trace_firewall", "untrace_firewall", "name_rules"),
    }


@pytest.mark.parametrize(
    "rules", ["", [1], [["inet", "t"]], [["inet", "t", "1"]], [["inet", "t" * 300, 1]], [["inet", 1, 1]]]
)
def test_rules_to_name_have_a_form(rules: object) -> None:
    assert asked(op="name_rules", rules=rules, namespace=None)["kind"] == "RequestError"


@pytest.fixture
def started() -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(program("helper"), stdin=theirs.fileno(), stderr=subprocess.PIPE)
        theirs.close()
        ours.settimeout(10)
        assert json.loads(ours.recv(10_000))["ok"]["pid"] == process.pid
        with process:
            yield ours, process
            ours.close()


def test_ends_when_its_socket_closes(started: tuple[socket.socket, subprocess.Popen[bytes]]) -> None:
    ours, process = started
    ours.close()
    assert process.wait(timeout=10) == 0


def test_survives_nonsense_and_leaks_no_descriptor(
    started: tuple[socket.socket, subprocess.Popen[bytes]],
) -> None:
    ours, process = started
    open_before = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    for message in (b"x", b"{}", b'{"op":"open_ring"}', json.dumps({**RING, "interface": "nope"}).encode()):
        ours.send(message)
        assert "error" in json.loads(ours.recv(10_000))
    assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) == open_before


def test_needs_its_socket() -> None:
    done = subprocess.run(program("helper"), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stderr[:15]) == (2, b"synscope helper")


def test_loads_no_parser_and_nothing_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('injected')")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('injected')")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py")}
        command = program("helper")
        command[1:1] = ["-X", "importtime"]
        process = subprocess.Popen(
            command, stdin=theirs.fileno(), stderr=subprocess.PIPE, env=environment, cwd=tmp_path, text=True
        )
        theirs.close()
        ours.settimeout(10)
        ours.recv(10_000)
        for request in (RING, {"op": "self_test", "watched": [], "namespace": None}):
            ours.send(json.dumps(request).encode())
            _, rights, _, _ = ours.recvmsg(10_000, 100)
            for _, _, data in rights:
                os.close(int.from_bytes(data[:4], "little"))
        ours.close()
        _, imports = process.communicate(timeout=10)
    loaded = {line.rpartition("|")[2].strip() for line in imports.splitlines()}
    ours_loaded = {name for name in loaded if name.startswith("synscope")}
    allowed = {
        "synscope", "synscope._version", "synscope.model", "synscope.capture", "synscope.capture.live",
        "synscope.capture.live.ring_socket", "synscope.capture.live.self_test",
    }  # fmt: skip
    assert "json" in loaded
    assert ours_loaded <= allowed


@pytest.mark.usefixtures("kernel")
def test_enters_a_namespace_and_comes_back() -> None:
    need_root()
    inside = subprocess.Popen(["unshare", "--net", "sleep", "30"])
    with inside:
        try:
            path = f"/proc/{inside.pid}/ns/net"
            home = Path("/proc/self/ns/net").readlink()
            for _ in range(100):
                if Path(path).readlink() != home:
                    break
                threading.Event().wait(0.02)
            answer = asked(op="self_test", watched=[], namespace=path)
            assert answer["ok"]["connections"][0]["state"] == "could not be sent"
            assert Path("/proc/thread-self/ns/net").readlink() == home
            opened = helper.answer_to(json.dumps({**RING, "namespace": path}).encode())
            (descriptor,) = opened.descriptors
            os.close(descriptor)
        finally:
            inside.kill()
