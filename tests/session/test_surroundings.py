"""Looks at the host and the kernel's trace around an observation, through the real helper."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from synscope.model import (
    Answer,
    AttemptGroup,
    Endpoint,
    Label,
    NearMiss,
    Outcome,
    ProcessSource,
    Target,
    TargetSummary,
)
from synscope.probes.host.snapshot import PacketKind, RuleVerdict, Ruling
from synscope.process import elevate
from synscope.process.errors import HelperError
from synscope.process.helper import LARGEST_MESSAGE, Reply, send
from synscope.session import surroundings
from synscope.session.surroundings import LOOK_S, Surroundings, redirected_to
from tests.kernel import need_root
from tests.report.samples import answered

PORT = 47_911
TARGET = Target(text=str(PORT), port=PORT)
GROUP = AttemptGroup(Endpoint("127.0.0.9", PORT), Label.SYN_RST, Outcome.REFUSED, False, 1, 0, 0, ())
NOTHING = TargetSummary(TARGET, Label.CLIENT_NEVER_SENT, {}, ())


def _answers(around: Surroundings) -> dict[str, Answer]:
    return {one.name: one.answer for one in around.observe(NOTHING)}


@pytest.fixture
def helper() -> Iterator[elevate.Helper]:
    need_root()
    with elevate.start_helper() as started:
        yield started


def _instances() -> set[str]:
    found = set()
    for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
        path = Path(root, "instances")
        if path.is_dir():
            found |= {entry.name for entry in path.iterdir()}
    return found


@pytest.mark.usefixtures("kernel")
def test_a_listener_that_appears_between_two_looks(helper: elevate.Helper) -> None:
    """Before: none; after: one, which appeared meanwhile."""
    with Surroundings(helper, [TARGET], {"http_proxy": "http://127.0.0.1:3128"}) as around:
        around.begin()
        around.settle()
        with socket.create_server(("127.0.0.1", PORT)):
            with socket.create_connection(("127.0.0.1", PORT)) as client:
                connected_ns, own = time.time_ns(), Endpoint(*client.getsockname())
            around.step()
            around.end()
            around.finish()
        answers = _answers(around)
    connected = answered(1)._replace(
        client=own, server=Endpoint("127.0.0.1", PORT), first_ts_ns=connected_ns, syn_ack_count=1
    )
    ends = around.named(connected).process
    assert ends.client is not None
    assert (ends.client.pid, ends.client.uid, ends.client.source) == (os.getpid(), 0, ProcessSource.KERNEL)
    assert ends.server is not None
    assert (ends.server.pid, ends.server.uid, ends.server.source) == (os.getpid(), 0, ProcessSource.HOST)
    assert len(around.snapshots) == 2
    assert answers["listener-on-target"] is Answer.YES
    assert answers["listener-appeared-later"] is Answer.YES
    assert answers["kernel-saw-listener-open"] is Answer.YES
    helper.close()
    own_name = f"synscope-{helper.pid}-"
    assert not [name for name in _instances() if name.startswith(own_name)], "removed by the helper's end"


class HungProbes(threading.Thread):
    """A helper whose looks never come to an end, and that answers nothing else."""

    def __init__(self, channel: socket.socket) -> None:
        super().__init__(daemon=True)
        self._channel = channel
        self.ends: list[int] = []

    def run(self) -> None:
        """Answer until the other side closes."""
        while message := self._channel.recv(LARGEST_MESSAGE):
            if b'"look"' in message:
                ours, theirs = os.pipe()
                self.ends.append(theirs)
                send(self._channel, Reply({"ok": {}}, (ours,)))
                os.close(ours)
            elif b'"trace"' in message:
                send(self._channel, Reply({"error": "none", "errno": 0, "kind": "RequestError"}))


def test_all_waiting_for_probes_that_hang_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three looks that never come; each would be waited for longer than the rest of the patience."""
    assert surroundings.PATIENCE_S + 4 * surroundings._LEAST_S <= 2
    monkeypatch.setattr(surroundings, "PATIENCE_S", 0.2)
    monkeypatch.setattr(surroundings, "DURING_S", 0.0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    probes = HungProbes(theirs)
    probes.start()
    with elevate.Helper(ours, None) as hung, Surroundings(hung, [TARGET], {}) as around:
        began = time.monotonic()
        around.begin()
        around.settle()
        around.step()
        around.end()
        around.finish()
        assert 0.2 <= time.monotonic() - began < 0.6
    probes.join()
    theirs.close()
    assert len(probes.ends) == 3
    for end in probes.ends:
        os.close(end)
    assert around.snapshots == ()


def test_a_helper_that_does_not_answer_at_all_is_waited_for_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped, say: what it would have said is missing."""
    monkeypatch.setattr(surroundings, "PATIENCE_S", 0.1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, elevate.Helper(ours, None) as stopped, Surroundings(stopped, [TARGET], {}) as around:
        began = time.monotonic()
        around.begin()
        around.settle()
        around.end()
        around.finish()
        assert time.monotonic() - began < 0.5
        assert _answers(around)["kernel-saw-listener-open"] is Answer.UNKNOWN


@pytest.mark.usefixtures("kernel")
def test_what_goes_on_is_looked_at_in_between(helper: elevate.Helper) -> None:
    """Once, after a while."""
    with Surroundings(helper, [TARGET], {}) as around:
        around.begin()
        around.settle()
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            around.step()
            time.sleep(0.02)
        around.end()
        around.finish()
    assert len(around.snapshots) == 3


@pytest.mark.usefixtures("kernel")
def test_a_look_that_is_asked_for_late_is_not_lost(helper: elevate.Helper) -> None:
    """A command that goes on for long has been looked at all the same."""
    with Surroundings(helper, [TARGET], {}) as around:
        around.begin()
        time.sleep(LOOK_S + 1)
        around.settle()
    assert len(around.snapshots) == 1


@pytest.mark.usefixtures("kernel")
def test_without_a_helper_the_host_is_looked_at_with_what_rights_there_are() -> None:
    """The kernel's words are could-not-tell then, with the reason."""
    with Surroundings(None, [TARGET], dict(os.environ)) as around:
        around.begin()
        around.settle()
        around.end()
        around.finish()
        seen = {one.name: one for one in around.observe(NOTHING)}
    assert len(around.snapshots) == 2
    assert seen["listener-on-target"].answer is Answer.NO
    assert seen["kernel-saw-listener-open"].answer is Answer.UNKNOWN
    assert "root" in seen["kernel-saw-listener-open"].text


@pytest.mark.usefixtures("kernel")
def test_names_that_the_command_uses_are_resolved_and_followed() -> None:
    """The command's localhost is not the 127.0.0.9 that was asked for; of what got there names are not asked."""
    target = Target(f"127.0.0.9:{PORT}", PORT, "127.0.0.9")
    miss = NearMiss("other-address", "it", PORT, (), "127.0.0.1")
    summary = TargetSummary(target, Label.CLIENT_NEVER_SENT, {}, (), near_misses=(miss,))
    with Surroundings(None, [target], {}, command=["curl", f"http://localhost:{PORT}"]) as around:
        around.begin()
        around.settle()
        around.finish()
        seen = {one.name: one.answer for one in around.observe(summary)}
        reached = {one.name: one.answer for one in around.observe(summary._replace(groups=(GROUP,)))}
    assert (seen["localhost-resolves-wrong"], seen["went-where-name-leads"]) == (Answer.YES, Answer.YES)
    assert reached["localhost-resolves-wrong"] is Answer.NO
    assert reached["went-where-name-leads"] is Answer.UNKNOWN


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("killed", ["helper", "rest"])
def test_whoever_is_killed_the_trace_is_off_afterwards(helper: elevate.Helper, killed: str) -> None:
    """Both instances vanish; the one of calls has followed what this process started meanwhile."""
    with Surroundings(helper, [TARGET], {}, command=["client"], parent=os.getpid()) as around:
        around.begin()
        around.settle()
        if not around.followed:
            pytest.skip("the calls of a command cannot be traced here")
        assert len(_own(helper)) == 2
        if killed == "helper":
            os.kill(helper.pid, signal.SIGKILL)
        else:
            for child in _children(helper.pid):
                os.kill(child, signal.SIGKILL)
        subprocess.run([sys.executable, "-c", CONNECTS], check=True)
        around.end()
        around.finish()
        said = {one.name: one for one in around.observe(NOTHING)}
    assert "127.0.0.1:9" in said["kernel-saw-no-connect-to-target"].text
    until = time.monotonic() + 5
    while _own(helper) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _own(helper)


@pytest.mark.usefixtures("kernel")
def test_only_own_processes_are_followed(helper: elevate.Helper) -> None:
    with pytest.raises(HelperError, match="no process of the one who asks"):
        helper.trace([PORT], tree=1)
    assert not _own(helper)


def _own(helper: elevate.Helper) -> set[str]:
    """Others may trace at the same time."""
    return {name for name in _instances() if name.startswith(f"synscope-{helper.pid}-")}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


CONNECTS = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"


@pytest.mark.usefixtures("kernel")
def test_a_helper_that_dies_is_no_reason_to_fail(helper: elevate.Helper) -> None:
    """What it would have said is missing; nothing is raised and nothing hangs."""
    with Surroundings(helper, [TARGET], {}) as around:
        around.begin()
        helper.close()
        began = time.monotonic()
        around.end()
        around.finish()
        assert time.monotonic() - began < 10
        assert _answers(around)["no-firewall-rule"] is not None


@pytest.mark.parametrize(
    ("how", "address", "meant"),
    [
        ("172.17.0.2:80", "127.0.0.1", {("172.17.0.2", 80)}),
        ("172.17.0.2", "127.0.0.1", {("172.17.0.2", 8080)}),
        ("[fd00::2]:80", "::1", {("fd00::2", 80)}),
        ("fd00::2:80", "::1", {("fd00::2:80", 8080), ("fd00::2", 80)}),
        ("port 9000", "127.0.0.1", {("127.0.0.1", 9000)}),
        (":9000", "::1", {("::1", 9000)}),
        ("this machine", "127.0.0.1", {("127.0.0.1", 8080)}),
        ("172.17.0.2:80-90", "127.0.0.1", set()),
        ("", "127.0.0.1", set()),
    ],
)
def test_where_a_rule_sends_a_connection(how: str, address: str, meant: set[tuple[str, int]]) -> None:
    ruling = Ruling(address, 8080, PacketKind.SYN, RuleVerdict.REDIRECT, how)
    assert {(end.address, end.port) for end in redirected_to(ruling)} == meant
