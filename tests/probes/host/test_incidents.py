"""What happened before, by the words of those who know: systemd, engines and the kernel's log, played by others."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("these looks are Linux's", allow_module_level=True)

from synscope.probes.host import incidents
from synscope.probes.host.snapshot import Before

S = 1_000_000_000
NOW, WALL = 5_000 * S, 1_700_000_000 * S

SHOWN = """Id=api.service
ActiveState=activating
SubState=auto-restart
Result=exit-code
ExecMainCode=1
ExecMainStatus=3
NRestarts=7
ExecStart={ path=/opt/api ; argv[]=/opt/api --port 8080 ; ignore_errors=no }
ExecMainStartTimestampMonotonic=4990000000
ExecMainExitTimestampMonotonic=4991000000

Id=redis-server.service
ActiveState=failed
SubState=failed
Result=signal
ExecMainCode=2
ExecMainStatus=11
NRestarts=0
ExecStart={ path=/usr/bin/redis-server ; argv[]=/usr/bin/redis-server /etc/redis.conf ; }
ExecMainStartTimestampMonotonic=1000000000
ExecMainExitTimestampMonotonic=4400000000

Id=web.socket
ActiveState=failed
Result=service-start-limit-hit
Listen=127.0.0.1:8080 (Stream)

Id=other.service
ActiveState=active
NRestarts=2
ExecStart={ argv[]=/bin/other 8080 ; }
"""


def test_units() -> None:
    api, redis, web = incidents.of_units(SHOWN, [8080, 6379], NOW, WALL)
    assert (api.name, api.kind, api.text) == ("api.service", "unit", "exit status 3, started again 7 times")
    assert (api.ports, api.lasted_s, api.ts_ns) == ((8080,), 1, WALL - 9 * S)
    assert (redis.text, redis.ports, redis.lasted_s) == ("ended by signal 11", (6379,), 3400)
    assert (web.kind, web.text, web.ports) == ("socket unit", "service start limit hit", (8080,))


def test_the_kernels_log() -> None:
    found = incidents.of_log(
        [
            "3,1,4990000000,-;Memory cgroup out of memory: Killed process 12 (redis-server) total-vm:1kB\n X=1",
            "6,2,4995000000,-;api[77]: segfault at 0 ip 0 sp 0 error 4 in api",
            "6,3,4996000000,-;traps: node[78] trap invalid opcode ip:0 sp:0 error:0",
            "3,4,1000000000,-;Out of memory: Killed process 13 (old) total-vm:1kB",
            "6,5,4997000000,-;eth0: Link is up",
            "nonsense \xff",
        ],
        [6379],
        NOW,
        WALL,
    )
    killed, crash, trap = found
    assert (killed.pid, killed.name, killed.ports) == (12, "redis-server", (6379,))
    assert killed.text == "its cgroup was out of memory"
    assert (crash.kind, crash.pid, crash.ts_ns) == ("crash", 77, WALL - 5 * S)
    assert (trap.name, trap.text) == ("node", "trap invalid opcode")


def container(**state: object) -> dict[str, object]:
    ends = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "53/udp": [{"HostPort": "8080"}], "9/tcp": None}
    return {"Name": "/web", "State": state, "HostConfig": {"PortBindings": ends}}


def test_containers() -> None:
    rows = [
        container(
            Status="exited",
            ExitCode=137,
            OOMKilled=True,
            StartedAt="2023-11-14T22:13:10.1Z",
            FinishedAt="2023-11-14T22:13:20.123456789Z",
        ),
        container(Status="exited"),
        {"Name": "/no-ports"},
        "nonsense",
    ]
    first, second = incidents.of_containers(json.dumps(rows), [8080])
    assert first.text == "exit status 137, killed for want of memory"
    assert (first.name, first.lasted_s, first.ts_ns, first.ports) == ("web", 10, WALL, (8080,))
    assert second.text == "exited"
    assert list(incidents.of_containers("nonsense", [8080])) == []


def test_programs_are_asked_only_where_they_are_and_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {
        "systemctl": '[ "$1" = show ] || { echo "api.service loaded failed"; exit; }\n'
        "printf 'Id=api.service\\nActiveState=failed\\nExecMainStatus=1\\nExecStart={ argv[]=/a 8080 ; }\\n'",
        "docker": "sleep 5",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    cores = tmp_path / f"core.api.0.{'0' * 32}.55.{time.time_ns() // 1000}.zst"
    cores.touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(incidents, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(incidents, "_CORES", tmp_path)
    monkeypatch.setattr(incidents, "_ENGINES", {"docker": (str(tmp_path),), "podman": ("/nowhere",)})
    began = time.monotonic()
    found = incidents.look([8080], [], began + 5)
    assert time.monotonic() - began < 1
    assert isinstance(found, Before)
    kinds = {incident.kind: incident for incident in found.incidents if incident.name.startswith("api")}
    assert kinds["unit"].ports == (8080,)
    assert kinds["core dump"].pid == 55
    assert len(found.unasked) == 1
    monkeypatch.setenv("DOCKER_HOST", "tcp://far.example")
    assert incidents.look([8080], [], time.monotonic() + 5).unasked == ()
