"""Questions about the connects that the server's own processes make while a client waits: the second leg. Pure.

The kernel says which process connected, where to, and how that ended. It does not say why: a process connects for
many reasons. A connect counts as the client's only where it began in the client's time, and where either the client's
answer or end followed right upon its failure, or it hung as long as the client waited. Where the same program also
connects there when no client waits (a metrics push, a pool, a health check), nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.by_hand import in_states, on_linux
from synscope.evidence.host.forwarders import container_publishes_port, forwarder_owns_port
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import Reply, Says, no, question, second_observer, unknown, yes
from synscope.evidence.waits import FOR_EVER, Wait, waits_of
from synscope.model import Answer, Label, Source, Stage
from synscope.reference.loopback import is_loopback
from synscope.reference.programs import BALANCERS, WEB_SERVERS
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.kernel.events import OwnConnect

DIRECTLY_NS: Final = 100_000_000
"""Who can do nothing without its upstream answers or hangs up this soon after that has failed."""
SOON_NS: Final = 300_000_000
"""A connect that a request brings about begins this soon, or sooner."""
HELD_NS: Final = 300_000_000
"""A connect that hangs for so long while the client waits holds the client up."""
SLACK_NS: Final = 1_000_000
"""What the clocks of the capture and the trace may differ by."""
_AT_ONCE_NS: Final = 5_000_000
"""No program waits for an answer so short a time: a connect that ended sooner was turned down."""


class _Leg(NamedTuple):
    """A connect that was made in a client's time."""

    wait: Wait
    connect: OwnConnect


@question(
    "kernel-saw-own-connect-fail",
    Source.KERNEL,
    "a connect of the server's own process failed, and right upon that it answered or hung up",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_states("SYN_SENT to CLOSE in the server's process, right before its answer on {port}: yes"),
)
def own_connect_failed(view: KernelView) -> Reply:
    return _of(view, _failed, "no connect of the server's failed right before an answer or an end")


@question(
    "kernel-saw-own-connect-fail-here",
    Source.KERNEL,
    "that connect of the server's own process went to a loopback address, in the network namespace that is captured",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_states("SYN_SENT to CLOSE in the server's process, to a loopback address: yes"),
)
def own_connect_failed_here(view: KernelView) -> Reply:
    return _of(
        view,
        lambda leg: (
            _failed(leg) and leg.connect.elsewhere is False and is_loopback(leg.connect.server.address)
        ),
        "no connect of the server's to a loopback address failed right before an answer or an end",
    )


@question(
    "server-waits-for-upstream",
    Source.KERNEL,
    "a connection of the server's own, begun for this client, got no answer for as long as the client waited",
    stage=Stage.SERVE,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=on_linux(
        "sudo ss -tnpi state syn-sent state established | grep -A1 'pid=PID,'",
        "a connection to elsewhere in SYN-SENT, or with bytes sent and none received since: yes",
    ),
)
def waits_for_upstream(view: KernelView) -> Reply:
    """Look for a SYN of the server's that nobody answered; of an established connection the trace tells no more."""
    found = _of(view, _hangs, "no connect of the server's hung while a client waited")
    # It may be established, and as silent: the look at its sockets would tell.
    return found if found.answer is Answer.YES else unknown(found.text)


@question(
    "relay-got-through",
    Source.KERNEL,
    "who has the port connected on for this client, and each such connection was taken",
    direct=True,
    by_hand=in_states("SYN_SENT to ESTABLISHED in the server's process, while a client of {port} waits: yes"),
)
def relay_got_through(view: KernelView) -> Reply:
    if because := _untold(view):
        return unknown(because)
    legs = [leg for leg in _legs(view) if _is_prompt(leg) and not _is_habit(view, leg.connect)]
    taken = [leg.connect for leg in legs if leg.connect.established]
    if taken and len(taken) == len(legs):
        return yes(f"{taken[-1].who} connected on to {taken[-1].server}, and was let in")
    return no("no connect of the server's for a client was taken, or not all were")


@second_observer(container_publishes_port, Source.KERNEL, direct=True)
def connects_inside(view: KernelView) -> Reply:
    """Whether who has the port connects on in another network namespace, or at once to an address of one."""
    own = view.record.own
    for leg in _legs(view):
        connect = leg.connect
        inside = own is not None and connect.server.address in own.inside
        if (connect.task.comm or "") in BALANCERS | WEB_SERVERS or not _is_prompt(leg):
            continue
        if connect.elsewhere or (inside and _is_relayed(leg)):
            place = (
                "in another network namespace" if connect.elsewhere else "inside another network namespace"
            )
            return yes(
                f"{connect.who} takes connections to the port, and connects on to {connect.server} {place}"
            )
    return unknown(_untold(view) or "no connect of the server's into another network namespace was seen")


@second_observer(forwarder_owns_port, Source.KERNEL, direct=True)
def connects_at_once(view: KernelView) -> Reply:
    """Whether who has the port connects on before its client has said a word: a relay, whatever its name."""
    for leg in _legs(view):
        if _is_relayed(leg):
            connect = leg.connect
            return yes(
                f"{connect.who} connects on to {connect.server} for each client, before that says a word"
            )
    return unknown(_untold(view) or "no connect of the server's came before its client's first byte")


def _of(view: KernelView, holds: Callable[[_Leg], bool], otherwise: str) -> Reply:
    if because := _untold(view):
        return unknown(because)
    legs = list(_legs(view))
    found = [leg for leg in legs if holds(leg)] or _tried_again(legs, holds)
    own = [leg for leg in found if not _is_habit(view, leg.connect)]
    if own:
        leg = own[-1]
        connect = leg.connect
        label = Label.SYN_RST if _is_refused(connect) else Label.SYN_NO_REPLY
        return yes(_said(leg), about=(str(connect.server), label.value, connect.who))
    if found:
        connect = found[-1].connect
        return unknown(
            f"{connect.who} failed to connect to {connect.server}, but it tries that when no client waits as well"
        )
    return no(otherwise)


def _untold(view: KernelView) -> str:
    """Return why the server's connects are not known; empty where they are."""
    own = view.record.own
    if own is None:
        return "the server's own connects are not traced"
    if own.start_ts_ns is None or own.untold:
        return f"the server's own connects are not known: {own.untold}"
    if not view.groups:
        return "no client connected"
    if own.start_ts_ns > min(group.first_ts_ns for group in view.groups):
        return "the server's own connects were not traced from the beginning"
    return ""


def _legs(view: KernelView) -> Iterator[_Leg]:
    """Yield the connects that began in a client's time, in the order of time."""
    own = view.record.own
    waits = list(waits_of(view.groups))
    for connect in () if own is None else own.made:
        if _is_a_clients(view, connect):
            continue
        for wait in waits:
            if wait.began_ns - SLACK_NS <= connect.began_ns <= wait.ended_ns:
                yield _Leg(wait, connect)
                break


def _is_a_clients(view: KernelView, connect: OwnConnect) -> bool:
    """Whether it goes to the target, as a client's does that the server's process started.

    One that is refused where the target takes connections went to that address of another network: such relays make
    their sockets there.
    """
    if connect.server.port != view.target.port or connect.elsewhere:
        return False
    here = {group.label for group in view.groups if group.server == connect.server}
    if here:
        return not connect.refused or Label.COMPLETED not in here
    return is_loopback(connect.server.address)


def _is_habit(view: KernelView, connect: OwnConnect) -> bool:
    """Whether the same program connects to the same place when no client waits, too."""
    own = view.record.own
    waits = list(waits_of(view.groups))
    return own is not None and any(
        made.server == connect.server
        and (made.task.comm == connect.task.comm or made.pid == connect.pid)
        and not any(wait.began_ns - SLACK_NS <= made.began_ns <= wait.ended_ns + SLACK_NS for wait in waits)
        for made in own.made
    )


def _failed(leg: _Leg) -> bool:
    """Whether the connect failed, and the client had its answer or its end right upon that."""
    connect, wait = leg.connect, leg.wait
    if connect.settled_ns is None or connect.established or wait.mute:
        return False
    return -SLACK_NS <= wait.ended_ns - connect.settled_ns <= DIRECTLY_NS


def _tried_again(legs: Sequence[_Leg], holds: Callable[[_Leg], bool]) -> list[_Leg]:
    """Return the last of several connects to one place that failed in one client's time, none being taken there.

    A pooler tries again while its client waits, and gives up on the client at a time of its own.
    """
    for leg in reversed(legs):
        same = [
            other for other in legs if (other.wait, other.connect.server) == (leg.wait, leg.connect.server)
        ]
        failed = [other for other in same if other.connect.settled_ns is not None]
        taken = any(other.connect.established for other in same)
        at_end = leg._replace(wait=leg.wait._replace(ended_ns=leg.connect.settled_ns or leg.wait.ended_ns))
        if len(failed) > 1 and not taken and any(map(_is_prompt, same)) and holds(at_end):
            return [leg]
    return []


def _hangs(leg: _Leg) -> bool:
    """Whether the connect was unanswered for as long as a client waited, be it for an error in the end."""
    connect, wait = leg.connect, leg.wait
    if connect.established or not _is_prompt(leg):
        return False
    ended = wait.ended_ns if connect.settled_ns is None else connect.settled_ns
    return ended >= wait.ended_ns - SLACK_NS and wait.ended_ns - connect.began_ns >= HELD_NS


def _is_prompt(leg: _Leg) -> bool:
    """Whether it began soon after the client had come or had asked."""
    asked = leg.wait.asked_ns or leg.wait.began_ns
    return leg.connect.began_ns - asked <= SOON_NS


def _is_relayed(leg: _Leg) -> bool:
    """Whether it began before the client had said anything."""
    asked = leg.wait.asked_ns
    return _is_prompt(leg) and (asked is None or leg.connect.began_ns < asked - SLACK_NS)


def _is_refused(connect: OwnConnect) -> bool:
    if connect.settled_ns is None:
        return False
    return connect.refused or connect.settled_ns - connect.began_ns <= _AT_ONCE_NS


def _said(leg: _Leg) -> str:
    connect, wait = leg.connect, leg.wait
    start = f"the server's {connect.who} connected to {connect.server}"
    if connect.refused:
        end = "refused, says the kernel"
    elif _is_refused(connect):
        end = "turned down at once, says the kernel"
    elif connect.settled_ns is None or wait.mute:
        last = min(wait.ended_ns, connect.settled_ns or FOR_EVER)
        waited = "" if last == FOR_EVER else f" for {duration(last - connect.began_ns)}"
        return f"{start}: no answer{waited}, says the kernel; the client waited for as long"
    else:
        end = f"no answer in {duration(connect.settled_ns - connect.began_ns)}, says the kernel"
    then = "answered" if wait.answered else "hung up"
    assert connect.settled_ns is not None  # noqa: S101 - one that has not ended was told of above
    return f"{start}: {end}; it {then} {duration(max(0, wait.ended_ns - connect.settled_ns))} later"
