"""Who a process is: user, container and unit, by what the kernel and the cgroup's path say."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from synscope.probes.host import identity as module
from synscope.probes.host.identity import Identities, identity, place

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

NUMBER = "0123456789abcdef" * 4
SHORT = NUMBER[:12]


@pytest.mark.parametrize(
    ("cgroups", "expected"),
    [
        (f"0::/system.slice/docker-{NUMBER}.scope", (SHORT, "")),
        (f"0::/docker/{NUMBER}", (SHORT, "")),
        (f"12:pids:/docker/{NUMBER}\n1:name=systemd:/docker/{NUMBER}\n0::/", (SHORT, "")),
        (
            f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{NUMBER}.scope/container",
            (SHORT, ""),
        ),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{NUMBER}.scope", (SHORT, "")),
        (f"0::/system.slice/docker-{NUMBER}.scope/system.slice/nginx.service", (SHORT, "nginx.service")),
        ("0::/lxc.payload.web/system.slice/nginx.service", ("web", "nginx.service")),
        ("0::/machine.slice/machine-web.scope/payload", ("web", "")),
        ("0::/system.slice/nginx.service", ("", "nginx.service")),
        ("0::/user.slice/user-1000.slice/session-3.scope", ("", "session-3.scope")),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/app-x.service", ("", "app-x.service")),
        ("0::/init.scope", ("", "")),
        ("0::/", ("", "")),
        ("", ("", "")),
        ("no cgroup", ("", "")),
        (f"0::/{NUMBER}{NUMBER}", ("", "")),
        ("0::/" + "x" * 400 + ".service", ("", "x" * 255)),
    ],
)
def test_the_place_of_a_process(cgroups: str, expected: tuple[str, str]) -> None:
    assert place(cgroups) == expected


def test_this_process_and_its_threads() -> None:
    found: list[module.Identity | None] = []
    thread = threading.Thread(target=lambda: found.append(identity(threading.get_native_id())))
    thread.start()
    thread.join()
    own = identity(os.getpid())
    assert own is not None
    assert (own.pid, own.uid) == (os.getpid(), os.getuid())
    assert found == [own]


def test_one_that_is_gone() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert identity(gone.pid) is None


def test_one_that_was_met_is_known_when_it_is_gone() -> None:
    known = Identities()
    talk = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["sh", "-c", "echo; read x"], **talk) as child:  # type: ignore[call-overload]
        child.stdout.readline()
        known.meet(child.pid, None)
        child.kill()
    known.meet(child.pid, "sh")
    found = known.of(child.pid, "sh")
    assert found is not None
    assert found.pid == child.pid
    assert known.of(child.pid, "other") is None


def test_looking_up_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(module, "identity", asked.append)
    monkeypatch.setattr(module.time, "monotonic", lambda: 7.0)
    known = Identities()
    for number in range(300):
        known.meet(number, "x")
        known.meet(number, "x")
    assert len(asked) == 200
