"""Questions that the firewall's trace answers: which rule stopped a packet of an attempt, or that none did. Pure.

The trace tells of each marked packet the chains that it walked, what stopped it, and the hooks that it came through;
behind a hook's last chain a packet has passed every filter there, whoever made it. Rules of iptables-legacy are not
traced: they show only as a packet that comes no further. An attempt's SYN is known by its ends as it entered, and
from then on by its sequence number, for a rule may translate both ends. A SYN-ACK acknowledges that number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from synscope.evidence.by_hand import in_rules
from synscope.evidence.kernel.aim import aims_at
from synscope.evidence.kernel.record import KernelView
from synscope.evidence.packets.view import attempts, frames_of
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import FAILURES, Attempt, Label, Source, Stage
from synscope.reference.firewall_makers import maker_of, maker_of_policy
from synscope.units import count

if TYPE_CHECKING:
    from synscope.probes.kernel.firewall_walks import FirewallTrace, RuleName, Walk

NOTHING_FAILED: Final = "no attempt failed"
_NUMBERS: Final = 1 << 32
_INPUT: Final = "input"
_POSTROUTING: Final = "postrouting"
_SHOWN: Final = 3
_NO_SYN: Final = "no SYN of it is in the firewall's trace"


class _Traced(NamedTuple):
    """One attempt with what the trace saw of it."""

    attempt: Attempt
    syns: tuple[Walk, ...]
    answers: tuple[Walk, ...]
    others: tuple[Walk, ...]

    @property
    def walks(self) -> tuple[Walk, ...]:
        """All of them."""
        return (*self.syns, *self.answers, *self.others)


def _traced(trace: FirewallTrace, attempt: Attempt) -> _Traced:
    ends = (attempt.client, attempt.server)
    numbers = {walk.seq for walk in trace.walks if walk.is_syn and (walk.source, walk.destination) == ends}
    syns, answers, others = [], [], []
    for walk in trace.walks:
        if walk.is_syn:
            if walk.seq in numbers:
                syns.append(walk)
        elif walk.is_answer:
            if (walk.ack - 1) % _NUMBERS in numbers:
                answers.append(walk)
        elif {walk.source, walk.destination} == set(ends):
            others.append(walk)
    return _Traced(attempt, tuple(syns), tuple(answers), tuple(others))


def _untold(view: KernelView) -> str:
    from synscope.probes.kernel.firewall_walks import NOT_ASKED

    return (view.record.firewall or NOT_ASKED).untold


def _of_view(view: KernelView, *labels: Label) -> list[_Traced]:
    """Return what the trace saw of the attempts at hand: those that failed, or those of some labels."""
    trace = view.record.firewall
    if trace is None:
        return []
    groups = [
        group for group in view.groups if (group.label in labels if labels else group.label in FAILURES)
    ]
    return [_traced(trace, attempt) for attempt in attempts(groups)]


def _stopped_in(seen: _Traced) -> tuple[Walk, ...]:
    from synscope.probes.kernel.firewall_walks import Way

    return tuple(walk for walk in seen.syns if walk.stop is not None and walk.way is not Way.OUT)


def _stopped_back(seen: _Traced) -> tuple[Walk, ...]:
    more = seen.others if seen.attempt.label is Label.HALF_OPEN else ()
    return tuple(walk for walk in (*seen.answers, *more) if walk.stop is not None)


def _stopped_later(seen: _Traced) -> tuple[Walk, ...]:
    return tuple(walk for walk in seen.others if walk.stop is not None)


def _stopped_out(view: KernelView) -> list[Walk]:
    """Return the walks of the SYNs to the target that were stopped on their way out, captured or not."""
    from synscope.probes.kernel.firewall_walks import Way

    trace = view.record.firewall
    return [
        walk
        for walk in (trace.walks if trace is not None else ())
        if walk.is_syn
        and walk.stop is not None
        and walk.way is Way.OUT
        and aims_at(view.target, walk.destination)
    ]


# -- in words -----------------------------------------------------------------------------------------


def _said(view: KernelView, walks: Iterable[Walk]) -> str:
    """Return which rules stopped what, the first of each."""
    found = {walk.at: walk for walk in reversed(list(walks)) if walk.at is not None}
    texts = [_described(view, walk) for walk in sorted(found.values(), key=lambda walk: walk.ts_ns)]
    more = len(texts) - _SHOWN
    return "; ".join(texts[:_SHOWN]) + (f"; and {count(more, 'more rule')}" if more > 0 else "")


def _described(view: KernelView, walk: Walk) -> str:
    from synscope.probes.kernel.firewall_walks import Stop

    place, trace = walk.at, view.record.firewall
    assert place is not None  # noqa: S101 - only of walks that were stopped
    assert trace is not None  # noqa: S101
    name = trace.names.get(place)
    if place.handle:
        rule = f"the rule '{name.text}'" if name else f"a rule (handle {place.handle})"
        maker = maker_of(place.table, place.chain, name.text if name else "")
    else:
        rule = "the policy"
        maker = maker_of_policy(
            place.table, place.chain, ((chain.table, chain.chain) for chain in walk.chains)
        )
    made = f", made by {maker}," if maker else ""
    does = "rejects" if name and name.rejects else "drops"
    doubt = f" ({trace.unnamed})" if trace.unnamed and place.handle else ""
    if walk.stop is Stop.QUEUE:
        return (
            f"{rule} in {place}{made} hands {_packet(walk)} to a program, which does not let it go on{doubt}"
        )
    return f"{rule} in {place}{made} {does} {_packet(walk)}{doubt}"


def _packet(walk: Walk) -> str:
    if walk.is_syn:
        return f"the SYN to {walk.destination}"
    if walk.is_answer:
        return f"the answer of {walk.source}"
    return f"what {walk.source} sends to {walk.destination}"


def _name(view: KernelView, walk: Walk) -> RuleName | None:
    trace = view.record.firewall
    return trace.names.get(walk.at) if trace is not None and walk.at is not None else None


def _nowhere(view: KernelView, seen: _Traced) -> str:
    """Return where the SYN was seen last, where it did not come through and no rule is known to have stopped it."""
    from synscope.probes.kernel.firewall_walks import Way

    if not seen.syns:
        return (view.record.firewall and view.record.firewall.incomplete) or _NO_SYN
    inward = [walk for walk in seen.syns if walk.way is not Way.OUT]
    last = (inward or list(seen.syns))[-1]
    if _POSTROUTING in last.passed:
        return "the SYN left this network namespace, and no rule here stopped it"
    behind = f"behind {last.passed[-1]}" if last.passed else "at its first hook"
    return (
        f"the SYN was not seen {behind}, and no rule of nftables stopped it: rules of iptables-legacy and connection "
        "tracking are not traced"
    )


# -- questions ----------------------------------------------------------------------------------------

_READING: Final = "a line with (verdict drop), or policy drop, for the packet: yes, and it names the rule"


def _asked(
    stopped: Callable[[_Traced], tuple[Walk, ...]], what: str, *labels: Label
) -> Callable[[KernelView], Reply]:
    """Ask whether a rule was seen to stop a packet of an attempt; ``labels``: of attempts that did not fail."""

    def ask(view: KernelView) -> Reply:
        seen = _of_view(view, *labels)
        if not seen:
            return no("no attempt came that far" if labels else NOTHING_FAILED)
        if untold := _untold(view):
            return unknown(untold)
        hits = [each for each in seen if stopped(each)]
        if hits:
            walks = [walk for each in hits for walk in stopped(each)]
            frames = frames_of((each.attempt for each in hits), lambda frames: frames.syn)
            return yes(_said(view, walks), frames)
        trace = view.record.firewall
        if trace is not None and trace.incomplete:
            return unknown(trace.incomplete)
        if all(each.walks for each in seen):
            return no(f"no rule was seen to stop {what}")
        return unknown(_NO_SYN)

    return ask


rule_seen = question(
    "firewall-rule-seen",
    Source.KERNEL,
    "the firewall's trace names the rule that stopped the SYN on its way in",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_rules(_READING),
    always=True,
)(_asked(_stopped_in, "the SYN on its way in"))

rule_seen_back = question(
    "firewall-rule-seen-back",
    Source.KERNEL,
    "the firewall's trace names the rule that stopped the answer to the SYN",
    stage=Stage.BACK,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_rules("the same with tcp sport {port}: " + _READING),
    always=True,
)(_asked(_stopped_back, "the answer"))

rule_seen_later = question(
    "firewall-rule-seen-later",
    Source.KERNEL,
    "the firewall's trace names the rule that stopped what was sent after the handshake",
    stage=Stage.CARRY,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_rules("of a segment behind the handshake, " + _READING),
    always=True,
)(_asked(_stopped_later, "what was sent after the handshake", Label.COMPLETED))


@question(
    "firewall-rule-seen-out",
    Source.KERNEL,
    "the firewall's trace names the rule that stopped a SYN to the target on its way out",
    stage=Stage.OUT,
    if_yes=Says.STOPPED,
    direct=True,
    by_hand=in_rules(_READING + "; the packet has oif and no iif"),
    always=True,
)
def rule_seen_out(view: KernelView) -> Reply:
    """Ask of SYNs that the capture need not have."""
    if untold := _untold(view):
        return unknown(untold)
    if walks := _stopped_out(view):
        return yes(_said(view, walks))
    trace = view.record.firewall
    if trace is None or trace.incomplete:
        return unknown(trace.incomplete if trace else "")
    return no("no rule was seen to stop a SYN on its way out")


@question(
    "firewall-seen-rejecting",
    Source.KERNEL,
    "the rule that the firewall's trace names answers what it discards",
    by_hand=in_rules("the rule has the word reject: yes"),
    always=True,
)
def seen_rejecting(view: KernelView) -> Reply:
    """Ask of every packet that a rule was seen to stop."""
    if untold := _untold(view):
        return unknown(untold)
    walks = _stopped_out(view)
    for each in (*_of_view(view), *_of_view(view, Label.COMPLETED)):
        walks += [walk for walk in each.walks if walk.stop is not None]
    if not walks:
        return unknown("no rule was seen to stop anything")
    names = [(walk, _name(view, walk)) for walk in walks]
    rejecting = [name is not None and name.rejects for _, name in names]
    if all(rejecting):
        return yes("the rule answers what it discards")
    trace = view.record.firewall
    if any(rejecting) or (trace is not None and trace.unnamed):
        return unknown((trace and trace.unnamed) or "one rule rejects, and another one drops")
    if any(walk.at is not None and walk.at.handle and name is None for walk, name in names):
        return unknown("the rules could not be named")
    return no("the rule answers nothing")


@question(
    "firewall-seen-passing",
    Source.KERNEL,
    "the firewall's trace shows that every chain let the attempts' packets pass",
    stage=Stage.IN,
    if_yes=Says.PASSED,
    direct=True,
    by_hand=in_rules(
        "a chain of your own at hook input with a priority behind all others shows the packet: yes"
    ),
    always=True,
)
def seen_passing(view: KernelView) -> Reply:
    """Ask of all attempts that failed; of those that completed the trace need not have every packet."""
    seen = _of_view(view)
    because = _untold(view) or ("" if seen else NOTHING_FAILED)
    if because:
        return unknown(because)
    stopped = [*_stopped_out(view), *(walk for each in seen for walk in each.walks if walk.stop is not None)]
    if stopped:
        return no(_said(view, stopped))
    because = _incomplete(view) or next(filter(None, (_not_through(view, each) for each in seen)), "")
    return unknown(because) if because else yes("every chain let the SYN pass, up to the TCP stack")


def _incomplete(view: KernelView) -> str:
    """Return why packets of the attempts may be missing in the trace; empty where none are."""
    trace = view.record.firewall
    if trace is None or trace.incomplete:
        return trace.incomplete if trace else "there is no trace"
    if any(group.label is Label.COMPLETED for group in view.groups):
        return "some attempts completed, and not every packet of theirs was traced"
    if any(group.count > len(group.examples) for group in view.groups):
        return "not every attempt is at hand"
    return ""


def _not_through(view: KernelView, seen: _Traced) -> str:
    """Return why an attempt's packets are not known to have come to the TCP stack; empty where they are."""
    if not any(_INPUT in walk.passed for walk in seen.syns):
        return _nowhere(view, seen)
    if not seen.answers and seen.attempt.label is not Label.HALF_OPEN:
        return ""
    if not any(_INPUT in walk.passed for walk in seen.answers):
        return "the answer to the SYN was not seen to come through"
    return ""
