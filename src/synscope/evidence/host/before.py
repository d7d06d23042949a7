"""Questions about what happened in the minutes before: a unit or container that ended, a crash, want of memory.

An incident belongs to the target where it names the port by its own words, where the program usually has the port, or
where it hit a process that had the port at an earlier look. Of any other nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_log, on_linux
from synscope.evidence.host.view import HostView, is_untold, joined
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import Incident

AT_START_S: Final = 10
"""Who ends sooner has ended in its start-up."""
_SERVICES: Final = frozenset({"unit", "socket unit", "container"})
_MEMORY: Final = "killed for memory"
_CRASHES: Final = frozenset({"crash", "core dump"})
_NAMES: Final = {"unit": "the unit", "socket unit": "the socket unit", "container": "the container"}
_SECOND: Final = 1_000_000_000


@question(
    "service-ended-at-start",
    Source.HOST,
    "a unit or container that has the port ended soon after its start, or is started again and again",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=on_linux(
        "systemctl --failed; docker ps -a", "a line of the service: it failed, restarts, or has exited: yes"
    ),
)
def service_ended_at_start(view: HostView) -> Reply:
    return _services(view, at_start=True)


@question(
    "service-ended",
    Source.HOST,
    "a unit or container that has the port has ended, after it had run for a while",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=on_linux(
        "systemctl --failed; docker ps -a", "a line of the service: it failed, or has exited: yes"
    ),
)
def service_ended(view: HostView) -> Reply:
    return _services(view, at_start=False)


@question(
    "server-killed-for-memory",
    Source.HOST,
    "the kernel killed the server, or a process beside it, because memory ran out",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_log("out of memory|oom-kill", "a line with the server's name or number: yes"),
)
def server_killed_for_memory(view: HostView) -> Reply:
    return _hit(view, frozenset({_MEMORY}), "killed for want of memory")


@question(
    "server-process-crashed",
    Source.HOST,
    "the server's process crashed: a segmentation fault, or a core dump",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    by_hand=in_log("segfault|traps:|dumped core", "a line with the server's name or number: yes"),
)
def server_process_crashed(view: HostView) -> Reply:
    return _hit(view, _CRASHES, "a crash")


def _services(view: HostView, *, at_start: bool) -> Reply:
    incidents = _incidents(view)
    if isinstance(incidents, Reply):
        return incidents
    if view.on_port(view.last):
        return no("the port is served")
    found = [
        incident
        for incident in incidents
        if incident.kind in _SERVICES
        and view.target.port in incident.ports
        and _is_at_start(incident) is at_start
    ]
    if found:
        return yes(joined(_said(view, incident) for incident in found))
    return _unasked(view) or no("no unit and no container that has the port has ended so")


def _is_at_start(incident: Incident) -> bool:
    return "again" in incident.text or (incident.lasted_s is not None and incident.lasted_s < AT_START_S)


def _hit(view: HostView, kinds: frozenset[str], what: str) -> Reply:
    incidents = _incidents(view)
    if isinstance(incidents, Reply):
        return incidents
    servers = {
        owner.pid for snapshot in view.snapshots for each in view.on_port(snapshot) for owner in each.owners
    }
    tree = servers | {
        process.pid
        for snapshot in view.snapshots
        if not is_untold(snapshot.processes)
        for process in snapshot.processes
        if servers & {*process.ancestors}
    }
    served = bool(view.on_port(view.last))
    found = [
        incident
        for incident in incidents
        if incident.kind in kinds
        and incident.ts_ns
        and (incident.pid in tree or (view.target.port in incident.ports and not served))
    ]
    rose = _risen(view) if _MEMORY in kinds else ""
    if found or rose:
        return yes(joined([*(_said(view, incident) for incident in found), *([rose] if rose else [])]))
    others = [incident for incident in incidents if incident.kind in kinds and incident.ts_ns]
    if others:
        return unknown(f"{_said(view, others[0])}; that it is the server is not known")
    return _unasked(view) or no(f"nobody was seen to end by {what} of late")


def _risen(view: HostView) -> str:
    """Say in which cgroup of the server processes were killed during the observation; empty for none."""
    counts: dict[str, list[int]] = {}
    for snapshot in view.snapshots:
        if not is_untold(snapshot.before):
            for incident in snapshot.before.incidents:
                number = incident.text.split()[0] if incident.kind == _MEMORY and not incident.ts_ns else ""
                if number.isdigit():
                    counts.setdefault(incident.name, []).append(int(number))
    risen = next((name for name, numbers in counts.items() if numbers[-1] > numbers[0]), "")
    return f"the kernel killed a process of the server's cgroup {risen} for want of memory" if risen else ""


def _incidents(view: HostView) -> list[Incident] | Reply:
    told, because = view.told(snapshot.before for snapshot in view.snapshots)
    if not told:
        return unknown(because or "nobody looked at what happened before")
    return list(dict.fromkeys(_all(view)))


def _all(view: HostView) -> Iterator[Incident]:
    for snapshot in reversed(view.snapshots):
        if not is_untold(snapshot.before):
            yield from snapshot.before.incidents


def _unasked(view: HostView) -> Reply | None:
    before = view.last.before
    return unknown(joined(before.unasked)) if not is_untold(before) and before.unasked else None


def _said(view: HostView, incident: Incident) -> str:
    ago = view.last.taken_ns + view.last.duration_ns - incident.ts_ns
    when = f", {duration(max(0, ago))} before the last look" if incident.ts_ns else ""
    lasted = "" if incident.lasted_s is None else f" after {duration(incident.lasted_s * _SECOND)}"
    if incident.kind in _SERVICES:
        return f"{_NAMES[incident.kind]} {incident.name} ended{lasted}: {incident.text}{when}"
    pid = "" if incident.pid is None else f" (pid {incident.pid})"
    if incident.kind == _MEMORY:
        return f"the kernel killed {incident.name}{pid}: {incident.text}{when}"
    return f"{incident.name}{pid} crashed: {incident.text}{when}"
