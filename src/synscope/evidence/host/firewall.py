"""Questions about firewall rules, and about what stands between the client and the port."""

from __future__ import annotations

from collections.abc import Iterator

from synscope.evidence.host.host_view import Sight, joined, no, unknown, yes
from synscope.evidence.packets.view import Verdict as Answered
from synscope.model import Endpoint
from synscope.probes.host.snapshot import PacketKind, RuleVerdict, Ruling, Untold
from synscope.reference.programs import BALANCERS, FORWARDERS, WEB_SERVERS

_OBJECTS = {
    PacketKind.SYN: "the SYN to {end}",
    PacketKind.ANSWER: "the answer of {end}",
    PacketKind.DATA: "what the client sends to {end}",
    PacketKind.REPLY: "what {end} sends to the client",
}


def firewall_rule_drops(sight: Sight) -> Answered:
    """Whether a rule or policy discards a packet of the connection."""
    return _stops(sight, RuleVerdict.DROP)


def firewall_rule_rejects(sight: Sight) -> Answered:
    """Whether a rule answers a packet of the connection with a reset or an ICMP error."""
    return _stops(sight, RuleVerdict.REJECT)


def _stops(sight: Sight, verdict: RuleVerdict) -> Answered:
    rulings = list(_rulings(sight))
    hits = [one for one in rulings if one.verdict is verdict]
    if hits:
        return yes(joined(describe(one, _counted(sight, one)) for one in hits))
    doubt = _doubt(sight, rulings)
    return unknown(doubt) if doubt else no("no rule that matches does so")


def no_firewall_rule(sight: Sight) -> Answered:
    """Whether the whole ruleset was seen, and lets every packet of the connection through."""
    rulings = list(_rulings(sight))
    hits = [one for one in rulings if one.verdict not in {RuleVerdict.ACCEPT, RuleVerdict.UNKNOWN}]
    if hits:
        return no(joined(describe(one, _counted(sight, one)) for one in hits))
    doubt = _doubt(sight, rulings)
    if doubt:
        return unknown(doubt)
    passed = joined(f"'{one.rule}' in {one.place}" for one in rulings if one.rule)
    return yes("the firewall lets it pass" + (f" by {passed}" if passed else ": no rule matches"))


def _rulings(sight: Sight) -> Iterator[Ruling]:
    """Every look's rulings on the target, the last look first."""
    for snapshot in reversed(sight.snapshots):
        if not isinstance(snapshot.firewall, Untold):
            for one in snapshot.firewall.rulings:
                if one.port == sight.target.port and one.address in sight.addresses:
                    yield one


def _doubt(sight: Sight, rulings: list[Ruling]) -> str:
    """Why the rules are not known to let the connection pass; empty when they are."""
    _, because = sight.told(one.firewall for one in sight.snapshots)
    if because:
        return because
    unclear = next((one for one in rulings if one.verdict is RuleVerdict.UNKNOWN), None)
    if unclear is not None:
        where = f" in {unclear.place}" if unclear.place else ""
        return f"{unclear.because}{where}"
    unasked = set(sight.addresses) - {one.address for one in rulings}
    if unasked:
        return f"the rules were not asked about {min(unasked)}, port {sight.target.port}"
    return ""


def _counted(sight: Sight, ruling: Ruling) -> int | None:
    """By how much the rule's counter rose from the first look that has it to the last."""
    same = [
        one.packets
        for one in _rulings(sight)
        if one._replace(packets=None, rule="") == ruling._replace(packets=None, rule="")
        and _words(one) == _words(ruling)
        and one.packets is not None
    ]
    return max(0, same[0] - same[-1]) if len(same) > 1 else None


def _words(ruling: Ruling) -> list[str]:
    """A rule's words without its counter, which nft prints among them."""
    return [word for word in ruling.rule.split() if not word.isdigit()]


def describe(ruling: Ruling, rose: int | None = None) -> str:
    """Return a ruling in words: ``nft rule 'tcp dport 8080 drop' in inet filter input drops the SYN, counter +3``."""
    end = Endpoint(ruling.address, ruling.port)
    what = _OBJECTS[ruling.packet].format(end=end)
    how = f" with {ruling.how}" if ruling.verdict is RuleVerdict.REJECT and ruling.how else ""
    how = f" to {ruling.how}" if ruling.verdict is RuleVerdict.REDIRECT and ruling.how else how
    counter = f", counter +{rose}" if rose is not None else ""
    if not counter and ruling.packets is not None:
        counter = f", counter {ruling.packets}"
    return f"the rule '{ruling.rule}' in {ruling.place} {ruling.verdict}s {what}{how}{counter}"


def container_publishes_port(sight: Sight) -> Answered:
    """Whether a container engine, a forwarder or an address translation has the port."""
    told, because = sight.told(one.forwards for one in sight.snapshots)
    port = sight.target.port
    found = [one for forwards in told for one in forwards.found if one.listen_port == port]
    if found:
        return yes(
            joined(
                f"{one.program}{f' (pid {one.pid})' if one.pid else ''} takes connections to "
                f"{Endpoint(one.listen_address, port)} and passes them on to {one.target}"
                for one in found
            )
        )
    redirects = [one for one in _rulings(sight) if one.verdict is RuleVerdict.REDIRECT]
    if redirects:
        return yes(joined(describe(one) for one in redirects))
    owners = sight.programs()
    publishing = [f"{program} (pid {pid})" for program, pid in owners if program in FORWARDERS]
    if publishing:
        return yes(f"{joined(publishing)} has the port, and publishes ports of containers or machines")
    if owners and all(program in BALANCERS | WEB_SERVERS for program, _ in owners):
        return no(f"{joined(f'{program} (pid {pid})' for program, pid in owners)} has the port itself")
    unasked = [text for forwards in told for text in forwards.unasked]
    if because or unasked or not told:
        return unknown(because or joined(unasked))
    return no("no container engine and no forwarder that is known here has the port")
