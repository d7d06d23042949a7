"""Questions about what the kernel did not grant the watched command before any SYN: connects, sockets, binds. Pure.

What a policy denies is denied before the kernel looks at the address: ``calls`` says when it is about the target.
That the thread is the command's own the kernel knows from the start of each one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls
from synscope.evidence.kernel.calls import answered, answered_alone, began, failed, said
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_DENIED: Final = ("EPERM", "EACCES")


def _no_socket(happened: str, other: str, *errors: str) -> Callable[[KernelView], Reply]:
    """Ask whether a socket for TCP over IP was refused with one of the errors."""

    def ask(view: KernelView) -> Reply:
        found = [
            event
            for event in failed(view, "socket", *errors)
            if event.call is not None and (event.call.is_inet or event.call.filtered)
        ]
        return answered(view, found, "socket", happened, other)

    return ask


@question(
    "kernel-saw-connect-denied",
    Source.KERNEL,
    "the kernel denied a connect to the target to one of the command's processes",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("connect", "connect() with AF_INET or AF_INET6 ends with EPERM or EACCES: yes"),
)
def connect_denied(view: KernelView) -> Reply:
    """Leave out what routes or IPsec forbid: it has the same error, after the kernel has looked for a way."""
    from synscope.probes.kernel.filters import ROUTES

    blind = next(
        (
            view.record.health.missing_calls[each]
            for each in ROUTES
            if each in view.record.health.missing_calls
        ),
        "",
    )
    found = [
        event
        for event in failed(view, "connect", *_DENIED)
        if event.call is not None and not event.call.began and event.server is None
    ]
    if blind and found and found[0].call is not None and found[0].call.error == "EACCES":
        return unknown(
            f"{said(found, 'connect', 'failed')}, and whether the routes forbid it is not traced: {blind}"
        )
    return answered_alone(view, found, "was denied", "no connect of the command's processes was denied")


socket_denied = question(
    "kernel-saw-socket-denied",
    Source.KERNEL,
    "the kernel denied a socket of IP to one of the command's processes",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("socket", "socket() with AF_INET or AF_INET6 ends with EPERM or EACCES: yes"),
)(_no_socket("was denied", "no socket of the command's processes was denied", *_DENIED))

family_refused = question(
    "kernel-saw-family-refused",
    Source.KERNEL,
    "the kernel had no socket of the wanted family of IP for one of the command's processes",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("socket", "socket() with AF_INET or AF_INET6 ends with EAFNOSUPPORT: yes"),
)(_no_socket("failed", "the kernel has each family of IP that the command asked for", "EAFNOSUPPORT"))


@question(
    "kernel-saw-call-filtered",
    Source.KERNEL,
    "a filter of system calls (seccomp) denied one of the command's processes a socket or a call on one",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("%network", "socket() or connect() ends with EPERM, EACCES or EAFNOSUPPORT: yes"),
)
def call_filtered(view: KernelView) -> Reply:
    """Not direct: a socket of whatever family may be denied."""
    record = view.record
    for event in record.calls("socket", "connect", "bind"):
        if event.call is not None and event.call.filtered:
            return yes(f"{said([event], event.call.name, 'was denied')} by a filter, before it began")
    killed = record.killed()
    if killed:
        return yes(f"{killed[0].task} was ended by a filter of system calls ({killed[0].reason})")
    missing = record.calls_missing
    return unknown(missing) if missing else no("no call of the command's processes was denied by a filter")


def _own_bind_failed(error: str) -> Callable[[KernelView], Reply]:
    """Ask whether a bind of the client's failed with an error, and it went no further."""

    def ask(view: KernelView) -> Reply:
        found = failed(view, "bind", error)
        if found and _goes_on(view):
            return unknown(f"{_bind_said(found)}, and the command went on")
        if found:
            return yes(_bind_said(found))
        missing = view.record.calls_missing
        return unknown(missing) if missing else no(f"no bind of the command's processes failed with {error}")

    return ask


def _goes_on(view: KernelView) -> bool:
    """Whether the command came to the target all the same, or listens: then it may be a server's bind."""
    return bool(view.groups) or began(view) is not None or bool(view.record.calls("listen"))


def _bind_said(found: list[Event]) -> str:
    server = found[0].server
    place = "" if server is None else f"; the address is {server.address}"
    return f"{said(found, 'bind', 'failed')}{place}"


bind_no_address = question(
    "kernel-saw-bind-no-address",
    Source.KERNEL,
    "a bind of one of the command's processes failed, and it never connected: no interface has the address",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("bind", "bind() ends with EADDRNOTAVAIL: yes"),
)(_own_bind_failed("EADDRNOTAVAIL"))

own_bind_in_use = question(
    "kernel-saw-own-bind-in-use",
    Source.KERNEL,
    "a bind of one of the command's processes failed, and it never connected: address already in use",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_calls("bind", "bind() ends with EADDRINUSE: yes"),
)(_own_bind_failed("EADDRINUSE"))
