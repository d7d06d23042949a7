"""Ways to the right to capture: root, an inherited capability, sudo, and what to type without any."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from synscope.capture.live import ring_socket
from synscope.capture.live.self_test import SelfTestState
from synscope.process import elevate, privileges
from synscope.process.errors import ElevationError, HelperError, HelperTimeoutError
from tests.kernel import SRC, as_user, need_root, open_to_everybody

EVERYTHING = bytes.fromhex("0600000000000400")


def ring(helper: elevate.Helper, interface: str = "lo") -> socket.socket:
    return helper.open_ring(interface, block_size=1 << 17, block_count=4, retire_ms=50, program=EVERYTHING)


@pytest.mark.usefixtures("kernel")
def test_root_starts_the_helper_and_gets_a_ring() -> None:
    need_root()
    with elevate.start_helper() as helper:
        with ring(helper) as made:
            assert made.family == socket.AF_PACKET
            assert made.getsockname()[0] == "lo"
            assert not os.get_inheritable(made.fileno())
        assert helper.run_self_test([])[0].state is SelfTestState.SENT
        with pytest.raises(ring_socket.NoSuchInterfaceError):
            ring(helper, "no-such-if")
        with pytest.raises(HelperError, match="interface"):
            ring(helper, "a/b")
        pid = helper.pid
    assert not Path(f"/proc/{pid}").exists()


def test_terminal_signals_do_not_reach_the_helper() -> None:
    need_root()
    with elevate.start_helper() as helper:
        assert os.getsid(helper.pid) == helper.pid


def test_a_helper_that_dies_is_a_typed_error() -> None:
    need_root()
    with elevate.start_helper() as helper:
        os.kill(helper.pid, signal.SIGKILL)
        with pytest.raises(HelperError):
            helper.run_self_test([])
        with pytest.raises(HelperError):
            helper.run_self_test([])


@pytest.mark.parametrize(
    "answer", [b"x", b"{}", b"[]", b'{"ok":{}}', b'{"ok":{"connections":[1]}}', b'{"error":1}']
)
def test_an_answer_that_is_none(answer: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, elevate.Helper(ours, None) as helper:
        theirs.send(answer)
        with pytest.raises(HelperError):
            helper.run_self_test([])


def test_an_answer_that_comes_late_is_not_taken_for_the_next() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, elevate.Helper(ours, None) as helper:
        with helper.waiting(0.01), pytest.raises(HelperTimeoutError, match="did not answer"):
            helper.untrace_firewall()
        with helper.waiting(0.01), pytest.raises(HelperTimeoutError):
            helper.untrace_firewall()
        theirs.send(b'{"error":"late","errno":0,"kind":"RequestError"}')
        theirs.send(b'{"ok":{}}')
        helper.untrace_firewall()
        assert [theirs.recv(100) for _ in range(2)] == [b'{"op": "untrace_firewall"}'] * 2


def test_nobody_waits_for_the_trace_to_be_removed() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, elevate.Helper(ours, None) as helper:
        helper.untrace()
        theirs.send(b'{"error":"not removed","errno":0,"kind":"RequestError"}')
        theirs.send(b'{"ok":{}}')
        helper.untrace_firewall()


@pytest.mark.usefixtures("kernel")
def test_an_inherited_capability_needs_no_helper() -> None:
    need_root()
    script = (
        "from synscope.process import elevate\nfrom synscope.capture.live import ring_socket\n"
        "print(elevate.obtain(print, typed=['synscope'], may_prompt=False))\n"
        "r = ring_socket.open_ring('lo', block_size=1<<17, block_count=4, retire_ms=50,"
        f" program={EVERYTHING!r})\nprint(r.getsockname()[0])\n"
        "from synscope.process import privileges\nfrom synscope.process.runner import Runner\n"
        "look = ['grep', '-E', 'Cap(Inh|Prm|Eff|Amb)', '/proc/self/status']\n"
        "with Runner.start(look, privileges.invoking()) as r:\n"
        "    r.go(); r.ended()\n"
    )
    done = as_user(script, setpriv=("--inh-caps=+net_raw", "--ambient-caps=+net_raw"))
    assert done.returncode == 0, done.stderr
    assert "None\nlo\n" in done.stdout
    # The right was given to the tool: the command runs without it.
    assert done.stdout.count("0000000000000000") == 4


OBTAIN = """
from synscope.process import elevate
from synscope.process.errors import ElevationError
try:
    with elevate.obtain(lambda text: print('ANNOUNCED', text), typed=['synscope', 'run', '--', 'curl', 'a b'],
                        ports=[8080], may_prompt=sys.argv[1] == 'prompt', environ={'PATH': sys.argv[2]}) as helper:
        print('HELPER', helper.run_self_test([])[0].state.value)
        if len(sys.argv) > 3:
            print(helper._channel.getpeername(), helper.pid)
except ElevationError as error:
    print('ERROR', error)
"""


def fake_sudo(tmp_path: Path, body: str) -> str:
    """A ``sudo`` that does as the real one does with descriptors: all but the first three are closed."""
    open_to_everybody(tmp_path)
    script = tmp_path / "sudo"
    close = 'for n in 3 4 5 6 7 8 9; do eval "exec $n>&-"; done'
    script.write_text(f"#!/bin/sh\n{close}\nprintf '%s ' \"$@\" >> {tmp_path}/log\n{body}\n")
    script.chmod(0o755)
    log = tmp_path / "log"
    log.touch()
    log.chmod(0o666)
    return str(tmp_path)


@pytest.mark.usefixtures("kernel")
def test_sudo_without_a_password(tmp_path: Path) -> None:
    need_root()
    path = fake_sudo(tmp_path, 'shift; shift; exec "$@"')
    done = as_user(OBTAIN, "no", path)
    assert done.stdout == "HELPER sent\n", done.stderr
    command = (tmp_path / "log").read_text().split()
    assert command[:2] == ["-n", "--"]
    assert command[3:6] == ["-I", "-S", "-B"]
    assert command[6:] == [str(SRC / "synscope/process/helper.py"), "--detach"]


@pytest.mark.usefixtures("kernel")
def test_sudo_with_a_prompt_is_announced(tmp_path: Path) -> None:
    need_root()
    path = fake_sudo(tmp_path, '[ "$1" = -n ] && exit 1\nshift; exec "$@"')
    done = as_user(OBTAIN, "prompt", path)
    announced, got = done.stdout.splitlines()
    assert announced.startswith(f"ANNOUNCED capturing needs root for one small helper: {path}/sudo -- ")
    assert got == "HELPER sent"


def test_a_refusal_lists_what_to_type(tmp_path: Path) -> None:
    need_root()
    for prompt, path in (
        ("no", fake_sudo(tmp_path, "exit 1")),
        ("prompt", fake_sudo(tmp_path, "exit 1")),
        ("prompt", "/nonexistent"),
    ):
        done = as_user(OBTAIN, prompt, path)
        lines = [line.strip() for line in done.stdout.splitlines() if not line.startswith("ANNOUNCED")]
        assert lines[0].startswith("ERROR"), done.stderr
        assert lines[1:] == [
            "sudo synscope run -- curl 'a b'",
            (
                'sudo setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups --inh-caps=+net_raw '
                "--ambient-caps=+net_raw -- synscope run -- curl 'a b'"
            ),
            "sudo tcpdump -i lo -U -w - 'tcp port 8080 or icmp or icmp6' | synscope analyze -p 8080 -",
            "synscope run --isolated -- curl 'a b'",
        ]


def test_the_setpriv_line_works_as_written() -> None:
    need_root()
    line = elevate.ways(["grep", "CapEff", "/proc/self/status"])[1].removeprefix("sudo ")
    # What the user's shell fills in before sudo runs, for a user that has a name.
    line = line.replace("$(id -u)", "65534").replace("$(id -g)", "65534")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert int(done.stdout.split()[1], 16) == 1 << privileges.CAP_NET_RAW, done.stderr


@pytest.mark.usefixtures("kernel")
def test_a_detached_helper_ends_with_its_socket(tmp_path: Path) -> None:
    need_root()
    path = fake_sudo(tmp_path, 'shift; shift; exec "$@"')
    done = as_user(OBTAIN, "no", path, "tell")
    pid = int(done.stdout.split()[-1])
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < deadline:
        try:
            if b"helper.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                break
        except OSError:
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_the_error_carries_the_ways() -> None:
    error = ElevationError("why", ("a", "b"))
    assert (str(error), error.ways) == ("why\n  a\n  b", ("a", "b"))
