"""Questions about firewall rules, and about what stands between the client and the port."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from synscope.evidence.by_hand import of_firewall
from synscope.evidence.host.view import HostView, is_untold, joined
from synscope.evidence.question import Reply, Says, no, question, unknown, yes
from synscope.model import Endpoint, Source, Stage

if TYPE_CHECKING:
    from synscope.probes.host.snapshot import RuleVerdict, Ruling


_RISES: Final = "; a counter that rises with the failure proves it"


@question(
    "firewall-rule-drops",
    Source.HOST,
    "a firewall rule drops packets to the target",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=of_firewall(
        "a rule or policy that drops, and that {port} meets before one that accepts: yes" + _RISES
    ),
)
def firewall_rule_drops(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import RuleVerdict

    return _stops(view, RuleVerdict.DROP)


@question(
    "firewall-rule-rejects",
    Source.HOST,
    "a firewall rule rejects packets to the target",
    stage=Stage.IN,
    if_yes=Says.STOPPED,
    by_hand=of_firewall("a rule that rejects, and that {port} meets before one that accepts: yes" + _RISES),
)
def firewall_rule_rejects(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import RuleVerdict

    return _stops(view, RuleVerdict.REJECT)


def _stops(view: HostView, verdict: RuleVerdict) -> Reply:
    rulings = list(rulings_on(view))
    hits = [ruling for ruling in rulings if ruling.verdict is verdict]
    met = [ruling for ruling in hits if not _stood_still(view, ruling)]
    if met:
        # Those that were seen to count first.
        met.sort(key=lambda ruling: not _counted(view, ruling))
        return yes(joined(describe(ruling, _counted(view, ruling)) for ruling in _each_rule_once(met)))
    if hits:
        return no(joined(map(_unmet, hits)))
    doubt = _doubt(view, rulings)
    return unknown(doubt) if doubt else no("no rule that matches does so")


@question(
    "no-firewall-rule",
    Source.HOST,
    "no firewall rule matches the target",
    stage=Stage.IN,
    if_yes=Says.PASSED,
    by_hand=of_firewall("no rule or policy that stops {port}, whole ruleset read: yes"),
    belied_by="kernel-says-netfilter-drop",
)
def no_firewall_rule(view: HostView) -> Reply:
    from synscope.probes.host.snapshot import RuleVerdict

    rulings = list(rulings_on(view))
    hits = [ruling for ruling in rulings if ruling.verdict not in {RuleVerdict.ACCEPT, RuleVerdict.UNKNOWN}]
    if hits and all(_stood_still(view, ruling) for ruling in hits):
        return unknown(joined(map(_unmet, hits)))
    if hits:
        return no(joined(describe(ruling, _counted(view, ruling)) for ruling in hits))
    doubt = _doubt(view, rulings)
    if doubt:
        return unknown(doubt)
    passed = joined(f"'{ruling.rule}' in {ruling.place}" for ruling in rulings if ruling.rule)
    return yes("the firewall lets it pass" + (f" by {passed}" if passed else ": no rule matches"))


def rulings_on(view: HostView) -> Iterator[Ruling]:
    """Every look's rulings on the target, the last look first."""
    for snapshot in reversed(view.snapshots):
        if not is_untold(snapshot.firewall):
            for ruling in snapshot.firewall.rulings:
                if ruling.port == view.target.port and ruling.address in view.addresses:
                    yield ruling


def _doubt(view: HostView, rulings: list[Ruling]) -> str:
    """Return why the rules are not known to let the connection pass; empty when they are."""
    from synscope.probes.host.snapshot import RuleVerdict

    _, because = view.told(snapshot.firewall for snapshot in view.snapshots)
    if because:
        return because
    unclear = next((ruling for ruling in rulings if ruling.verdict is RuleVerdict.UNKNOWN), None)
    if unclear is not None:
        where = f" in {unclear.place}" if unclear.place else ""
        return f"{unclear.because}{where}"
    unasked = set(view.addresses) - {ruling.address for ruling in rulings}
    if unasked:
        return f"the rules were not asked about {min(unasked)}, port {view.target.port}"
    return ""


def _counted(view: HostView, ruling: Ruling) -> int | None:
    """Return by how much the rule's counter rose from the first look that has it to the last.

    ``None`` where two looks do not have it, or it was set back.
    """
    same = [other.packets for other in rulings_on(view) if _same(other, ruling) and other.packets is not None]
    return same[0] - same[-1] if len(same) > 1 and same[0] >= same[-1] else None


def _stood_still(view: HostView, ruling: Ruling) -> bool:
    """Whether a rule that should have met a SYN did not: its counter is the same before the failures and after.

    A counter stands before the verdict, but for a map's: a rule that came to its verdict has counted.
    """
    from synscope.probes.host.snapshot import PacketKind

    within, first, last = view.failed_within, view.snapshots[0], view.last
    return (
        within is not None
        and ruling.packet is PacketKind.SYN
        and "vmap" not in ruling.rule.split()
        and first.taken_ns + first.duration_ns <= within[0]
        and within[1] <= last.taken_ns
        and not (is_untold(first.firewall) or is_untold(last.firewall))
        and ruling in last.firewall.rulings
        and _in_every_look(view, ruling)
        and _counted(view, ruling) == 0
    )


def _in_every_look(view: HostView, ruling: Ruling) -> bool:
    """Whether every look has the same rule with a counter: one that was made anew would count from the start."""
    found = [
        any(_same(other, ruling) and other.packets is not None for other in snapshot.firewall.rulings)
        for snapshot in view.snapshots
        if not is_untold(snapshot.firewall)
    ]
    return all(found)


def _each_rule_once(rulings: Iterable[Ruling]) -> Iterator[Ruling]:
    """Yield of each rule and address only what it does first: to the SYN, where it stops that."""
    seen = set()
    for ruling in rulings:
        key = (ruling.address, ruling.place, tuple(_words(ruling)))
        if key not in seen:
            seen.add(key)
            yield ruling


def _same(one: Ruling, other: Ruling) -> bool:
    """Whether two rulings are of the same rule, whatever it has counted: nft prints the counter among its words."""
    return one._replace(packets=None, rule="") == other._replace(packets=None, rule="") and (
        _words(one) == _words(other)
    )


def _words(ruling: Ruling) -> list[str]:
    return [word for word in ruling.rule.split() if not word.isdigit()]


def _unmet(ruling: Ruling) -> str:
    rule = f"the rule '{ruling.rule}' in {ruling.place}"
    return f"{rule} would stop it, but its counter stood still while attempts failed"


def describe(ruling: Ruling, rose: int | None = None) -> str:
    """Return a ruling in words: ``nft rule 'tcp dport 8080 drop' in inet filter input drops the SYN, counter +3``."""
    from synscope.probes.host.snapshot import PacketKind, RuleVerdict

    end = Endpoint(ruling.address, ruling.port)
    what = {
        PacketKind.SYN: f"the SYN to {end}",
        PacketKind.ANSWER: f"the answer of {end}",
        PacketKind.DATA: f"what the client sends to {end}",
        PacketKind.REPLY: f"what {end} sends to the client",
    }[ruling.packet]
    how = f" with {ruling.how}" if ruling.verdict is RuleVerdict.REJECT and ruling.how else ""
    how = f" to {ruling.how}" if ruling.verdict is RuleVerdict.REDIRECT and ruling.how else how
    counter = f", counter +{rose}" if rose is not None else ""
    if not counter and ruling.packets is not None:
        counter = f", counter {ruling.packets}"
    return f"the rule '{ruling.rule}' in {ruling.place} {ruling.verdict}s {what}{how}{counter}"
