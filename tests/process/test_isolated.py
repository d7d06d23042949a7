"""A private network for the command: as an ordinary user, as root, and where the system refuses."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synscope.process import isolated, privileges
from tests.session.kernel import SOME_USER, SRC, SYSTEM_PYTHON, as_user, need, need_root

STORY = """
import json, struct, os
from synscope.session import privileges
from synscope.process.isolated import Isolated
look = "id -u; id -g; grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2; readlink /proc/self/ns/net"
command = ['sh', '-c', look]
server = sys.argv[1]
with Isolated.start(command, privileges.invoking(), server) as private:
    found = private.await_server([8099] if server else [], seconds=float(sys.argv[2]))
    ring = private.helper.open_ring('lo', block_size=1 << 17, block_count=4, retire_ms=50,
                                    program=bytes.fromhex('0600000000000400'))
    songs = private.helper.run_self_test([8099])
    packets = struct.unpack('III', ring.getsockopt(263, 6, 12))[0]
    print(json.dumps([sorted(found.ports), found.exited, [s.state.value for s in songs], packets,
                      os.readlink('/proc/self/ns/net')]), flush=True)
    pid = private.pid
    private.runner.go()
    ended = private.runner.ended()
print(ended.exit_status, os.path.exists(f'/proc/{pid}'))
"""
SERVER = f"exec {SYSTEM_PYTHON} -m http.server --bind 127.0.0.1 8099 --directory /nonexistent"


def possible() -> None:
    need_root()
    ids = ["--reuid", str(SOME_USER), "--regid", str(SOME_USER), "--clear-groups"]
    made = subprocess.run(["setpriv", *ids, "unshare", "-Urn", "true"], capture_output=True, check=False)
    need(None if made.returncode == 0 else "user namespaces for ordinary users")


def test_an_ordinary_user_captures_and_stays_itself() -> None:
    possible()
    done = as_user(STORY, SERVER, "10")
    assert done.returncode == 0, done.stderr
    facts, uid, gid, *capabilities, inside, last = done.stdout.splitlines()
    ports, exited, songs, packets, outside = json.loads(facts)
    assert (ports, exited, songs) == ([8099], None, ["sent", "sent"])
    assert packets > 0
    assert (uid, gid) == (str(SOME_USER), str(SOME_USER))
    assert capabilities == ["0" * 16] * 4
    assert inside != outside
    assert last == "0 False"


def test_a_server_that_dies_is_told_at_once() -> None:
    possible()
    done = as_user(STORY, "exit 3", "10")
    assert json.loads(done.stdout.splitlines()[0])[:2] == [[], 3], done.stderr


def test_a_server_on_another_port_is_waited_for_but_no_error() -> None:
    possible()
    done = as_user(STORY, SERVER.replace("8099", "8098"), "1.5")
    assert json.loads(done.stdout.splitlines()[0])[:2] == [[8098], None], done.stderr


def test_root_keeps_its_users_but_has_its_own_network() -> None:
    need_root()
    command = [
        "sh",
        "-c",
        "test $(id -u) = 0 && test $(wc -l < /proc/self/uid_map) = 1 && cat /proc/self/uid_map >&2",
    ]
    with isolated.Isolated.start(command, privileges.invoking()) as private:
        assert Path(f"/proc/{private.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
        assert private.await_server(seconds=0).ports == frozenset()
        private.runner.go()
        ended = private.runner.ended()
    assert ended.exit_status == 0
    assert ended.lines[0].split() == ["0", "0", "4294967295"]


def test_leaving_ends_the_server(tmp_path: Path) -> None:
    need_root()
    mark = tmp_path / "pid"
    with isolated.Isolated.start(
        ["true"], privileges.invoking(), f"echo $$ > {mark}; sleep 60; true"
    ) as private:
        private.await_server(seconds=0.5)
    assert not Path(f"/proc/{int(mark.read_text())}").exists()


@pytest.mark.parametrize(
    "server",
    ["(sleep 60 & echo $! > {mark}); exit 0", "trap '' TERM; echo $$ > {mark}; while :; do sleep 0.1; done"],
    ids=["left its parent", "ignores TERM"],
)
def test_leaving_ends_everything_inside(tmp_path: Path, server: str) -> None:
    need_root()
    mark = tmp_path / "pid"
    stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
    began = time.monotonic()
    with isolated.Isolated.start(stubborn, privileges.invoking(), server.format(mark=mark)) as private:
        command = private.runner.go()
        private.await_server(seconds=0.5)
    assert time.monotonic() - began < 20
    for pid in (command, int(mark.read_text())):
        status = Path(f"/proc/{pid}/status")
        assert not status.exists() or "\nState:\tZ" in status.read_text()


def test_where_the_limit_is_zero() -> None:
    need_root()
    # Inside a user namespace of its own, the limit can be set without touching the machine's.
    script = 'echo 0 > /proc/sys/user/max_net_namespaces; exec "$@"'
    inner = (
        "from synscope.process.isolated import Isolated\nfrom synscope.session import privileges\n"
        "from synscope.process.errors import IsolationError\n"
        "try:\n    Isolated.start(['true'], privileges.invoking())\nexcept IsolationError as e:\n    print(e)"
    )
    path = f"import sys; sys.path.append({str(SRC)!r})\n"
    command = ["unshare", "-Ur", "sh", "-c", script, "sh", SYSTEM_PYTHON, "-c", path + inner]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (
        "user.max_net_namespaces is 0. Allow it: sudo sysctl user.max_net_namespaces=1024" in done.stdout
    ), done.stderr


def reader(**files: str) -> Callable[[str], str | None]:
    named = {
        "apparmor": "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "debian": "/proc/sys/kernel/unprivileged_userns_clone",
        "user": "/proc/sys/user/max_user_namespaces",
        "status": "/proc/self/status",
    }
    by_path = {named[name]: text for name, text in files.items()}
    return by_path.get


@pytest.mark.parametrize(
    ("stage", "code", "files", "says"),
    [
        ("unshare", errno.EPERM, {"debian": "0"}, "kernel.unprivileged_userns_clone=1"),
        (
            "map",
            errno.EPERM,
            {"apparmor": "1", "debian": "1"},
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("loopback", errno.EACCES, {"apparmor": "1"}, "AppArmor"),
        ("unshare", errno.EPERM, {"apparmor": "0", "status": "Seccomp:\t2"}, "seccomp"),
        ("unshare", errno.EPERM, {}, "security policy"),
        ("unshare", errno.ENOSPC, {"user": "0"}, "user.max_user_namespaces=1024"),
        ("unshare", errno.ENOSPC, {"user": "99"}, "used up"),
        ("unshare", errno.EINVAL, {}, "kernel was built without"),
        ("unshare", errno.ENOSYS, {}, "kernel was built without"),
    ],
)
def test_refusals_name_who_refused(stage: str, code: int, files: dict[str, str], says: str) -> None:
    text = isolated.refusal(stage, code, reader(**files))
    assert says in text
    assert text.startswith(f"no private network ({stage}: {os.strerror(code)})")
