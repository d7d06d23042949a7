"""Questions about listeners and the processes behind them."""

from __future__ import annotations

import itertools

from synscope.evidence.host.host_view import (
    Sight,
    describe,
    family_of,
    is_local,
    joined,
    listed,
    no,
    owner_of,
    serves,
    setting,
    unknown,
    yes,
)
from synscope.evidence.packets.view import Verdict
from synscope.evidence.typo import are_kindred, how_it_differs, looks_like_typo
from synscope.model import Answer, Endpoint
from synscope.probes.host.snapshot import LocalSocket, Process, Snapshot, Sockets, Untold
from synscope.reference.programs import BALANCERS, SERVERS, WEB_SERVERS
from synscope.units import count, duration

_STATES = {
    "T": "stopped",
    "t": "stopped by a debugger",
    "Z": "a zombie",
    "X": "dead",
    "D": "blocked in the kernel",
}
_HIDDEN = "?"
_NOT_SYSTEM = 1024
_WEB_SERVICES = frozenset({80, 443})
_OVERFLOWS = ("TcpExtListenOverflows", "TcpExtTCPAbortOnOverflow", "TcpExtTCPReqQFullDrop")


def listener_on_target(sight: Sight) -> Verdict:
    """Whether a TCP listener serves the target's address and port."""
    unserved = sight.unserved
    if isinstance(unserved, Untold):
        return unknown(unserved.could_not_tell)
    if not unserved:
        return yes(listed(sight.serving(sight.last)))
    if not _complete(sight):
        return unknown("there are more listeners than were recorded")
    where = ", ".join(str(Endpoint(address, sight.target.port)) for address in unserved)
    return no(f"nothing listens on {where}")


def _complete(sight: Sight) -> bool:
    sockets = sight.last.sockets
    return not isinstance(sockets, Untold) and (sockets.complete or bool(sight.on_port(sight.last)))


def listener_on_other_address(sight: Sight) -> Verdict:
    """Whether a listener of the same family has the port on another address or device."""
    unserved = sight.unserved
    if isinstance(unserved, Untold):
        return unknown(unserved.could_not_tell)
    wanted = {family_of(address) for address in unserved}
    others = [one for one in _idle(sight) if family_of(one.address) in wanted]
    if others:
        return yes(listed(others))
    return no(f"no listener has port {sight.target.port} on another address of the same family")


def listener_on_other_family(sight: Sight) -> Verdict:
    """Whether listeners have the port in the other family only."""
    unserved = sight.unserved
    if isinstance(unserved, Untold):
        return unknown(unserved.could_not_tell)
    wanted = {family_of(address) for address in unserved}
    here = sight.on_port(sight.last)
    if unserved and here and not wanted & {family_of(one.address) for one in here}:
        return yes(f"{listed(here)}; nothing on IPv{min(wanted)}")
    return no(f"it is not so that port {sight.target.port} is served in the other IP family only")


def _idle(sight: Sight) -> list[LocalSocket]:
    """The listeners on the port that do not serve the target."""
    serving = sight.serving(sight.last)
    return [one for one in sight.on_port(sight.last) if one not in serving]


def listener_on_similar_port(sight: Sight) -> Verdict:
    """Whether a listener's port looks like a typo of the target's, or is what another framework has by default."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return unknown(sockets.could_not_tell)
    asked = sight.target.port
    alike = [one for one in sockets.listeners if looks_like_typo(asked, one.port)]
    if alike:
        return yes(joined(f"{describe(one)} ({how_it_differs(asked, one.port)})" for one in alike))
    kindred = [one for one in _reachable(sight, sockets) if are_kindred(asked, one.port)]
    if kindred:
        return yes(f"{joined(map(describe, kindred))}: {asked} and that are both usual ports of web servers")
    return no(f"no listener has a port that looks like {asked}")


def listener_on_another_port(sight: Sight) -> Verdict:
    """Whether a service, not one of the system's, could be reached at the target's address under another number."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return unknown(sockets.could_not_tell)
    others = [
        one
        for one in _reachable(sight, sockets)
        if one.port != sight.target.port and (one.port >= _NOT_SYSTEM or one.port in _WEB_SERVICES)
    ]
    if others:
        return yes(listed(others))
    return no(f"nothing else listens on {' or '.join(sight.addresses)}")


def _reachable(sight: Sight, sockets: Sockets) -> list[LocalSocket]:
    """The listeners that one of the target's addresses leads to, whatever their port."""
    return [
        one
        for one in sockets.listeners
        if any(serves(one, Endpoint(address, one.port)) for address in sight.addresses)
    ]


def listener_appeared_later(sight: Sight) -> Verdict:
    """Whether the target came to be served between two looks."""
    looks = _looks(sight)
    if isinstance(looks, Untold):
        return unknown(looks.could_not_tell)
    for (before, had), (after, has) in itertools.pairwise(looks):
        if has and not had:
            return yes(f"{listed(has)}: not yet {_since(before, after)} before")
    return no("no listener appeared between the first look and the last")


def listener_vanished(sight: Sight) -> Verdict:
    """Whether the target ceased to be served and is not served now."""
    looks = _looks(sight)
    if isinstance(looks, Untold):
        return unknown(looks.could_not_tell)
    for (before, had), (after, has) in itertools.pairwise(looks):
        if had and not has and not looks[-1][1]:
            return yes(f"{listed(had)}: no more {_since(before, after)} later")
    return no("no listener vanished between the first look and the last")


def _looks(sight: Sight) -> list[tuple[Snapshot, tuple[LocalSocket, ...]]] | Untold:
    """The snapshots that show sockets, each with the listeners that serve the target."""
    told = [one for one in sight.snapshots if not isinstance(one.sockets, Untold)]
    if len(told) < 2:  # noqa: PLR2004 - to see a change
        return Untold("the listeners were looked at only once, so no change can be seen")
    return [(one, sight.serving(one)) for one in told]


def _since(before: Snapshot, after: Snapshot) -> str:
    return duration(max(0, after.taken_ns - before.taken_ns))


def bound_not_listening(sight: Sight) -> Verdict:
    """Whether a socket holds the port without listening, in the last look."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return unknown(sockets.could_not_tell)
    if isinstance(sockets.bound, Untold):
        return unknown(sockets.bound.could_not_tell)
    held = [one for one in sockets.bound if one.port == sight.target.port]
    if held:
        return yes(
            joined(
                f"{Endpoint(one.address, one.port)} is bound, without listen(), by {owner_of(one)}"
                for one in held
            )
        )
    return no("no socket is bound to it without listening")


def port_held(sight: Sight) -> Verdict:
    """Whether any socket of this machine has the port, so that a ``bind`` may fail: of any look."""
    told, because = sight.told(one.sockets for one in sight.snapshots)
    if not told:
        return unknown(because)
    port = sight.target.port
    holders = [one for sockets in told for one in (*sockets.listeners, *_bound(sockets)) if one.port == port]
    if holders:
        return yes(
            joined(dict.fromkeys(f"{owner_of(one)} has {Endpoint(one.address, port)}" for one in holders))
        )
    uses = [use for sockets in told for use in sockets.uses if use.port == port]
    if any(use.time_wait or use.established or use.close_wait for use in uses):
        return yes(f"connections have port {port}, open or in TIME-WAIT")
    return no(f"no socket has port {port}")


def _bound(sockets: Sockets) -> tuple[LocalSocket, ...]:
    return () if isinstance(sockets.bound, Untold) else sockets.bound


def udp_or_unix_lookalike(sight: Sight) -> Verdict:
    """Whether the port is served over UDP or a Unix socket and not over TCP."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return unknown(sockets.could_not_tell)
    port = sight.target.port
    udp = [
        f"UDP {Endpoint(one.address, port)} is used by {owner_of(one)}"
        for one in sockets.udp
        if one.port == port
    ]
    unix = [f"the Unix socket {one.path} is listened on" for one in sockets.unix if one.port == port]
    if not udp and not unix:
        return no("no UDP socket has the port, and no Unix socket names it")
    if sight.on_port(sight.last):
        return no(f"{joined(udp + unix)}, but TCP is served as well")
    return yes(joined(udp + unix))


def listener_in_other_namespace(sight: Sight) -> Verdict:
    """Whether another network namespace has a listener on the port."""
    told, because = sight.told(one.namespaces for one in sight.snapshots)
    found = [one for space in told for one in space.listeners if one.port == sight.target.port]
    if found:
        return yes(
            joined(
                f"{Endpoint(one.address, one.port)} is listened on in another network namespace, {one.namespace}"
                for one in found
            )
        )
    if because or not told:
        return unknown(because)
    if told[-1].unseen:
        return unknown(f"not every network namespace could be looked at: {told[-1].unseen}")
    return no(f"no listener in {count(told[-1].looked_at, 'other network namespace')}")


def listener_in_linked_namespace(sight: Sight) -> Verdict:
    """Whether another network namespace that shares a network with this one has a listener on the port."""
    every = listener_in_other_namespace(sight)
    if every.answer is not Answer.YES:
        return every
    told, _ = sight.told(one.namespaces for one in sight.snapshots)
    found = [one for space in told for one in space.listeners if one.port == sight.target.port and one.linked]
    if found:
        return yes(joined(f"{one.namespace} shares a network with this one" for one in found))
    return no("none of those namespaces shares an IPv4 network with this one")


def port_has_two_programs(sight: Sight) -> Verdict:
    """Whether two programs have the port: in a family or at an address each, or sharing one (SO_REUSEPORT).

    Two processes of one program that share a family are its workers, as far as can be told.
    """
    here = sight.on_port(sight.last)
    if isinstance(sight.last.sockets, Untold):
        return unknown(sight.last.sockets.could_not_tell)
    for one, other in itertools.combinations([listener for listener in here if listener.owners], 2):
        apart = not {owner.pid for owner in one.owners} & {owner.pid for owner in other.owners}
        unlike = {owner.program for owner in one.owners} != {owner.program for owner in other.owners}
        if apart and (unlike or family_of(one.address) != family_of(other.address)):
            return yes(listed((one, other)))
    if any(not one.owners for one in here) and len(here) > 1:
        return unknown("not every owner of the port is visible")
    return no("no two programs have the port")


def other_program_owns_port(sight: Sight) -> Verdict:
    """Whether somebody other than the server that was started listens on the port."""
    processes = sight.last.processes
    if isinstance(processes, Untold):
        return unknown(processes.could_not_tell)
    expected = {one.pid for one in processes if one.role == "server"}
    if not expected:
        return unknown("which process should have the port is not known")
    tree = expected | {one.pid for one in processes if expected & set(one.ancestors)}
    here = sight.on_port(sight.last)
    if any(not one.owners for one in here):
        return unknown(listed(one for one in here if not one.owners))
    others = [one for one in here if not {owner.pid for owner in one.owners} & tree]
    if others:
        return yes(f"{listed(others)}, which is not the server that was started")
    return no(listed(here) if here else f"nothing listens on port {sight.target.port}")


def balancer_owns_port(sight: Sight) -> Verdict:
    """Whether a program has the port that answers only for services behind it."""
    owners = sight.programs()
    found = [f"{program} (pid {pid})" for program, pid in owners if program in BALANCERS]
    if found:
        return yes(f"{joined(found)} has the port, and answers for a service behind it")
    either = [f"{program} (pid {pid})" for program, pid in owners if program in WEB_SERVERS]
    if either:
        return unknown(f"{joined(either)} has the port: it may answer itself or for a service behind it")
    if not owners:
        return _unowned(sight)
    return no(f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port")


def owner_speaks_otherwise(sight: Sight) -> Verdict:
    """Whether the port's owner is a server of another protocol than clients spoke when they got no answer."""
    owners = sight.programs()
    if not owners:
        return _unowned(sight)
    if not sight.spoken:
        return no("no client spoke in a known protocol and got no answer")
    for program, pid in owners:
        takes = SERVERS.get(program)
        if takes is not None:
            spoke, own = " and ".join(sight.spoken), " or ".join(sorted(takes))
            text = f"{program} (pid {pid}) has the port: it speaks {own}, and the client spoke {spoke}"
            return no(text) if takes & set(sight.spoken) else yes(text)
    return unknown(f"which protocol {joined(program or '?' for program, _ in owners)} speaks is not known")


def _unowned(sight: Sight) -> Verdict:
    """Why nothing can be said about the owner of the port."""
    here = sight.serving(sight.last)
    if here:
        return unknown(listed(here))
    sockets = sight.last.sockets
    return unknown(sockets.could_not_tell) if isinstance(sockets, Untold) else no("nothing listens there")


def listener_exposed(sight: Sight) -> Verdict:
    """Whether a listener on the port takes connections from other machines."""
    sockets = sight.last.sockets
    if isinstance(sockets, Untold):
        return unknown(sockets.could_not_tell)
    open_ones = [
        one
        for one in sight.on_port(sight.last)
        if not is_local(one.address) and one.device not in {"lo", "lo0"}
    ]
    if open_ones:
        return yes(listed(open_ones))
    return no("no listener on the port is open to other machines")


def accept_queue_full(sight: Sight) -> Verdict:
    """Whether connections wait in vain to be accepted."""
    told, because = sight.told(one.sockets for one in sight.snapshots)
    if not told:
        return unknown(because)
    listeners = [one for snapshot in sight.snapshots for one in sight.serving(snapshot)]
    sizes = [(one, one.queued, one.backlog) for one in listeners]
    for one, queued, backlog in sizes:
        if queued is not None and backlog is not None and queued > backlog:
            return yes(
                f"{describe(one)}: {queued} connections wait, and the queue has room for {backlog + 1}"
            )
    rose = [f"{name} rose by {more}" for name in _OVERFLOWS if (more := risen(sight, name))]
    if not listeners:
        return no("nothing listens there, so nothing can wait to be accepted")
    if rose:
        return _overflowed(rose, len({one.port for one in told[-1].listeners}), listeners[-1])
    if any(queued is None for _, queued, _ in sizes):
        return unknown("this system does not show how many connections wait to be accepted")
    return no(
        f"{describe(listeners[-1])}: {listeners[-1].queued} of {listeners[-1].backlog} places are taken"
    )


def _overflowed(rose: list[str], ports: int, listener: LocalSocket) -> Verdict:
    """The counters are the whole namespace's: they point at a listener only when it is the only one."""
    text = f"{', '.join(rose)} between the first look and the last"
    if ports == 1:
        return yes(f"{text}, and there is only one listening port: {describe(listener)}")
    return unknown(f"{text}, but which listener's queue it was is not known")


def risen(sight: Sight, name: str) -> int:
    """Return by how much a counter rose from the first snapshot that has it to the last."""
    told, _ = sight.told(one.counters for one in sight.snapshots)
    values = [found.value for counters in told if (found := setting(counters, name)) is not None]
    return max(0, values[-1] - values[0]) if values else 0


def server_process_stopped(sight: Sight) -> Verdict:
    """Whether the processes behind the listener cannot run."""
    told, because = sight.told(one.processes for one in sight.snapshots)
    for snapshot in reversed(sight.snapshots):
        servers = sight.servers(snapshot)
        halted = [one for one in servers if one.state in _STATES or not one.state]
        if servers and len(halted) == len(servers):
            return yes(joined(_halted(one) for one in halted))
    servers = sight.servers(sight.last)
    hidden = next((one for one in servers if one.state == _HIDDEN), None)
    if hidden is not None:
        return unknown(f"process {hidden.pid} cannot be looked at")
    if servers:
        return no(joined(f"{_process(one)} is able to run (state {one.state})" for one in servers))
    here = sight.serving(sight.last)
    if here:
        return unknown(listed(here))
    return unknown(because) if because or not told else no("no process listens there")


def _halted(process: Process) -> str:
    if not process.state:
        return f"the server's process {process.pid} is gone"
    waits = f" in {process.waits_in}" if process.waits_in and process.state == "D" else ""
    return f"{_process(process)} is {_STATES[process.state]}{waits}"


def _process(process: Process) -> str:
    return f"{process.program or 'process'} (pid {process.pid})"


def server_out_of_descriptors(sight: Sight) -> Verdict:
    """Whether the server cannot open another descriptor, so that accept() fails."""
    counted: list[Process] = []
    for snapshot in sight.snapshots:
        for one in sight.servers(snapshot):
            if one.descriptors is None or one.descriptor_limit is None:
                continue
            if one.descriptors >= one.descriptor_limit:
                return yes(_used(one))
            counted.append(one)
    if counted:
        return no(_used(counted[-1]))
    here = sight.serving(sight.last)
    if here or any(sight.servers(one) for one in sight.snapshots):
        return unknown("the descriptors of the server's process cannot be counted (another user's need root)")
    _, because = sight.told(one.processes for one in sight.snapshots)
    return unknown(because) if because else no("no process listens there")


def _used(process: Process) -> str:
    return f"{_process(process)} has {process.descriptors} descriptors of {process.descriptor_limit} open"


def client_out_of_resources(sight: Sight) -> Verdict:
    """Whether the client lacks a descriptor or a local port."""
    port = sight.target.port
    ports_known = False
    for snapshot in sight.snapshots:
        if not isinstance(snapshot.processes, Untold):
            for one in snapshot.processes:
                full = one.descriptors is not None and one.descriptors >= (one.descriptor_limit or 1 << 62)
                if one.role == "client" and full:
                    return yes(_used(one))
        room = _local_ports(snapshot)
        if isinstance(snapshot.sockets, Untold) or room is None:
            continue
        ports_known = True
        used = max((use.most_local_ports for use in snapshot.sockets.uses if use.port == port), default=0)
        if used >= room:
            return yes(
                f"{used} local ports are in use toward port {port} at one address; the range has {room}"
            )
    client = not isinstance(sight.last.processes, Untold) and any(
        one.role == "client" and one.descriptors is not None for one in sight.last.processes
    )
    if client and ports_known:
        return no("the client has descriptors and local ports left")
    return unknown("the client's process is not known or cannot be looked at")


def _local_ports(snapshot: Snapshot) -> int | None:
    """How many ephemeral ports the kernel can choose from."""
    limits = snapshot.limits
    if isinstance(limits, Untold) or limits.ephemeral_low is None or limits.ephemeral_high is None:
        return None
    low, high = limits.ephemeral_low, limits.ephemeral_high
    reserved = 0
    for part in limits.reserved_ports.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last.isdigit() or not last):
            reserved += max(0, min(int(last or first), high) - max(int(first), low) + 1)
    return max(1, high - low + 1 - reserved)
