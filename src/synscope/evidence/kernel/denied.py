"""Questions about what the kernel did not grant the watched command before any SYN: connects, sockets, binds. Pure.

Of a system call that failed the kernel says the error and the thread, not the port. That the thread is the command's
own the trace knows from the start of each one. What is denied over a Unix socket is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage
from synscope.units import count

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_NOT_WATCHED: Final = "the calls of the command's own processes are not traced"


def _denied(call: str, kind: str, *errors: str) -> Callable[[KernelView], Reply]:
    """Ask whether a call of the command's processes failed with one of the errors. ``kind``: the event's name."""

    def ask(view: KernelView) -> Reply:
        record, health = view.record, view.record.health
        if not health.denials:
            return unknown(_NOT_WATCHED)
        found = [event for event in record.denied() if event.kind.name == kind and event.reason in errors]
        if found:
            return yes(_said(found, call, "was denied"))
        if record.whole:
            return no(f"no {call} of the command's processes was denied")
        return unknown(health.gaps or "the trace of calls is not complete")

    return ask


connect_denied = question(
    "kernel-saw-connect-denied",
    Source.KERNEL,
    "the kernel denied a connect to one of the command's processes, for whatever port",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("connect", "connect() with AF_INET or AF_INET6 ends with EPERM or EACCES: yes"),
)(_denied("connect", "DENIED", "EPERM", "EACCES"))

socket_denied = question(
    "kernel-saw-socket-denied",
    Source.KERNEL,
    "the kernel denied a socket to one of the command's processes, of whatever family",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("socket", "socket() ends with EPERM or EACCES: yes"),
)(_denied("socket", "NO_SOCKET", "EPERM", "EACCES"))

family_refused = question(
    "kernel-saw-family-refused",
    Source.KERNEL,
    "the kernel had no socket of the wanted family for one of the command's processes, whatever family that was",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("socket", "socket() with AF_INET or AF_INET6 ends with EAFNOSUPPORT: yes"),
)(_denied("socket", "NO_SOCKET", "EAFNOSUPPORT"))


call_filtered = question(
    "kernel-saw-call-filtered",
    Source.KERNEL,
    "a filter of system calls (seccomp) denied a call to one of the command's processes, whichever call",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("%network", "socket() or connect() ends with EPERM, EACCES or EAFNOSUPPORT: yes"),
)(_denied("call", "FILTERED", "EPERM", "EACCES", "EAFNOSUPPORT"))


def _own_bind_failed(error: str) -> Callable[[KernelView], Reply]:
    """Ask whether a bind of the command's processes failed with an error."""

    def ask(view: KernelView) -> Reply:
        record, health = view.record, view.record.health
        if health.beside or not (health.denials and health.binds):
            return unknown(health.beside or _NOT_WATCHED)
        found = [event for event in record.unbound() if event.of_command and event.reason == error]
        if found:
            return yes(_said(found, "bind", "failed"))
        if record.whole:
            return no(f"no bind of the command's processes failed with {error}")
        return unknown(health.gaps or "the trace of binds is not complete")

    return ask


def _said(found: list[Event], call: str, happened: str) -> str:
    more = f" ({count(len(found), call)} in all)" if len(found) > 1 else ""
    first = f"a {call} of {found[0].task} {happened} with {found[0].reason}"
    return f"{first}{more}; the kernel does not say for which port"


bind_no_address = question(
    "kernel-saw-bind-no-address",
    Source.KERNEL,
    "a bind of one of the command's processes failed: no interface has the address",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("bind", "bind() ends with EADDRNOTAVAIL: yes"),
)(_own_bind_failed("EADDRNOTAVAIL"))

own_bind_in_use = question(
    "kernel-saw-own-bind-in-use",
    Source.KERNEL,
    "a bind of one of the command's processes failed: address already in use",
    stage=Stage.SOCKET,
    if_yes=Says.STOPPED,
    by_hand=in_calls("bind", "bind() ends with EADDRINUSE: yes"),
)(_own_bind_failed("EADDRINUSE"))
