"""Questions about listeners and the processes behind them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from synscope.evidence.by_hand import of_all_listeners, of_listeners, on_each, on_linux
from synscope.evidence.host.view import (
    HostView,
    describe,
    family_of,
    is_untold,
    joined,
    listed,
    owner_of,
    serves,
)
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.evidence.typo import are_kindred, how_it_differs, looks_like_typo
from synscope.model import Answer, Endpoint, Source, Stage
from synscope.units import count, duration

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import LocalSocket, Snapshot, Sockets


_NOT_SYSTEM = 1024


_WEB_SERVICES = frozenset({80, 443})


@question(
    "listener-on-target",
    Source.HOST,
    "a TCP listener serves the target's address and port",
    stage=Stage.LISTENER,
    if_yes=Says.PASSED,
    if_no=Says.STOPPED,
    direct=True,
    by_hand=of_listeners("a line at {address}, or at all addresses of its family: yes; no such line: no"),
)
def listener_on_target(view: HostView) -> Reply:
    unserved = view.unserved
    if isinstance(unserved, Reply):
        return unserved
    if not unserved:
        return yes(listed(view.serving(view.last)))
    if not _complete(view):
        return unknown("there are more listeners than were recorded")
    where = ", ".join(str(Endpoint(address, view.target.port)) for address in unserved)
    return no(f"nothing listens on {where}")


def _complete(view: HostView) -> bool:
    sockets = view.last.sockets
    return not is_untold(sockets) and (sockets.complete or bool(view.on_port(view.last)))


@question(
    "listener-on-other-address",
    Source.HOST,
    "a listener has the port on another address or device",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_listeners("lines at other addresses of the same family only: yes"),
)
def listener_on_other_address(view: HostView) -> Reply:
    unserved = view.unserved
    if isinstance(unserved, Reply):
        return unserved
    wanted = {family_of(address) for address in unserved}
    others = [listener for listener in _idle(view) if family_of(listener.address) in wanted]
    if others:
        return yes(listed(others))
    return no(f"no listener has port {view.target.port} on another address of the same family")


@question(
    "listener-on-other-family",
    Source.HOST,
    "a listener has the port in the other IP family only",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_listeners("lines of the other IP version only: yes"),
)
def listener_on_other_family(view: HostView) -> Reply:
    unserved = view.unserved
    if isinstance(unserved, Reply):
        return unserved
    wanted = {family_of(address) for address in unserved}
    here = view.on_port(view.last)
    if unserved and here and not wanted & {family_of(listener.address) for listener in here}:
        return yes(f"{listed(here)}; nothing on IPv{min(wanted)}")
    return no(f"port {view.target.port} is not served in the other IP family alone")


def _idle(view: HostView) -> list[LocalSocket]:
    """The listeners on the port that do not serve the target."""
    serving = view.serving(view.last)
    return [listener for listener in view.on_port(view.last) if listener not in serving]


@question(
    "listener-on-similar-port",
    Source.HOST,
    "a listener has a port that looks like a typo of the target, or another framework's default",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=of_all_listeners("a port that differs from {port} by one digit: yes"),
    always=True,
)
def listener_on_similar_port(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    asked = view.target.port
    alike = [listener for listener in sockets.listeners if looks_like_typo(asked, listener.port)]
    if alike:
        return yes(
            joined(f"{describe(listener)} ({how_it_differs(asked, listener.port)})" for listener in alike)
        )
    kindred = [listener for listener in _reachable(view, sockets) if are_kindred(asked, listener.port)]
    if kindred:
        return yes(f"{joined(map(describe, kindred))}: {asked} and that are both usual ports of web servers")
    return no(f"no listener has a port that looks like {asked}")


@question(
    "listener-on-another-port",
    Source.HOST,
    "a service listens at the target's address under another number",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=of_all_listeners("the service is there under another number: yes"),
)
def listener_on_another_port(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    others = [
        listener
        for listener in _reachable(view, sockets)
        if listener.port != view.target.port
        and (listener.port >= _NOT_SYSTEM or listener.port in _WEB_SERVICES)
    ]
    if others:
        return yes(listed(others))
    return no(f"nothing else listens on {' or '.join(view.addresses)}")


def _reachable(view: HostView, sockets: Sockets) -> list[LocalSocket]:
    """The listeners that one of the target's addresses leads to, whatever their port."""
    return [
        listener
        for listener in sockets.listeners
        if any(serves(listener, Endpoint(address, listener.port)) for address in view.addresses)
    ]


@question(
    "listener-appeared-later",
    Source.HOST,
    "a listener on the port appeared during the observation",
    stage=Stage.LISTENER,
    if_yes=Says.TOOK_LONG,
    direct=True,
    by_hand=of_listeners("no line at first, and one when asked again later: yes"),
)
def listener_appeared_later(view: HostView) -> Reply:
    looks = _looks(view)
    if isinstance(looks, Reply):
        return looks
    for (before, had), (after, has) in itertools.pairwise(looks):
        if has and not had:
            return yes(f"{listed(has)}: not yet {_since(before, after)} before")
    return no("no listener appeared between the first look and the last")


@question(
    "listener-vanished",
    Source.HOST,
    "a listener on the port vanished during the observation",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=of_listeners("a line at first, and none when asked again later: yes"),
)
def listener_vanished(view: HostView) -> Reply:
    looks = _looks(view)
    if isinstance(looks, Reply):
        return looks
    for (before, had), (after, has) in itertools.pairwise(looks):
        if had and not has and not looks[-1][1]:
            if not looks[0][1]:
                return unknown(f"{listed(had)}: it came and went, perhaps after the attempts")
            return yes(f"{listed(had)}: no more {_since(before, after)} later")
    return no("no listener vanished between the first look and the last")


def _looks(view: HostView) -> list[tuple[Snapshot, tuple[LocalSocket, ...]]] | Reply:
    """The snapshots that show sockets, each with the listeners that serve the target."""
    told = [snapshot for snapshot in view.snapshots if not is_untold(snapshot.sockets)]
    if len(told) < 2:  # noqa: PLR2004 - to see a change
        return unknown("the listeners were looked at only once, so no change can be seen")
    return [(snapshot, view.serving(snapshot)) for snapshot in told]


def _since(before: Snapshot, after: Snapshot) -> str:
    return duration(max(0, after.taken_ns - before.taken_ns))


@question(
    "bound-not-listening",
    Source.HOST,
    "a socket is bound to the port but does not listen",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux("ss -tnap state unconnected 'sport = :{port}'", "a line: yes"),
)
def bound_not_listening(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    if is_untold(sockets.bound):
        return unknown(sockets.bound.could_not_tell)
    held = [socket for socket in sockets.bound if socket.port == view.target.port]
    if held:
        return yes(
            joined(
                f"{Endpoint(socket.address, socket.port)} is bound, without listen(), by {owner_of(socket)}"
                for socket in held
            )
        )
    return no("no socket is bound to it without listening")


@question(
    "port-held",
    Source.HOST,
    "a socket holds the port in a way that can hinder a listener",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=on_each(
        linux="ss -tanp 'sport = :{port}'",
        macos="lsof -nP -iTCP:{port}",
        windows="Get-NetTCPConnection -LocalPort {port} -ErrorAction SilentlyContinue",
        reading="any line: yes",
    ),
)
def port_held(view: HostView) -> Reply:
    told, because = view.told(snapshot.sockets for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    port = view.target.port
    holders = [
        holder for sockets in told for holder in (*sockets.listeners, *_bound(sockets)) if holder.port == port
    ]
    if holders:
        return yes(
            joined(
                dict.fromkeys(
                    f"{owner_of(holder)} has {Endpoint(holder.address, port)}" for holder in holders
                )
            )
        )
    uses = [use for sockets in told for use in sockets.uses if use.port == port]
    if any(use.time_wait or use.established or use.close_wait for use in uses):
        return yes(f"connections have port {port}, open or in TIME-WAIT")
    return no(f"no socket has port {port}")


def _bound(sockets: Sockets) -> tuple[LocalSocket, ...]:
    return () if is_untold(sockets.bound) else sockets.bound


@question(
    "server-side-unfinished",
    Source.HOST,
    "the server's system holds a connection to the port whose handshake is not over on its side (SYN-RECV)",
    stage=Stage.ACCEPT,
    direct=True,
    by_hand=on_linux("ss -tn state syn-recv 'sport = :{port}'", "a line, while the client waits: yes"),
)
def server_side_unfinished(view: HostView) -> Reply:
    told, because = view.told(snapshot.sockets for snapshot in view.snapshots)
    if not told:
        return unknown(because)
    uses = [use for sockets in told for use in sockets.uses if use.port == view.target.port]
    most = max((use.syn_received for use in uses), default=0)
    if most:
        return yes(f"{count(most, 'connection')} to port {view.target.port} stayed in SYN-RECV")
    return unknown("no look met a connection to the port in SYN-RECV, and looks are few")


@question(
    "udp-or-unix-lookalike",
    Source.HOST,
    "the port is served over UDP or a Unix socket, not TCP",
    stage=Stage.LISTENER,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_each(
        linux="ss -lunp 'sport = :{port}'; ss -lxp | grep {port}",
        macos="lsof -nP -iUDP:{port}; lsof -nP -U | grep {port}",
        windows="Get-NetUDPEndpoint -LocalPort {port} -ErrorAction SilentlyContinue",
        reading="a line, and none over TCP: yes",
    ),
)
def udp_or_unix_lookalike(view: HostView) -> Reply:
    sockets = view.last.sockets
    if is_untold(sockets):
        return unknown(sockets.could_not_tell)
    port = view.target.port
    udp = [
        f"{owner_of(socket)} uses UDP {Endpoint(socket.address, port)}"
        for socket in sockets.udp
        if socket.port == port
    ]
    unix = [
        f"a process is listening on the Unix socket {socket.path}"
        for socket in sockets.unix
        if socket.port == port
    ]
    if not udp and not unix:
        return no("no UDP socket has the port, and no Unix socket names it")
    if view.on_port(view.last):
        return no(f"{joined(udp + unix)}, but TCP is served as well")
    return yes(joined(udp + unix))


@question(
    "listener-in-other-namespace",
    Source.HOST,
    "a listener has the port in another network namespace or container",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=on_linux(
        "for pid in $(lsns -t net -n -o PID); do sudo nsenter -t $pid -n ss -ltnp 'sport = :{port}'; done",
        "a line that plain ss does not show: yes",
    ),
)
def listener_in_other_namespace(view: HostView) -> Reply:
    told, because = view.told(snapshot.namespaces for snapshot in view.snapshots)
    found = [listener for space in told for listener in space.listeners if listener.port == view.target.port]
    if found:
        return yes(
            joined(
                f"in another network namespace, {listener.namespace}, somebody is listening on "
                f"{Endpoint(listener.address, listener.port)}"
                for listener in found
            )
        )
    if because or not told:
        return unknown(because)
    if told[-1].unseen:
        return unknown(f"not every network namespace could be looked at: {told[-1].unseen}")
    return no(f"no listener in {count(told[-1].looked_at, 'other network namespace')}")


@question(
    "listener-in-linked-namespace",
    Source.HOST,
    "a listener has the port in a network namespace that shares a network with this one, as a container's does",
    stage=Stage.LISTENER,
    direct=True,
    by_hand=on_linux(
        "for pid in $(lsns -t net -n -o PID); do "
        "sudo nsenter -t $pid -n sh -c \"ss -ltnp 'sport = :{port}'; ip -br address\"; done",
        "a line, and an address of a network that this host has too: yes",
    ),
)
def listener_in_linked_namespace(view: HostView) -> Reply:
    every = listener_in_other_namespace(view)
    if every.answer is not Answer.YES:
        return every
    told, _ = view.told(snapshot.namespaces for snapshot in view.snapshots)
    found = [
        listener
        for space in told
        for listener in space.listeners
        if listener.port == view.target.port and listener.linked
    ]
    if found:
        return yes(joined(f"{listener.namespace} shares a network with this one" for listener in found))
    return no("none of those namespaces shares an IPv4 network with this one")
