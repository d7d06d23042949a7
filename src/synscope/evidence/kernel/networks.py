"""Questions about a command whose processes leave the network namespace that is captured. Pure.

A sandbox (unshare, bwrap, firejail, a build's or a test's) has a loopback interface of its own, which is down until
somebody brings it up. Of a connect that a thread of the command made the trace tells the port whatever the namespace;
one for which there is no way fails before, with ENETUNREACH.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import in_calls
from synscope.evidence.host.surroundings import loopback_is_down
from synscope.evidence.kernel.aim import aims_at
from synscope.evidence.kernel.calls import failed
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.question import Reply, no, question, second_observer, unknown, yes
from synscope.model import Source, Stage

if TYPE_CHECKING:
    from synscope.probes.kernel.events import Event

_NO_WAY: Final = "ENETUNREACH"


@question(
    "kernel-saw-command-leave-network",
    Source.KERNEL,
    "one of the command's processes went into another network namespace than the one that is captured",
    stage=Stage.ROUTE,
    direct=True,
    by_hand=in_calls("unshare,setns,clone,clone3", "a call with CLONE_NEWNET: yes"),
)
def command_left_network(view: KernelView) -> Reply:
    record, health = view.record, view.record.health
    if health.beside or not health.leaves:
        return unknown(health.beside or "whether the command's processes change their network is not traced")
    found = record.leaving()
    if found:
        return yes(_left(found[0]))
    missing = record.calls_missing
    if missing is None:
        return no("none of the command's processes was seen to go into another network namespace")
    return unknown(missing)


@question(
    "kernel-saw-connect-in-own-network",
    Source.KERNEL,
    "the command went into another network namespace, and began to connect to the port after that, unseen here",
    stage=Stage.ROUTE,
    direct=True,
    by_hand=in_calls("unshare,setns,connect", "CLONE_NEWNET, and then a connect() to {port}: yes"),
)
def connect_in_own_network(view: KernelView) -> Reply:
    left = command_left_network(view)
    if not view.record.leaving() or view.record.health.beside:
        return left
    connects = _connects(view)
    if view.groups:
        return unknown(f"{left.text}, but connects to the port are in the capture")
    if connects:
        return yes(
            f"{left.text}; {connects[0].task} connected to {connects[0].server} after that, unseen here"
        )
    return unknown(f"{left.text}; no connect to the port was seen after that")


@second_observer(loopback_is_down, Source.KERNEL, direct=True)
def own_loopback_is_down(view: KernelView) -> Reply:
    """Whether the lo of the command's own network namespace is: a connect found no way, none to the port began."""
    if view.record.health.error:
        return unknown(view.record.health.error)
    left = command_left_network(view)
    leaving = view.record.leaving()
    if not leaving or view.record.health.beside:
        return unknown("the command stayed in the network namespace that is captured, as far as was seen")
    lost = [
        event
        for event in failed(view, "connect", _NO_WAY)
        if event.ts_ns >= leaving[0].ts_ns and (event.server is None or aims_at(view.target, event.server))
    ]
    if lost and not view.groups and not _connects(view) and view.record.calls_missing is None:
        return yes(
            f"{left.text}, and a connect of {lost[0].task} found no way there ({_NO_WAY}): its lo is down"
        )
    return unknown(f"{left.text}; whether lo is up there was not seen")


def _connects(view: KernelView) -> list[Event]:
    """Return the connects of the command to the port after it had left."""
    start = view.record.leaving()[0].ts_ns
    found = view.record.connects(view.target.port, start)
    return [event for event in found if event.of_command and aims_at(view.target, event.server)]


def _left(event: Event) -> str:
    return f"{event.task} of the command went into a network namespace of its own"
