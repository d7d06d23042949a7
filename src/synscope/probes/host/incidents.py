"""What went wrong on this Linux machine in the minutes before: units, containers, crashes, want of memory.

Input: the watched ports, the processes behind them, a time limit. Output: a ``snapshot.Before``. Nothing here uses a
network: a container engine is asked only where its own socket is on this machine. Of a command line nothing is kept
but that it names a watched port. Sources: systemctl(1), org.freedesktop.systemd1(5), docker-inspect(1),
podman-inspect(1), Documentation/ABI/testing/dev-kmsg, systemd-coredump(8), Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from synscope.model import PORT_MAX
from synscope.probes.host import deadline, policy, procfs
from synscope.probes.host.snapshot import Before, Incident, Untold
from synscope.reference.programs import LONGEST_NAME, PORT_OWNERS

LATELY_S: Final = 600
"""What is older has nothing to do with it, unless it still goes on."""
MOST_S: Final = 0.3

_MOST: Final = 30
_MOST_UNITS: Final = 20
_MOST_CONTAINERS: Final = 10
_LONGEST: Final = 200
_SYSTEMD: Final = Path("/run/systemd/system")
_CORES: Final = Path("/var/lib/systemd/coredump")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_ENGINES: Final[Mapping[str, tuple[str, ...]]] = {
    "docker": ("/run/docker.sock", "/var/run/docker.sock"),
    "podman": ("/run/podman", "/var/lib/containers", "/run/containers"),
}
"""Engine → where its socket or its store is: where none of them is, there is nobody to ask."""
_REMOTE: Final = ("DOCKER_HOST", "CONTAINER_HOST")
_PROPERTIES: Final = (
    "Id,Result,ActiveState,SubState,ExecMainCode,ExecMainStatus,NRestarts,Listen,ExecStart,"
    "ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic,InactiveEnterTimestampMonotonic"
)
_BY_SIGNAL: Final = frozenset({"2", "3"})
"""CLD_KILLED and CLD_DUMPED of sigaction(2), as systemd has them."""
_KILLED = re.compile(r"[Oo]ut of memory: Killed process (\d{1,10}) \((.{1,15}?)\)")
_SEGFAULT = re.compile(r"(?:;|^)(.{1,15})\[(\d{1,10})\]: segfault at ")
_TRAP = re.compile(r"traps: (.{1,15})\[(\d{1,10})\] ([a-z ]{1,40}) ip:")
_KMSG = re.compile(r"\d{1,6},\d{1,20},(\d{1,20}),[^;]*;(.*)", re.DOTALL)
_CORE = re.compile(r"core\.(.{1,64})\.(\d{1,10})\.[0-9a-f]{32}\.(\d{1,10})\.(\d{1,20})(?:\..*)?")
_NUMBER = re.compile(r"(?<![\w.])\d{1,5}(?![\w.])")
_OWNERS: Final = {name[:LONGEST_NAME]: ports for name, ports in PORT_OWNERS.items()}


def look(ports: Collection[int], pids: Collection[int], until: float) -> Before:
    """Ask all of them side by side, for at most ``MOST_S``."""
    until = min(until, time.monotonic() + MOST_S)
    tasks = [
        deadline.Task("the kernel's log", lambda: tuple(_of_kernel(ports, until))),
        deadline.Task("core dumps", lambda: tuple(_core_dumps(ports))),
        deadline.Task("the memory of cgroups", lambda: tuple(_of_cgroups(pids))),
    ]
    if _SYSTEMD.is_dir() and deadline.find_program("systemctl"):
        tasks.append(deadline.Task("units", lambda: _units(ports, until)))
    tasks += [
        deadline.Task(engine, functools.partial(_containers, engine, ports, until))
        for engine in _ENGINES
        if _is_here(engine)
    ]
    found: list[Incident] = []
    unasked = []
    for task in tasks:
        answer = task.result(until)
        if isinstance(answer, Untold):
            unasked.append(answer.could_not_tell)
        else:
            found += answer
    found.sort(key=lambda incident: (not incident.ports, -incident.ts_ns))
    return Before(tuple(found[:_MOST]), tuple(unasked))


# -- the kernel ---------------------------------------------------------------------------------------


def _of_kernel(ports: Collection[int], until: float) -> Iterator[Incident]:
    # Without a privilege it is closed, and in a container it may not be there.
    with contextlib.suppress(OSError):
        yield from of_log(policy.kernel_log(until), ports, time.monotonic_ns(), time.time_ns())


def of_log(records: Iterable[str], ports: Collection[int], now_ns: int, wall_ns: int) -> Iterator[Incident]:
    """Yield what the kernel's log tells of the last minutes. ``now_ns`` is the clock of its stamps."""
    for record in records:
        parts = _KMSG.match(record)
        age_ns = now_ns - int(parts[1]) * 1000 if parts else 0
        if parts is None or not 0 <= age_ns <= LATELY_S * 1_000_000_000:
            continue
        text = parts[2].partition("\n")[0]
        if killed := _KILLED.search(text):
            kind, pid, name, what = "killed for memory", killed[1], killed[2], "the kernel was out of memory"
            what = "its cgroup was out of memory" if "cgroup out of memory" in text else what
        elif crash := _SEGFAULT.search(text):
            kind, pid, name, what = "crash", crash[2], crash[1], "segmentation fault"
        elif crash := _TRAP.search(text):
            kind, pid, name, what = "crash", crash[2], crash[1], crash[3]
        else:
            continue
        yield Incident(kind, name, what, wall_ns - age_ns, int(pid), _usual(name, ports))


def _core_dumps(ports: Collection[int]) -> Iterator[Incident]:
    since = time.time() - LATELY_S
    with contextlib.suppress(OSError), os.scandir(_CORES) as entries:
        for entry in entries:
            name = _CORE.fullmatch(entry.name)
            seconds = int(name[4]) / 1e6 if name else 0.0
            if name and seconds >= since:
                program = name[1][:LONGEST_NAME]
                yield Incident(
                    "core dump",
                    program,
                    "it dumped core",
                    int(seconds * 1e9),
                    int(name[3]),
                    _usual(program, ports),
                )


def _of_cgroups(pids: Collection[int]) -> Iterator[Incident]:
    """Yield the servers' cgroups in which processes were killed for want of memory: how many, not when."""
    told = set()
    for pid in pids:
        lines = (procfs.text(f"{pid}/cgroup") or "").splitlines()
        path = next(
            (line[len("0::") :] for line in lines if line.startswith("0::/") and ".." not in line), "/"
        )
        if path == "/" or path in told:
            continue
        told.add(path)
        with contextlib.suppress(OSError, ValueError):
            text = (_CGROUPS / path.lstrip("/") / "memory.events.local").read_text(encoding="ascii")
            kills = dict(line.split() for line in text.splitlines()).get("oom_kill", "0")
            if int(kills):
                yield Incident(
                    "killed for memory", path[-_LONGEST:], f"{kills} so far in this cgroup", pid=pid
                )


def _usual(program: str, ports: Collection[int]) -> tuple[int, ...]:
    return tuple(sorted(frozenset(ports) & {*_OWNERS.get(program, ())}))


# -- units --------------------------------------------------------------------------------------------


def _units(ports: Collection[int], until: float) -> tuple[Incident, ...] | Untold:
    listed = deadline.run(
        ("systemctl", "list-units", "--state=failed,activating", "--type=service,socket", "--plain",
         "--no-legend", "--no-pager"),
        until - time.monotonic(),
    )  # fmt: skip
    if isinstance(listed, Untold):
        return listed
    if listed.status != 0:
        return Untold(f"systemctl says: {listed.complaint or f'exit status {listed.status}'}")
    names = [line.split()[0] for line in listed.output.splitlines() if line.split()][:_MOST_UNITS]
    if not names:
        return ()
    shown = deadline.run(
        ("systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", "--", *names),
        until - time.monotonic(),
    )
    if isinstance(shown, Untold):
        return shown
    return tuple(of_units(shown.output, ports, time.monotonic_ns(), time.time_ns()))


def of_units(output: str, ports: Collection[int], now_ns: int, wall_ns: int) -> Iterator[Incident]:
    """Yield what ``systemctl show`` tells of units that failed or are on their way to start again."""
    for block in output.split("\n\n"):
        fields = dict(line.partition("=")[::2] for line in block.splitlines())
        name, restarts = fields.get("Id", ""), fields.get("NRestarts", "0")
        failed = fields.get("ActiveState") == "failed"
        again = restarts.isdigit() and int(restarts) > 0 and fields.get("SubState") == "auto-restart"
        if not name or not (failed or again):
            continue
        began, ended = (_number(fields, f"ExecMain{what}TimestampMonotonic") for what in ("Start", "Exit"))
        stamp = ended or _number(fields, "InactiveEnterTimestampMonotonic")
        when = wall_ns - (now_ns - stamp * 1000) if stamp else 0
        words = f"{fields.get('Listen', '')} {fields.get('ExecStart', '')}"
        named = {int(number) for number in _NUMBER.findall(words.replace(":", " "))}
        usual = _usual(name.partition(".")[0].partition("@")[0], ports)
        yield Incident(
            "socket unit" if name.endswith(".socket") else "unit",
            name[:_LONGEST],
            _unit_text(fields, restarts if again else ""),
            when,
            ports=tuple(sorted((named & frozenset(ports)) | {*usual})),
            lasted_s=max(0, ended - began) // 1_000_000 if began and ended else None,
        )


def _unit_text(fields: Mapping[str, str], restarts: str) -> str:
    status, result = fields.get("ExecMainStatus", "0"), fields.get("Result", "")
    parts = []
    if fields.get("ExecMainCode") in _BY_SIGNAL:
        parts.append(f"ended by signal {status}")
    elif status not in {"", "0"}:
        parts.append(f"exit status {status}")
    if result not in {"", "success", "exit-code", "signal"}:
        parts.append(result.replace("-", " "))
    if restarts:
        parts.append(f"started again {restarts} times")
    return ", ".join(parts)[:_LONGEST] or "failed"


def _number(fields: Mapping[str, str], name: str) -> int:
    value = fields.get(name, "")
    return int(value) if value.isdigit() else 0


# -- containers ---------------------------------------------------------------------------------------


def _is_here(engine: str) -> bool:
    """Whether an engine is on this machine, so that asking it uses no network."""
    if any(os.environ.get(name, "").partition(":")[0] not in {"", "unix"} for name in _REMOTE):
        return False
    return any(os.path.exists(path) for path in _ENGINES[engine]) and bool(deadline.find_program(engine))  # noqa: PTH110


def _containers(engine: str, ports: Collection[int], until: float) -> tuple[Incident, ...] | Untold:
    listed = deadline.run(
        (engine, "ps", "-aq", "--no-trunc", "--filter", "status=exited", "--filter", "status=restarting",
         "--filter", "status=dead"),
        until - time.monotonic(),
    )  # fmt: skip
    if isinstance(listed, Untold):
        return listed
    if listed.status != 0:
        return Untold(f"{engine} says: {listed.complaint or f'exit status {listed.status}'}")
    numbers = listed.output.split()[:_MOST_CONTAINERS]
    if not numbers:
        return ()
    shown = deadline.run((engine, "inspect", "--type", "container", *numbers), until - time.monotonic())
    if isinstance(shown, Untold):
        return shown
    return tuple(of_containers(shown.output, ports))


def of_containers(output: str, ports: Collection[int]) -> Iterator[Incident]:
    """Yield the ended containers in the output of ``docker inspect`` that publish a watched port."""
    try:
        rows = json.loads(output)
    except ValueError:
        return
    for row in rows if isinstance(rows, list) else ():
        state = _part(row, "State")
        published = tuple(sorted(frozenset(_published(row)) & frozenset(ports)))
        if not published:
            continue
        code, ended, began = state.get("ExitCode"), _time(state, "FinishedAt"), _time(state, "StartedAt")
        text = (
            f"exit status {code}" if isinstance(code, int) else str(state.get("Status", "ended"))[:_LONGEST]
        )
        if state.get("OOMKilled") is True:
            text += ", killed for want of memory"
        if state.get("Restarting") is True or state.get("Status") == "restarting":
            text += ", starts again and again"
        yield Incident(
            "container",
            str(row.get("Name", "?")).lstrip("/")[:_LONGEST],
            text,
            ended,
            ports=published,
            lasted_s=(ended - began) // 1_000_000_000 if ended > began > 0 else None,
        )


def _published(row: Any) -> Iterator[int]:  # noqa: ANN401 - a document of somebody else
    bindings = _part(_part(row, "HostConfig"), "PortBindings")
    for inside, ends in bindings.items():
        for end in ends if isinstance(ends, list) and str(inside).endswith("/tcp") else ():
            number = str(end.get("HostPort", "")) if isinstance(end, dict) else ""
            if number.isdigit() and int(number) <= PORT_MAX:
                yield int(number)


def _part(row: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - a document of somebody else
    found = row.get(name) if isinstance(row, dict) else None
    return found if isinstance(found, dict) else {}


def _time(state: Mapping[str, Any], name: str) -> int:
    """Return a time stamp of RFC 3339 as ns since the epoch, to the second; 0 for none."""
    value = str(state.get(name, ""))[:19].replace(" ", "T")
    try:
        stamp = dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    except ValueError:
        return 0
    return max(0, int(stamp.timestamp())) * 1_000_000_000
