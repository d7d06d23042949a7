"""Questions about what the kernel counted as discarded between the first look and the last.

Counters are of a whole network namespace, or of the machine: they name no port, and are never a proof by themselves.
"""

from __future__ import annotations

from typing import Final

from synscope.evidence.by_hand import on_linux
from synscope.evidence.host.resources import risen
from synscope.evidence.host.view import HostView, is_untold, joined, setting
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Source, Stage
from synscope.reference.discard_counters import COUNTERS

_WANTED: Final = tuple(
    name for name, counter in COUNTERS.items() if counter.stage in {"in", "out"} and not counter.has_question
)
_NEARLY: Final = 0.98
"""Of a table with so much taken the rest comes and goes between two looks."""


@question(
    "discards-counted",
    Source.HOST,
    "the kernel counted discarded packets, for whatever connection",
    stage=Stage.IN,
    by_hand=on_linux(
        "nstat -az 'TcpExtIPReverse*' TcpExtTCPMinTTLDrop IpInDiscards IpExtInNoRoutes; cat /proc/net/xfrm_stat",
        "a counter of drops rises with each try: yes",
    ),
)
def discards_counted(view: HostView) -> Reply:
    looks, because = view.told(snapshot.counters for snapshot in view.snapshots)
    if because or not looks:
        return unknown(because or "the counters were not read")
    rose = [
        f"{name} rose by {more} ({COUNTERS[name].meaning})" for name in _WANTED if (more := risen(view, name))
    ]
    if rose:
        return yes(f"{joined(rose)} between the first look and the last")
    if len(looks) == 1:
        return unknown("the counters were read only once")
    if not any(setting(looks[-1], name) for name in _WANTED):
        return unknown("these counters were not read")
    return no("the counters of discarded packets stood still")


@question(
    "connection-tracking-full",
    Source.HOST,
    "connection tracking has no room for a further connection, and discarded packets for it",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=on_linux(
        "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; "
        "cat /proc/net/stat/nf_conntrack; sudo dmesg | grep 'table full'",
        "as many as there may be, and drop rises with each try: yes",
    ),
)
def connection_tracking_full(view: HostView) -> Reply:
    told, because = view.told(snapshot.limits for snapshot in view.snapshots)
    numbers = [
        (setting(limits.settings, "nf_conntrack_count"), setting(limits.settings, "nf_conntrack_max"))
        for limits in told
    ]
    sizes = [(used.value, most.value) for used, most in numbers if used and most]
    if not sizes:
        return unknown(because) if because or not told else no("connection tracking is not in use")
    used, most = max(sizes, key=lambda size: size[0] / max(1, size[1]))
    text = f"connection tracking has {used} connections of {most}"
    if used < _NEARLY * most:
        return no(text)
    if is_untold(view.last.counters) or setting(view.last.counters, "NfConntrackDrop") is None:
        return unknown(f"{text}; whether it discarded packets was not read")
    dropped = risen(view, "NfConntrackDrop")
    return (
        yes(f"{text}, and discarded {dropped} packets between the first look and the last")
        if dropped
        else unknown(f"{text}, and discarded none between the first look and the last")
    )
