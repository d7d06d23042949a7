"""Questions about the command's own system calls: what it asked the kernel for, and what it got. Pure.

The trace tells each call of the command's tree with its error, its descriptor, and the socket's family and type. To
which address a connect went is told by what the kernel looked up for it; one that a policy denies is denied before.
Such a one is taken for a connect to the target only where nothing else is: the capture has no attempt there, no
connect to it began, and none of the command's connects that failed so is known to have gone elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls
from synscope.evidence.kernel.aim import aims_at
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Answer, Source, Stage
from synscope.units import count, listed

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_SHOWN: Final = 3
_NO_WAY: Final = ("ENETUNREACH", "EHOSTUNREACH")
_FORBIDDEN: Final = ("EINVAL", "EACCES")
"""What a connect ends with for which the routes have no way: none, unreachable, blackhole, prohibit (ip-route(8))."""


def failed(view: KernelView, name: str, *errors: str) -> list[Event]:
    """Return the calls over TCP, or over what is not known, that failed with one of the errors."""
    return [
        event
        for event in view.record.calls(name)
        if event.call is not None and event.call.error in errors and event.call.is_tcp
    ]


def began(view: KernelView) -> Event | None:
    """Return a connect of the command to the target that the TCP stack took, or something sent there over TCP."""
    for event in view.record.calls("connect", "send"):
        call = event.call
        if call is not None and call.is_tcp and aims_at(view.target, event.server):
            taken = call.began or call.name == "send" or (call.end_ts_ns is not None and not call.error)
            if taken:
                return event
    return None


def about_target(view: KernelView, found: list[Event]) -> list[Event]:
    """Return the calls among ``found`` that are for the target: by their address, else because nothing else is."""
    known = [event for event in found if aims_at(view.target, event.server)]
    if known or view.groups or began(view) is not None:
        return known
    return [event for event in found if event.server is None]


def answered(view: KernelView, found: list[Event], what: str, happened: str, other: str) -> Reply:
    """Say yes where a call for the target is among ``found``; ``other`` is the clause for when no call failed so."""
    meant = about_target(view, found)
    if meant:
        return yes(said(meant, what, happened))
    missing = view.record.calls_missing
    if not view.record.health.denials:
        return unknown(missing or "")
    if found and found[0].server is not None:
        return no(f"{said(found[:1], what, happened)}, which is not the target")
    if found:
        return unknown(f"{said(found, what, happened)}; it is not known for which port")
    return unknown(missing) if missing else no(other)


def answered_alone(view: KernelView, found: list[Event], happened: str, other: str) -> Reply:
    """Say the same of a connect; where the command came to the target at another address, it is no stop."""
    if about_target(view, found) and (view.groups or began(view) is not None):
        return unknown(f"{said(found, 'connect', happened)}, and another connect to the target began")
    return answered(view, found, "connect", happened, other)


def said(found: list[Event], what: str, happened: str) -> str:
    """Return the first of the calls in words."""
    first = found[0]
    call = first.call
    error = first.reason if call is None else call.error
    family = f" over {call.family}" if call is not None and call.family else ""
    place = f" to {first.server}" if first.server is not None and what == "connect" else ""
    more = f" ({count(len(found), what)} in all)" if len(found) > 1 else ""
    return f"a {what}{family}{place} of {first.task} {happened} with {error}{more}"


@question(
    "kernel-saw-out-of-descriptors",
    Source.KERNEL,
    "one of the command's processes got no socket: it, or the system, has no descriptor left",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("socket", "socket() ends with EMFILE or ENFILE: yes"),
)
def out_of_descriptors(view: KernelView) -> Reply:
    """A descriptor is one for whatever address: what happened to earlier connects is of no matter."""
    found = [
        event
        for event in view.record.calls("socket")
        if event.call is not None and event.call.error in ("EMFILE", "ENFILE") and event.call.is_inet
    ]
    if found:
        return yes(said(found, "socket", "failed"))
    missing = view.record.calls_missing
    return (
        unknown(missing)
        if missing
        else no("the command got every socket that it asked for, or another error")
    )


@question(
    "kernel-saw-accept-out-of-descriptors",
    Source.KERNEL,
    "a server among the command's processes got no descriptor for a connection",
    stage=Stage.ACCEPT,
    if_yes=Says.STOPPED,
    by_hand=in_calls("accept,accept4", "accept() ends with EMFILE or ENFILE: yes"),
)
def accept_out_of_descriptors(view: KernelView) -> Reply:
    """Not direct: the kernel does not say at which port."""
    errors = ("EMFILE", "ENFILE")
    found = [
        each for each in view.record.calls("accept") if each.call is not None and each.call.error in errors
    ]
    if found:
        return yes(said(found, "accept", "failed"))
    missing = view.record.calls_missing
    return unknown(missing) if missing else no("no server of the command's lacked a descriptor")


@question(
    "kernel-saw-no-source-port",
    Source.KERNEL,
    "a connect of the command to the target failed: no local port is free toward it",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls(
        "connect", "connect() to {port} ends with EADDRNOTAVAIL, and ss -tan lists many to it: yes"
    ),
)
def no_source_port(view: KernelView) -> Reply:
    """The TCP stack chooses the port after it took the connect; an address that is missing is missed before."""
    found = [event for event in failed(view, "connect", "EADDRNOTAVAIL") if _taken(event)]
    own = [event for event in found if event.call is not None and event.call.bound]
    if own and len(own) == len(about_target(view, found)):
        return unknown(f"{said(own, 'connect', 'failed')}; the client had chosen the local end itself")
    free = [event for event in found if event not in own]
    return answered(view, free, "connect", "failed", "no connect of the command lacked a local port")


@question(
    "kernel-saw-own-end-taken",
    Source.KERNEL,
    "a connect of the command to the target failed: the local end that the client chose is in use toward it",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("bind,connect", "a bind(), and connect() to {port} ends with EADDRNOTAVAIL: yes"),
)
def own_end_taken(view: KernelView) -> Reply:
    found = [
        event
        for event in failed(view, "connect", "EADDRNOTAVAIL")
        if _taken(event) and event.call is not None and event.call.bound
    ]
    return answered(
        view, found, "connect", "failed", "no connect from a local end of the client's choice failed so"
    )


@question(
    "kernel-saw-no-source-address",
    Source.KERNEL,
    "a connect of the command to the target failed: this machine has no address of that family to connect from",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls(
        "connect", "connect() to {port} ends with EADDRNOTAVAIL at once, on an idle machine: yes"
    ),
)
def no_source_address(view: KernelView) -> Reply:
    found = [event for event in failed(view, "connect", "EADDRNOTAVAIL") if not _taken(event)]
    return answered_alone(view, found, "failed", "no connect of the command lacked a local address")


@question(
    "kernel-saw-no-way",
    Source.KERNEL,
    "a connect of the command to the target failed: the routes have no way to it, or forbid it",
    stage=Stage.ROUTE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("connect", "connect() to {port} ends with ENETUNREACH or EHOSTUNREACH at once: yes"),
)
def no_way(view: KernelView) -> Reply:
    """That it is forbidden has an error that others have too: it is the look's for a way only where that ended so."""
    found = [
        event
        for event in failed(view, "connect", *_NO_WAY, *_FORBIDDEN)
        if event.call is not None
        and not event.call.began
        and event.call.error in (*_NO_WAY, event.call.route_error)
    ]
    return answered_alone(view, found, "failed", "the routes had a way for each connect of the command")


@question(
    "kernel-saw-udp-instead",
    Source.KERNEL,
    "the command sent to the target's port over UDP, and made no connect there over TCP",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("socket,connect,sendto", "SOCK_DGRAM to {port}, and no SOCK_STREAM: yes"),
)
def udp_instead(view: KernelView) -> Reply:
    found = [
        event
        for event in view.record.calls("connect", "send")
        if event.call is not None and event.call.type == "datagram" and aims_at(view.target, event.server)
    ]
    missing = view.record.calls_missing
    if view.groups or began(view) is not None or any(_is_tcp_connect(each) for each in _unplaced(view)):
        return no("the command has tried it over TCP")
    if missing:
        return unknown(missing)
    if found:
        return yes(f"{found[0].task} sent to {found[0].server} over UDP, and made no connect there over TCP")
    return no("nothing was sent there over UDP")


@question(
    "kernel-saw-socket-file-only",
    Source.KERNEL,
    "the command connected to Unix socket files and asked for no socket of another kind",
    stage=Stage.CLIENT,
    if_yes=Says.STOPPED,
    by_hand=in_calls("socket,connect", "AF_UNIX alone, but for /var/run/nscd/socket: yes"),
)
def socket_file_only(view: KernelView) -> Reply:
    """Not direct: one may do for the command, as an engine of containers does, what nobody sees here."""
    sockets = [
        event for event in view.record.calls("socket") if event.call is not None and event.call.is_inet
    ]
    files = [
        event
        for event in view.record.calls("connect")
        if event.call is not None and event.call.family == "Unix" and not event.call.may_ask_nscd
    ]
    missing = view.record.calls_missing
    if sockets or view.groups or began(view) is not None:
        return no("the command asked for a socket of IP")
    if missing or not files:
        return unknown(missing) if missing else no("the command connected to no socket file")
    call = files[-1].call
    ended = f", which failed with {call.error}" if call is not None and call.error else ""
    return yes(f"{files[-1].task} connected to a Unix socket file{ended}, and asked for no socket of IP")


@question(
    "kernel-saw-no-connect-to-target",
    Source.KERNEL,
    "none of the command's processes asked for a connection to the target over TCP, although each call was followed",
    stage=Stage.NAME,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("%network", "no connect() to {port} with AF_INET or AF_INET6: yes"),
)
def no_connect_to_target(view: KernelView) -> Reply:
    """Its number, the client's way, or the name: what comes after has not begun. What was not seen proves nothing."""
    tried = _tried(view)
    if tried:
        return no(tried)
    elsewhere = _elsewhere(view)
    why = _unseen(view)
    if not why and not elsewhere and _asks_another(view):
        why = "the command spoke with another program over a Unix socket, which may act for it"
    if why:
        return unknown(why)
    if elsewhere:
        return yes(
            f"no process of the command called connect for the target; it went to {_listed(elsewhere)} instead"
        )
    return yes("no process of the command called connect over TCP")


@question(
    "kernel-saw-no-connect-at-all",
    Source.KERNEL,
    "none of the command's processes asked for any connection over TCP, although each call was followed",
    stage=Stage.NAME,
    direct=True,
    by_hand=in_calls("%network", "no connect() with AF_INET or AF_INET6: yes"),
)
def no_connect_at_all(view: KernelView) -> Reply:
    """Who goes to another port or to a proxy instead does call connect."""
    found = no_connect_to_target(view)
    elsewhere = _elsewhere(view)
    if found.answer is Answer.YES and elsewhere:
        return no(f"the command connected to {_listed(elsewhere)}")
    return found


def _tried(view: KernelView) -> str:
    """Return what shows that the command set out for the target; empty where nothing does."""
    if view.groups:
        return "the capture has attempts to the target"
    connect = began(view)
    if connect is not None:
        return f"{connect.task} began to connect to {connect.server}"
    for event in view.record.calls("connect"):
        if _is_tcp_connect(event) and (event.server is None or aims_at(view.target, event.server)):
            return f"{event.task} called connect, and it did not begin"
    for name in ("socket", "bind"):
        for event in view.record.calls(name):
            if event.call is not None and event.call.error and (event.call.is_inet or event.call.filtered):
                return f"{said([event], name, 'failed')}: the command set out for something"
    return ""


def _elsewhere(view: KernelView) -> list[str]:
    places = [
        str(event.server)
        for event in view.record.calls("connect")
        if event.server is not None and _is_tcp_connect(event) and not aims_at(view.target, event.server)
    ]
    return list(dict.fromkeys(places))


def _listed(places: list[str]) -> str:
    more = [f"{count(len(places) - _SHOWN, 'other place')}"] if len(places) > _SHOWN else []
    return listed([*places[:_SHOWN], *more])


def _unseen(view: KernelView) -> str:
    """Return why a connect may have been made that is not among the calls; empty where none was."""
    record = view.record
    if record.calls_missing:
        return record.calls_missing
    killed = record.killed()
    if killed:
        return f"a filter of system calls ended {killed[0].task}, nobody knows at which call"
    spare = _spare_socket(view)
    if spare is not None:
        return (
            f"{spare.task} made a socket for TCP, and what it did before it could connect it is not followed"
        )
    stray = [
        event for event in record.calls("send") if event.call is not None and event.call.type == "stream"
    ]
    if record.health.beside_calls or stray:
        return record.health.beside_calls or f"{stray[0].task} sent over TCP without a call that is followed"
    return ""


def _spare_socket(view: KernelView) -> Event | None:
    """Return a socket for TCP that was neither connected nor listened on: an option of it may have failed."""
    record = view.record
    made = [
        event
        for event in record.calls("socket")
        if event.call is not None and event.call.is_inet and event.call.is_tcp and not event.call.error
    ]
    used = [event for event in record.calls("connect", "listen") if _is_tcp_connect(event)]
    return made[-1] if len(made) > len(used) else None


def _asks_another(view: KernelView) -> bool:
    """Whether the command reached a program of this machine over a Unix socket: one that may connect in its place."""
    return any(
        event.call is not None and event.call.family == "Unix" and not event.call.error
        for event in view.record.calls("connect")
    )


def _unplaced(view: KernelView) -> list[Event]:
    return [event for event in view.record.calls("connect") if event.server is None]


def _is_tcp_connect(event: Event) -> bool:
    """Whether it is one over TCP, or may be: of a call that a filter denied nobody knows."""
    return event.call is not None and event.call.is_tcp


def _taken(event: Event) -> bool:
    return event.call is not None and event.call.began
