"""Firewall rules of any origin in one form, and the walk of a packet through them.

Input: a ``Ruleset`` made by ``nft`` and ``iptables``, and an ``AskedPacket``. Output: a ``snapshot.Ruling``. A test
whose result is not known splits the walk: the verdict stands only when every way ends in the same one. The walk is
bounded, for a ruleset may be of any size and shape.

Sources: nft(8) "CHAINS" (hooks, priorities, what a verdict ends); the order of the hooks for a packet that this
machine sends to itself: output, postrouting, prerouting, input, with address translation in output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from synscope.probes.host.asked_packet import AskedPacket, Test, all_of
from synscope.probes.host.snapshot import PacketKind, RuleVerdict, Ruling

HOOKS: Final = ("output", "postrouting", "prerouting", "input")
_DEEPEST: Final = 16
"""Jumps in jumps; the kernel allows as many (NFT_JUMP_STACK_SIZE)."""
_MOST_STEPS: Final = 50_000
LONGEST_RULE: Final = 300


class Action(NamedTuple):
    """What a rule does once it matches. ``kind``: a verdict, ``jump``, ``goto``, ``return``, ``mark``, ``state``."""

    kind: str
    detail: str = ""
    """The target chain, how it rejects, or where it redirects to."""


class Branch(NamedTuple):
    """Tests that must all hold, and what happens then. ``None``: nothing that matters here."""

    tests: tuple[Test, ...]
    action: Action | None


class Rule(NamedTuple):
    """One rule; a verdict map gives it several branches, of which the first that matches counts."""

    text: str
    branches: tuple[Branch, ...]
    packets: int | None = None
    strange: str = ""
    """The expression that could not be understood."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A chain; a base chain has a hook."""

    place: str
    rules: list[Rule] = field(default_factory=list)
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    policy_packets: int | None = None
    translates: bool = False
    """A chain of type ``nat``: only a connection's first packet passes it."""
    families: frozenset[bool] = frozenset({False, True})
    """Whether it sees IPv6 (True) or IPv4 (False)."""


@dataclass(slots=True)
class Ruleset:
    """All chains. ``chains`` has those of one table under the same first key."""

    chains: dict[tuple[str, str], Chain] = field(default_factory=dict)
    missing: str = ""
    """Why this is not the whole ruleset; empty when it is."""


class End(NamedTuple):
    """One way in which a walk can end."""

    verdict: RuleVerdict
    how: str = ""
    rule: Rule | None = None
    chain: Chain | None = None


class _Fall(NamedTuple):
    """The walk came to the end of a chain, or to a return."""


class _At(NamedTuple):
    """Where a walk is."""

    table: str
    chain: Chain
    depth: int


_FALL: Final = _Fall()
_Way = End | _Fall


class TooLongError(Exception):
    """The walk needs more steps than it may take."""


def judge(ruleset: Ruleset, packet: AskedPacket) -> Ruling:
    """Return what the rules do with the packet."""
    walk = _Walk(ruleset, packet)
    try:
        ends = list(walk.through())
    except TooLongError:
        return _ruling(packet, End(RuleVerdict.UNKNOWN), because="the rules are too many to follow")
    verdicts = {end.verdict for end in ends}
    if len(verdicts) == 1:
        found = ends[0]
        if found.verdict is RuleVerdict.ACCEPT and ruleset.missing:
            return _ruling(packet, End(RuleVerdict.UNKNOWN), because=ruleset.missing)
        return _ruling(
            packet, found, because=_strange(found.rule) if found.verdict is RuleVerdict.UNKNOWN else ""
        )
    other = next(end for end in ends if end.verdict is not RuleVerdict.ACCEPT)
    because = f"whether it applies could not be told: {_strange(walk.doubtful)}"
    return _ruling(packet, other._replace(verdict=RuleVerdict.UNKNOWN), because=because)


def _strange(rule: Rule | None) -> str:
    if rule is None:
        return "unknown expression"
    return f"{rule.strange or 'it depends on what is not known'} in '{rule.text[:LONGEST_RULE]}'"


def _ruling(packet: AskedPacket, end: End, because: str) -> Ruling:
    chain, rule = end.chain, end.rule
    policy = chain is not None and rule is None and end.verdict is not RuleVerdict.UNKNOWN
    return Ruling(
        address=packet.server,
        port=packet.port,
        packet=packet.kind,
        verdict=end.verdict,
        how=end.how,
        rule=rule.text[:LONGEST_RULE] if rule else f"policy {chain.policy}" if policy and chain else "",
        place=chain.place if chain else "",
        packets=rule.packets if rule else chain.policy_packets if policy and chain else None,
        because=because,
    )


class _Walk:
    """One packet's way; what rules do to it (marks, tracking) is remembered."""

    def __init__(self, ruleset: Ruleset, packet: AskedPacket) -> None:
        self._ruleset = ruleset
        self._packet = packet
        self._steps = 0
        self.doubtful: Rule | None = None
        """The first rule of which it could not be told whether it matches."""

    def through(self) -> Iterator[End]:
        """Yield every way in which the walk can end."""
        accepted: End | None = None
        for hook in HOOKS:
            self._packet = self._packet._replace(hook=hook)
            for key, chain in self._at(hook):
                ends = self._base(key[0], chain)
                yield from (end for end in ends if end.verdict is not RuleVerdict.ACCEPT)
                passing = [end for end in ends if end.verdict is RuleVerdict.ACCEPT]
                if not passing:
                    return
                accepted = next((end for end in passing if end.rule is not None), accepted)
        yield accepted or End(RuleVerdict.ACCEPT)

    def _at(self, hook: str) -> Sequence[tuple[tuple[str, str], Chain]]:
        found = [
            (key, chain)
            for key, chain in self._ruleset.chains.items()
            if chain.hook == hook and self._packet.ipv6 in chain.families and self._passes(chain)
        ]
        return sorted(found, key=lambda keyed: keyed[1].priority)

    def _passes(self, chain: Chain) -> bool:
        return not chain.translates or (self._packet.kind is PacketKind.SYN and chain.hook == "output")

    def _base(self, table: str, chain: Chain) -> list[End]:
        policy = End(RuleVerdict.DROP if chain.policy == "drop" else RuleVerdict.ACCEPT, chain=chain)
        ways = self._chain(table, chain, 0)
        return [policy if isinstance(way, _Fall) else way for way in ways]

    def _chain(self, table: str, chain: Chain, depth: int) -> list[_Way]:
        """Return every way in which a chain can end; ``_FALL`` stands for coming out at its end."""
        ways: list[_Way] = []
        for rule in chain.rules:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise TooLongError
            certain, ended = self._rule(_At(table, chain, depth), rule)
            ways += ended
            if certain:
                return ways
        return [*ways, _FALL]

    def _rule(self, at: _At, rule: Rule) -> tuple[bool, list[_Way]]:
        """Return whether the walk ends at this rule whatever happens, and how it can end there."""
        ways: list[_Way] = []
        for branch in rule.branches:
            truth = all_of(test(self._packet) for test in branch.tests)
            if truth is False:
                continue
            if truth is None and branch.action is not None and self.doubtful is None:
                self.doubtful = rule
            ended, goes_on = self._act(at, rule, branch.action, certain=truth is True)
            ways += ended
            if truth:
                return not goes_on, ways
        return False, ways

    def _act(self, at: _At, rule: Rule, action: Action | None, *, certain: bool) -> tuple[list[_Way], bool]:
        """Return how the walk can end by this action, and whether it can go on behind it."""
        if action is None:
            return [], True
        if action.kind in {"mark", "state"}:
            self._change(action, certain=certain)
            return [], True
        if action.kind == "return":
            return [_FALL], False
        if action.kind in {"jump", "goto"}:
            return self._jump(at, action)
        return [End(RuleVerdict(action.kind), action.detail, rule, at.chain)], False

    def _jump(self, at: _At, action: Action) -> tuple[list[_Way], bool]:
        target = self._ruleset.chains.get((at.table, action.detail))
        if target is None or at.depth >= _DEEPEST:
            return [End(RuleVerdict.UNKNOWN)], True
        ways = self._chain(at.table, target, at.depth + 1)
        if action.kind == "goto":
            return ways, False
        return [way for way in ways if isinstance(way, End)], _FALL in ways

    def _change(self, action: Action, *, certain: bool) -> None:
        if action.kind == "mark":
            known = certain and action.detail.isdigit()
            self._packet = self._packet._replace(mark=int(action.detail) if known else None)
        else:
            self._packet = self._packet._replace(state=action.detail if certain else None)
