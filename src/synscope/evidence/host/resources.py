"""Questions about what runs out, or does not run: queues, processes, descriptors, local ports, privileges."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import of_process, on_each, on_linux
from synscope.evidence.host.view import (
    HostView,
    describe,
    is_untold,
    joined,
    listed,
    setting,
)
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage
from synscope.units import count

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import LocalSocket, Process, Snapshot


HALTED: Final = {
    "T": "stopped",
    "t": "stopped by a debugger",
    "Z": "a zombie",
    "X": "dead",
    "D": "blocked in the kernel",
}


_HIDDEN = "?"


_OVERFLOWS = ("TcpExtListenOverflows", "TcpExtTCPAbortOnOverflow", "TcpExtTCPReqQFullDrop")


@question(
    "accept-queue-full",
    Source.HOST,
    "the listener's accept queue is full or overflowed",
    stage=Stage.QUEUE,
    if_yes=Says.STOPPED,
    if_no=Says.PASSED,
    direct=True,
    by_hand=on_each(
        linux="ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows",
        macos="netstat -Lan -p tcp",
        windows="Get-NetTCPConnection -LocalPort {port} | Group-Object State",
        reading="as many wait as the queue holds, or the counter rises: yes",
    ),
)
def accept_queue_full(view: HostView) -> Reply:
    told, because = view.told(snapshot.sockets for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    listeners = [listener for snapshot in view.snapshots for listener in view.serving(snapshot)]
    if not listeners:
        return no("nothing listens there, so nothing can wait to be accepted")
    sizes = [(listener, listener.queued, listener.backlog) for listener in listeners]
    full = [
        f"{describe(listener)}: {queued} connections wait, and the queue has room for {backlog + 1}"
        for listener, queued, backlog in sizes
        if queued is not None and backlog is not None and queued > backlog
    ]
    full += filter(None, [_overflowed_elsewhere(listeners)])
    if full:
        return yes(full[0])
    rose = [f"{name} rose by {more}" for name in _OVERFLOWS if (more := risen(view, name))]
    if rose:
        return _overflowed(rose, len({listener.port for listener in told[-1].listeners}), listeners[-1])
    if any(queued is None or (queued and backlog is None) for _, queued, backlog in sizes):
        return unknown("the system does not show how many connections wait, or how many the queue holds")
    *_, (last, queued, backlog) = sizes
    room = "no connection waits" if backlog is None else f"{queued} of {backlog} places are taken"
    return no(f"{describe(last)}: {room}")


def _overflowed_elsewhere(listeners: Sequence[LocalSocket]) -> str:
    """Say how often queues overflowed in the listener's own network namespace; empty where they did not, or here."""
    counted = [listener.overflows for listener in listeners if listener.overflows is not None]
    if not counted or counted[-1] <= counted[0] or not listeners[-1].queued:
        return ""
    more = count(counted[-1] - counted[0], "overflow")
    wait = count(listeners[-1].queued, "connection")
    return (
        f"{describe(listeners[-1])}: {wait} wait, and its network namespace counted {more} of such a queue between"
        " the first look and the last"
    )


def _overflowed(rose: list[str], ports: int, listener: LocalSocket) -> Reply:
    """The counters are the whole namespace's: they point at a listener only when it is the only one."""
    text = f"{', '.join(rose)} between the first look and the last"
    if ports == 1:
        return yes(f"{text}, and there is only one listening port: {describe(listener)}")
    return unknown(f"{text}, but which listener's queue it was is not known")


def risen(view: HostView, name: str) -> int:
    """Return by how much a counter rose from the first snapshot that has it to the last."""
    told, _ = view.told(snapshot.counters for snapshot in view.snapshots)
    values = [found.value for counters in told if (found := setting(counters, name)) is not None]
    return max(0, values[-1] - values[0]) if values else 0


_SIGNATURES: Final = (
    "TcpExtTCPMD5NotFound",
    "TcpExtTCPMD5Unexpected",
    "TcpExtTCPMD5Failure",
    "TcpExtTCPAORequired",
    "TcpExtTCPAOBad",
    "TcpExtTCPAOKeyNotFound",
)


@question(
    "signature-drops-counted",
    Source.HOST,
    "the kernel counted segments whose TCP signature was missing, wrong or not asked for",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=on_linux("nstat -az 'TcpExtTCPMD5*' 'TcpExtTCPAO*'", "one of them rises with each try: yes"),
)
def signature_drops_counted(view: HostView) -> Reply:
    """Compare the first look with the last: the counters are the whole namespace's and name no port."""
    looks, because = view.told(snapshot.counters for snapshot in view.snapshots)
    if because:
        return unknown(because)
    if not any(setting(counters, name) for counters in looks for name in _SIGNATURES):
        return unknown("these counters were not read")
    rose = [f"{name} rose by {more}" for name in _SIGNATURES if (more := risen(view, name))]
    if rose:
        return yes(f"{', '.join(rose)} between the first look and the last")
    if len(looks) == 1:
        return unknown("the counters were read only once")
    return no("the counters of TCP signatures stood still")


@question(
    "listener-wants-signature",
    Source.HOST,
    "the listener takes only signed TCP (TCP-MD5) from the client's address",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "sudo ss -ltni 'sport = :{port}' | sed 's/=[^ ]*//g'", "md5keys, with the client's address: yes"
    ),
)
def listener_wants_signature(view: HostView) -> Reply:
    """Say it of a client at the target's own address: that is the one that a connect to it comes from."""
    looks, because = view.told(snapshot.sockets for snapshot in view.snapshots)
    if not looks:
        return unknown(because)
    serving = view.serving(view.last)
    signing = [(listener, keys) for listener in serving if (keys := _keys_for(view, listener))]
    if signing:
        return yes(
            joined(
                f"{describe(listener)}, and wants TCP-MD5 from {joined(keys)}" for listener, keys in signing
            )
        )
    if not serving:
        return no("nothing listens there")
    if any(listener.signed_for is None for listener in serving):
        return unknown("which signatures a listener wants is told to those who may administer the network")
    if any(listener.signed_for for listener in serving):
        return unknown("the listener wants TCP-MD5 from other addresses than the target's")
    return no(f"{listed(serving)}, and wants no TCP-MD5")


def _keys_for(view: HostView, listener: LocalSocket) -> list[str]:
    """Return the networks of the listener's keys that hold an address of the target."""
    found = [(network, ipaddress.ip_network(network, strict=False)) for network in listener.signed_for or ()]
    addresses = [ipaddress.ip_address(address) for address in view.addresses if "%" not in address]
    return [text for text, network in found if any(address in network for address in addresses)]


@question(
    "server-process-stopped",
    Source.HOST,
    "the listener's process is stopped, dead or blocked",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_process("state T, Z or D, or no such process: yes"),
)
def server_process_stopped(view: HostView) -> Reply:
    told, because = view.told(snapshot.processes for snapshot in view.snapshots)
    for snapshot in reversed(view.snapshots):
        servers = view.servers(snapshot)
        halted = [process for process in servers if process.state in HALTED or not process.state]
        if servers and len(halted) == len(servers):
            return yes(joined(_halted(process) for process in halted))
    servers = view.servers(view.last)
    hidden = next((process for process in servers if process.state == _HIDDEN), None)
    if hidden is not None:
        return unknown(f"process {hidden.pid} cannot be looked at")
    if servers:
        return no(
            joined(f"{_process(process)} is able to run (state {process.state})" for process in servers)
        )
    here = view.serving(view.last)
    if here:
        return unknown(listed(here))
    return unknown(because) if because or not told else no("no process listens there")


def _halted(process: Process) -> str:
    if not process.state:
        return f"the server's process {process.pid} is gone"
    waits = f" in {process.waits_in}" if process.waits_in and process.state == "D" else ""
    return f"{_process(process)} is {HALTED[process.state]}{waits}"


def _process(process: Process) -> str:
    return f"{process.program or 'process'} (pid {process.pid})"


@question(
    "server-out-of-descriptors",
    Source.HOST,
    "the server has no file descriptor left",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="sudo ls /proc/PID/fd | wc -l; grep files /proc/PID/limits",
        macos="lsof -p PID | wc -l; launchctl limit maxfiles",
        windows="(Get-Process -Id PID).HandleCount",
        reading="as many are open as the limit allows: yes",
    ),
)
def server_out_of_descriptors(view: HostView) -> Reply:
    found = _at_limit(view, lambda process: (process.descriptors, process.descriptor_limit), _used)
    if found is not None:
        return found
    here = view.serving(view.last)
    if here or any(view.servers(snapshot) for snapshot in view.snapshots):
        return unknown("the descriptors of the server's process cannot be counted (another user's need root)")
    _, because = view.told(snapshot.processes for snapshot in view.snapshots)
    return unknown(because) if because else no("no process listens there")


@question(
    "server-out-of-tasks",
    Source.HOST,
    "the server may start no further process or thread: its user or its cgroup has as many as are allowed",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "grep processes /proc/PID/limits; ps -eLo user= | sort | uniq -c",
        "as many run as the limit allows: yes",
    ),
)
def server_out_of_tasks(view: HostView) -> Reply:
    found = _at_limit(view, lambda process: (process.tasks, process.task_limit), _running)
    return found or unknown("no limit of processes is known for the server")


def _at_limit(
    view: HostView,
    counted: Callable[[Process], tuple[int | None, int | None]],
    words: Callable[[Process], str],
) -> Reply | None:
    """Say whether a server's process ever had all that it may have; ``None`` where nothing was counted."""
    last = None
    for snapshot in view.snapshots:
        for process in view.servers(snapshot):
            used, most = counted(process)
            if used is None or most is None:
                continue
            if used >= most:
                return yes(words(process))
            last = process
    return None if last is None else no(words(last))


def _running(process: Process) -> str:
    return (
        f"where {_process(process)} runs there are {process.tasks} processes and threads, of {process.task_limit}"
        " that may be"
    )


def _used(process: Process) -> str:
    return f"{_process(process)} has {process.descriptors} descriptors of {process.descriptor_limit} open"


@question(
    "client-out-of-resources",
    Source.HOST,
    "the client has no descriptor or no ephemeral port left",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ss -tan 'dport = :{port}' | wc -l; sysctl net.ipv4.ip_local_port_range; ulimit -n",
        macos="netstat -an -p tcp | grep -c '[.]{port} '; sysctl net.inet.ip.portrange; ulimit -n",
        windows="(Get-NetTCPConnection -RemotePort {port}).Count; netsh int ipv4 show dynamicport tcp",
        reading="as many connections as the range has ports, or descriptors as the limit allows: yes",
    ),
    always=True,
)
def client_out_of_resources(view: HostView) -> Reply:
    port = view.target.port
    ports_known = False
    for snapshot in view.snapshots:
        if not is_untold(snapshot.processes):
            for process in snapshot.processes:
                full = process.descriptors is not None and process.descriptors >= (
                    process.descriptor_limit or 1 << 62
                )
                if process.role == "client" and full:
                    return yes(_used(process))
        room = _local_ports(snapshot)
        if is_untold(snapshot.sockets) or room is None:
            continue
        ports_known = True
        used = max((use.most_local_ports for use in snapshot.sockets.uses if use.port == port), default=0)
        if used >= room:
            return yes(
                f"{used} local ports are in use toward port {port} at one address; the range has {room}"
            )
    client = not is_untold(view.last.processes) and any(
        process.role == "client" and process.descriptors is not None for process in view.last.processes
    )
    if client and ports_known:
        return no("the client has descriptors and local ports left")
    return unknown("the client's process is not known or cannot be looked at")


def _local_ports(snapshot: Snapshot) -> int | None:
    """How many ephemeral ports the kernel can choose from."""
    limits = snapshot.limits
    if is_untold(limits) or limits.ephemeral_low is None or limits.ephemeral_high is None:
        return None
    low, high = limits.ephemeral_low, limits.ephemeral_high
    reserved = 0
    for part in limits.reserved_ports.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last.isdigit() or not last):
            reserved += max(0, min(int(last or first), high) - max(int(first), low) + 1)
    return max(1, high - low + 1 - reserved)


_UNPRIVILEGED_FROM: Final = "ip_unprivileged_port_start"


@question(
    "port-is-privileged",
    Source.HOST,
    "this machine lets only privileged programs bind the port",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=on_linux("sysctl net.ipv4.ip_unprivileged_port_start", "a number above {port}: yes"),
)
def port_is_privileged(view: HostView) -> Reply:
    limits = view.last.limits
    if is_untold(limits):
        return unknown(limits.could_not_tell)
    start = setting(limits.settings, _UNPRIVILEGED_FROM)
    if start is None:
        return unknown(f"{_UNPRIVILEGED_FROM} is not known here")
    text = f"{start.name} is {start.value}"
    return yes(text) if view.target.port < start.value else no(text)
