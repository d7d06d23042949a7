"""Questions about the programs that have the port."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from synscope.evidence.by_hand import of_listeners, on_any
from synscope.evidence.host.resources import HALTED, server_process_stopped
from synscope.evidence.host.view import (
    HostView,
    family_of,
    is_local,
    is_untold,
    joined,
    listed,
    owner_of,
)
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Answer, Endpoint, Source, Stage
from synscope.reference.programs import BALANCERS, SERVERS, WEB_SERVERS

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import LocalSocket


@question(
    "port-has-two-programs",
    Source.HOST,
    "two programs listen on the port, at an address or in a family each",
    stage=Stage.TALK,
    direct=True,
    by_hand=of_listeners("lines of two programs: yes"),
)
def port_has_two_programs(view: HostView) -> Reply:
    """Whether two programs have the port: in a family or at an address each, or sharing one (SO_REUSEPORT).

    Two processes of one program that share a family are its workers, as far as can be told.
    """
    here = view.on_port(view.last)
    if is_untold(view.last.sockets):
        return unknown(view.last.sockets.could_not_tell)
    for listener, other in itertools.combinations([owned for owned in here if owned.owners], 2):
        apart = not {owner.pid for owner in listener.owners} & {owner.pid for owner in other.owners}
        unlike = {owner.program for owner in listener.owners} != {owner.program for owner in other.owners}
        if apart and (unlike or family_of(listener.address) != family_of(other.address)):
            return yes(listed((listener, other)))
    if any(not listener.owners for listener in here) and len(here) > 1:
        return unknown("not every owner of the port is visible")
    return no("no two programs have the port")


@question(
    "port-sharer-stopped",
    Source.HOST,
    "several processes share the port, each with a listening socket of its own, and one of them is stopped",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_listeners(
        "two lines at one address (SO_REUSEPORT), and ps shows state T, D or Z for one process: yes"
    ),
)
def port_sharer_stopped(view: HostView) -> Reply:
    """Look at sockets that share the port: each gets a part of the connections, whatever its process does."""
    shared = False
    for snapshot in reversed(view.snapshots):
        if is_untold(snapshot.processes):
            continue
        states = {process.pid: process.state for process in snapshot.processes}
        for one, other in itertools.combinations(view.serving(snapshot), 2):
            pids = [{owner.pid for owner in listener.owners} for listener in (one, other)]
            if one.address != other.address or not all(pids) or pids[0] & pids[1]:
                continue
            shared = True
            halted = [
                listener for listener, own in zip((one, other), pids, strict=True) if _halted(own, states)
            ]
            if len(halted) == 1:
                return yes(_which(halted[0], other if halted[0] is one else one, states))
    told, because = view.told(snapshot.processes for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    if shared:
        return no("every process that shares the port is able to run")
    return no("no two processes share the port with a socket each")


def _halted(pids: set[int], states: dict[int, str]) -> bool:
    """Whether all processes of a socket are seen to be halted."""
    return all(states.get(pid, "") in HALTED for pid in pids)


def _which(halted: LocalSocket, running: LocalSocket, states: dict[int, str]) -> str:
    pid = halted.owners[0].pid
    state = states[pid]
    return (
        f"{owner_of(halted)} and {owner_of(running)} share {Endpoint(halted.address, halted.port)}, each with a "
        f"socket of its own; {halted.owners[0].program or 'process'} (pid {pid}) is {HALTED[state]} (state {state})"
    )


@question(
    "other-program-owns-port",
    Source.HOST,
    "a program other than the expected one owns the port",
    stage=Stage.TALK,
    direct=True,
    by_hand=of_listeners("another program than the service: yes"),
)
def other_program_owns_port(view: HostView) -> Reply:
    processes = view.last.processes
    if is_untold(processes):
        return unknown(processes.could_not_tell)
    expected = {process.pid for process in processes if process.role == "server"}
    if not expected:
        return unknown("which process should have the port is not known")
    tree = expected | {process.pid for process in processes if expected & set(process.ancestors)}
    here = view.on_port(view.last)
    if any(not listener.owners for listener in here):
        return unknown(listed(listener for listener in here if not listener.owners))
    others = [listener for listener in here if not {owner.pid for owner in listener.owners} & tree]
    if others:
        return yes(f"{listed(others)}, which is not the server that was started")
    return no(listed(here) if here else f"nothing listens on port {view.target.port}")


@question(
    "port-owner-shown",
    Source.HOST,
    "the port's owner is known",
    direct=True,
    by_hand=of_listeners("a line names a program: yes"),
)
def port_owner_shown(view: HostView) -> Reply:
    """Name the programs that have the port: what advice fits depends on them."""
    owners = view.programs()
    if not owners:
        return _unowned(view)
    text = f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port"
    return yes(text, about=(program for program, _ in owners))


@question(
    "balancer-owns-port",
    Source.HOST,
    "a load balancer or gateway owns the port",
    stage=Stage.SERVE,
    direct=True,
    by_hand=of_listeners("nginx, HAProxy, Envoy, Traefik or another gateway: yes"),
)
def balancer_owns_port(view: HostView) -> Reply:
    owners = view.programs()
    found = [f"{program} (pid {pid})" for program, pid in owners if program in BALANCERS]
    if found:
        return yes(f"{joined(found)} has the port, and answers for a service behind it")
    either = [f"{program} (pid {pid})" for program, pid in owners if program in WEB_SERVERS]
    if either:
        return unknown(f"{joined(either)} has the port: it may answer itself or for a service behind it")
    if not owners:
        return _unowned(view)
    return no(f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port")


@question(
    "owner-speaks-otherwise",
    Source.HOST,
    "the port's owner is a server of another protocol than the one in which the client got no answer",
    stage=Stage.TALK,
    if_yes=Says.STOPPED,
    by_hand=of_listeners("a server of another protocol than the client spoke: yes"),
)
def owner_speaks_otherwise(view: HostView) -> Reply:
    owners = view.programs()
    if not owners:
        return _unowned(view)
    if not view.spoken:
        return no("no client spoke in a known protocol and got no answer")
    told = _told_to_speak(view)
    for program, pid in owners:
        takes = told.get(program) or SERVERS.get(program)
        if takes is not None:
            spoke, own = " and ".join(view.spoken), " or ".join(sorted(takes))
            text = f"{program} (pid {pid}) has the port: it speaks {own}, and the client spoke {spoke}"
            return no(text) if takes & set(view.spoken) else yes(text)
    return unknown(f"which protocol {joined(program or '?' for program, _ in owners)} speaks is not known")


def _told_to_speak(view: HostView) -> dict[str, frozenset[str]]:
    """Return the one protocol that a program's command line gives to the port, by the program."""
    from synscope.probes.host.snapshot import JAVA_DEBUGGER

    looks, _ = view.told(snapshot.declared for snapshot in view.snapshots)
    return {
        entry.program: frozenset({JAVA_DEBUGGER})
        for entries in looks
        for entry in entries
        if entry.port == view.target.port and JAVA_DEBUGGER in entry.wants
    }


@question(
    "owner-wants-tls",
    Source.HOST,
    "the port's owner is told to take TLS there, and a client that spoke plain got no answer",
    stage=Stage.TALK,
    direct=True,
    by_hand=on_any(
        "grep -nE '(bind|listen|accept).*{port}' /etc/haproxy/haproxy.cfg /etc/nginx/*/*.conf /etc/stunnel/*.conf",
        "the line has ssl, or is stunnel's: yes",
    ),
)
def owner_wants_tls(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import TLS

    return _declared(view, TLS, set(view.spoken) - {TLS})


@question(
    "owner-wants-proxy-line",
    Source.HOST,
    "the port's owner is told to expect the PROXY protocol's line, and a client that began otherwise got no answer",
    stage=Stage.TALK,
    direct=True,
    by_hand=on_any(
        "grep -nE '(bind|listen).*{port}' /etc/haproxy/haproxy.cfg /etc/nginx/*/*.conf",
        "the line has accept-proxy or proxy_protocol: yes",
    ),
)
def owner_wants_proxy_line(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import PROXY_LINE

    return _declared(view, PROXY_LINE, set(view.spoken))


def _declared(view: HostView, what: str, otherwise: set[str]) -> Reply:
    """Whether an owner of the port is told to want ``what`` of clients that spoke ``otherwise`` and got no answer."""
    told, because = view.told(snapshot.declared for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    if not otherwise:
        return no("no client that spoke otherwise got no answer")
    programs = {program for program, _ in view.programs()}
    found = [entry for entries in told for entry in entries if entry.port == view.target.port]
    owned = [entry for entry in found if entry.program in programs and what in entry.wants]
    if owned:
        return yes(f"{owned[0].program} is told to expect {what} on port {view.target.port}")
    if found:
        return no(f"the configuration of {found[0].program} does not want it")
    return unknown("what the owner of the port is told to expect is not known")


@question(
    "owner-mute-to-own-protocol",
    Source.HOST,
    "the owner answers every request of its protocol, takes TLS too, and gave a client that spoke plain no answer",
    stage=Stage.TALK,
    by_hand=of_listeners("a server of the client's own protocol that can take TLS instead: yes"),
)
def owner_mute_to_own_protocol(view: HostView) -> Reply:
    """Recognise a server of a protocol with TLS around it: without, it would have answered."""
    owners = view.programs()
    if not owners:
        return _unowned(view)
    halted = server_process_stopped(view)
    if halted.answer is Answer.YES:
        return unknown(f"{halted.text}: it answers nobody")
    if view.waits and not any(wait.hung_up for wait in view.waits):
        return unknown("it was silent and did not hang up: one that hangs is as silent")
    for program, pid in owners:
        takes = SERVERS.get(program, frozenset())
        if "TLS" in takes and set(view.spoken) and set(view.spoken) <= takes - {"TLS"}:
            return yes(
                f"{program} (pid {pid}) gave no answer to {' and '.join(view.spoken)}, its own protocol, as where it"
                " takes TLS alone"
            )
    return no("no client spoke the owner's protocol without an answer, where it can take TLS instead")


def _unowned(view: HostView) -> Reply:
    """Why nothing can be said about the owner of the port."""
    here = view.serving(view.last)
    if here:
        return unknown(listed(here))
    sockets = view.last.sockets
    return unknown(sockets.could_not_tell) if is_untold(sockets) else no("nothing listens there")


@question(
    "listener-exposed",
    Source.HOST,
    "the listener accepts connections from the network",
    direct=True,
    by_hand=of_listeners("a line at 0.0.0.0, [::] or an address that is not of loopback: yes"),
)
def listener_exposed(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    open_ones = [
        listener
        for listener in view.on_port(view.last)
        if not is_local(listener.address) and listener.device not in {"lo", "lo0"}
    ]
    if open_ones:
        return yes(listed(open_ones))
    return no("no listener on the port is open to other machines")
