"""Rules as ``iptables-save -c`` and ``ip6tables-save -c`` print them.

Input: that output and its family. Output: chains of a ``rules.Ruleset``. An option or module that is not known
makes a test that cannot be told. Sources: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from synscope.model import PORT_MAX
from synscope.probes.host.asked_packet import (
    FLAGS,
    INPUT_SIDE,
    SYN,
    AskedPacket,
    Span,
    Test,
    Truth,
    any_of,
    interface_matches,
    invert,
    within,
)
from synscope.probes.host.rules import Action, Branch, Chain, Rule, Ruleset
from synscope.probes.host.snapshot import RuleVerdict

_PRIORITY: Final = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_HOOK: Final = {"INPUT", "OUTPUT", "PREROUTING", "POSTROUTING"}
_POLICY = re.compile(r":(\S+) (\S+)(?: \[(\d+):\d+\])?")
_RULE = re.compile(r"(?:\[(\d+):\d+\] )?-A (\S+) ?(.*)")
_REJECTS: Final = {"tcp-reset": "tcp reset"}
_QUIET_TARGETS: Final = frozenset(
    {
        "LOG",
        "NFLOG",
        "ULOG",
        "AUDIT",
        "TRACE",
        "CT",
        "CONNMARK",
        "CONNSECMARK",
        "SECMARK",
        "TCPMSS",
        "TTL",
        "HL",
    }
    | {
        "MASQUERADE",
        "SNAT",
        "DSCP",
        "TOS",
        "CHECKSUM",
        "CLASSIFY",
        "SET",
        "TPROXY",
        "TEE",
        "NETMAP",
        "RATEEST",
    }
)
_SILENT_MODULES: Final = frozenset({"tcp", "comment", "conntrack", "state", "multiport", "addrtype", "mark"})
"""Modules all of whose effect is in their options."""
_NO_ARGUMENT: Final = frozenset({"--syn"})
_FREE_TEXT: Final = frozenset({"--comment", "--log-prefix", "--nflog-prefix", "--string"})


def parse(output: str, *, ipv6: bool) -> Ruleset:
    """Return the chains of every table in the output."""
    found = Ruleset()
    table = ""
    family = "ip6tables" if ipv6 else "iptables"
    for line in output.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif (policy := _POLICY.match(line)) is not None:
            key = f"{family} {table}"
            found.chains[key, policy[1]] = _chain(key, table, policy, ipv6=ipv6)
        elif (rule := _RULE.match(line)) is not None:
            chain = found.chains.get((f"{family} {table}", rule[2]))
            if chain is not None:
                chain.rules.append(_rule(rule, ipv6=ipv6))
    return found


def tables(output: str) -> frozenset[str]:
    """Return the names of the tables in the output."""
    return frozenset(line[1:].strip() for line in output.splitlines() if line.startswith("*"))


def _chain(key: str, table: str, policy: re.Match[str], *, ipv6: bool) -> Chain:
    name = policy[1]
    return Chain(
        place=f"{key} {name}",
        hook=name.lower() if name in _HOOK and policy[2] != "-" else "",
        priority=_PRIORITY.get(table, 0),
        policy=policy[2].lower(),
        policy_packets=int(policy[3]) if policy[3] else None,
        translates=table == "nat",
        families=frozenset({ipv6}),
    )


def _rule(match: re.Match[str], *, ipv6: bool) -> Rule:
    text = match[3]
    packets = int(match[1]) if match[1] else None
    try:
        words = shlex.split(text)
    except ValueError:
        doubt = Branch((lambda _: None,), Action(RuleVerdict.UNKNOWN))
        return Rule(text, (doubt,), packets, "quotes that do not match")
    options = _IptablesOptions(words, ipv6=ipv6)
    return Rule(f"-A {match[2]} {text}", options.branches(), packets, options.strange)


class _IptablesOptions:
    """Turns the words of one rule into tests and an action."""

    def __init__(self, words: Sequence[str], *, ipv6: bool) -> None:
        self._words = list(words)
        self._ipv6 = ipv6
        self._target: Action | None = None
        self._known_target = ""
        self.strange = ""

    def branches(self) -> tuple[Branch, ...]:
        """Read the rule."""
        tests: list[Test] = []
        while self._words:
            negated = self._words[0] == "!"
            if negated:
                del self._words[0]
            option = self._words.pop(0) if self._words else ""
            test = self._option(option, self._arguments(option))
            if test is not None:
                tests.append(_inverted(test) if negated else test)
        return (Branch(tuple(tests), self._target),)

    def _arguments(self, option: str) -> list[str]:
        """Take the words up to the next option; ``!`` belongs to that."""
        # Free text may look like options.
        found = [self._words.pop(0)] if option in _FREE_TEXT and self._words else []
        while self._words and self._words[0] != "!" and not self._words[0].startswith("-"):
            found.append(self._words.pop(0))
        return found

    def _option(self, option: str, arguments: list[str]) -> Test | None:
        if option in {"-j", "-g"}:
            self._jump(option, arguments[0] if arguments else "")
            return None
        if option == "-m" and arguments[:1] and arguments[0] in _SILENT_MODULES:
            return None
        if option in _OF_TARGET and self._known_target:
            self._refine(option, arguments)
            return None
        if self._known_target or option == "--comment":
            return None
        maker = _TESTS.get(option)
        test = maker(arguments) if maker is not None and (arguments or option in _NO_ARGUMENT) else None
        if test is None:
            self.strange = self.strange or f"'{' '.join((option, *arguments))[:80]}'"
            return lambda _: None
        return test

    def _jump(self, option: str, target: str) -> None:
        self._known_target = target
        known: dict[str, Action | None] = {
            "ACCEPT": Action(RuleVerdict.ACCEPT),
            "DROP": Action(RuleVerdict.DROP),
            "REJECT": Action(RuleVerdict.REJECT, "icmp port-unreachable"),
            "RETURN": Action("return"),
            "DNAT": Action(RuleVerdict.REDIRECT),
            "REDIRECT": Action(RuleVerdict.REDIRECT, "this machine"),
            "MARK": Action("mark", "?"),
            "NOTRACK": Action("state", "untracked"),
            "NFQUEUE": Action(RuleVerdict.UNKNOWN, "queue to a program"),
            "QUEUE": Action(RuleVerdict.UNKNOWN, "queue to a program"),
            "SYNPROXY": Action(RuleVerdict.UNKNOWN, "synproxy"),
            **dict.fromkeys(_QUIET_TARGETS),
        }
        own = Action("goto" if option == "-g" else "jump", target)
        self._target = known.get(target, own)

    def _refine(self, option: str, arguments: list[str]) -> None:
        value = arguments[0] if arguments else ""
        if option == "--notrack":
            self._target = Action("state", "untracked")
        elif option == "--reject-with":
            self._target = Action(RuleVerdict.REJECT, _REJECTS.get(value, value))
        elif self._target is not None and self._target.kind == RuleVerdict.REDIRECT:
            self._target = Action(RuleVerdict.REDIRECT, f"port {value}" if option == "--to-ports" else value)


_OF_TARGET: Final = frozenset({"--reject-with", "--to-destination", "--to-ports", "--notrack"})


def _inverted(test: Test) -> Test:
    return lambda packet: invert(test(packet))


def _protocol(arguments: list[str]) -> Test:
    return lambda _: arguments[0].lower() in {"tcp", "6", "all", "0"}


def _address(of: Callable[[AskedPacket], str]) -> Callable[[list[str]], Test | None]:
    def make(arguments: list[str]) -> Test | None:
        try:
            networks = [ipaddress.ip_network(network, strict=False) for network in arguments[0].split(",")]
        except ValueError:
            return None
        return lambda packet: any(ipaddress.ip_address(of(packet)) in network for network in networks)

    return make


def _ports(*of: Callable[[AskedPacket], Span]) -> Callable[[list[str]], Test | None]:
    def make(arguments: list[str]) -> Test | None:
        spans = [_span(ports) for ports in arguments[0].split(",")]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans):
            return None

        def test(packet: AskedPacket) -> Truth:
            return any_of(within(port(packet), *span) for port in of for span in known)

        return test

    return make


def _span(text: str) -> Span | None:
    low, colon, high = text.partition(":")
    if not (low.isdigit() or (colon and not low)) or not (high.isdigit() or not high):
        return None
    first = int(low or 0)
    return Span(first, int(high or PORT_MAX) if colon else first)


def _interface(*, incoming: bool) -> Callable[[list[str]], Test]:
    def make(arguments: list[str]) -> Test:
        return lambda packet: (
            (packet.hook in INPUT_SIDE) is incoming and interface_matches("lo", arguments[0], "+")
        )

    return make


def _flags(arguments: list[str]) -> Test | None:
    if len(arguments) < 2:  # noqa: PLR2004 - the mask and what must be set
        return None
    mask, wanted = (_bits(names) for names in arguments[:2])
    if mask is None or wanted is None:
        return None
    return lambda packet: packet.flags & mask == wanted


def _bits(text: str) -> int | None:
    if text in {"NONE", "ALL"}:
        return 0 if text == "NONE" else 0x3F
    names = text.lower().split(",")
    return sum(FLAGS[name] for name in set(names)) if set(names) <= FLAGS.keys() else None


def _syn(_: list[str]) -> Test:
    return lambda packet: packet.flags == SYN


def _state(arguments: list[str]) -> Test:
    states = {state.lower() for state in arguments[0].split(",")}
    return lambda packet: None if packet.state is None else packet.state in states


def _direction(arguments: list[str]) -> Test:
    return lambda packet: packet.is_answer is (arguments[0].upper() == "REPLY")


def _kind(arguments: list[str]) -> Test:
    return lambda _: "LOCAL" in arguments[0].upper().split(",")


def _mark(arguments: list[str]) -> Test | None:
    value, _, mask = arguments[0].partition("/")
    try:
        wanted, bits = int(value, 0), int(mask or "0xffffffff", 0)
    except ValueError:
        return None
    return lambda packet: None if packet.mark is None else packet.mark & bits == wanted


def _source_port(packet: AskedPacket) -> Span:
    return packet.source_port


def _destination_port(packet: AskedPacket) -> Span:
    return packet.destination_port


_TESTS: Final[dict[str, Callable[[list[str]], Test | None]]] = {
    "-p": _protocol,
    "-s": _address(lambda packet: packet.source),
    "-d": _address(lambda packet: packet.destination),
    "-i": _interface(incoming=True),
    "-o": _interface(incoming=False),
    "--sport": _ports(_source_port),
    "--sports": _ports(_source_port),
    "--dport": _ports(_destination_port),
    "--dports": _ports(_destination_port),
    "--ports": _ports(_source_port, _destination_port),
    "--tcp-flags": _flags,
    "--syn": _syn,
    "--ctstate": _state,
    "--state": _state,
    "--ctdir": _direction,
    "--dst-type": _kind,
    "--src-type": _kind,
    "--mark": _mark,
}
