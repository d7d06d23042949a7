"""Rules as pf's ``pfctl -sr`` prints them (macOS, BSD).

Input: the output of ``pfctl -s info``, ``pfctl -s Interfaces -v`` and ``pfctl -a '*' -sr``. Output: what pf does
with a SYN over the loopback interface. The last rule that matches decides, unless one says ``quick``; a rule
that passes keeps state, so the rest of the connection passes with it. Source: pf.conf(5), pfctl(8).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from typing import Final, NamedTuple

from synscope.model import PORT_MAX
from synscope.probes.host.asked_packet import AskedPacket, Span, Truth, all_of, within
from synscope.probes.host.snapshot import PacketKind, RuleVerdict, Ruling

_RULE = re.compile(
    r"(?P<action>pass|block)(?: (?P<how>drop|return-rst|return-icmp6?|return)(?:\([^)]*\))?)?"
    r"(?: (?P<direction>in|out))?(?: log(?: \([^)]*\))?)?(?P<quick> quick)?(?: on (?P<on>!? ?\S+))?"
    r"(?: (?P<family>inet6?))?(?: proto (?P<proto>\S+))?"
    r"(?: all| from (?P<source>.+?) to (?P<target>.+?))"
    r"(?: flags (?P<flags>\S+))?(?P<rest>(?: (?:keep|modulate|synproxy|no) state| user .*| group .*|"
    r" label .*| rtable .*| probability .*| tag .*| fragment.*| allow-opts)*)"
)
_SIDE = re.compile(r"(?P<not>! ?)?(?P<host>any|<\S+>|\S+)?(?: ?port (?P<op>=|!=|<=|>=|<|>)? ?(?P<port>\S+))?")
_LOOPBACK: Final = ("lo0", "lo")


class _Rule(NamedTuple):
    """One rule, as its parts."""

    text: str
    parts: re.Match[str] | None


class Pf(NamedTuple):
    """What pf is set to."""

    enabled: bool
    skips_loopback: bool
    rules: tuple[str, ...]


def parse(info: str, interfaces: str, rules: str) -> Pf:
    """Read the three outputs."""
    return Pf(
        enabled="Status: Enabled" in info,
        skips_loopback=re.search(r"^lo0? \(skip\)", interfaces, re.MULTILINE) is not None,
        rules=tuple(line.strip() for line in rules.splitlines() if line.strip()),
    )


def judge(pf: Pf, packet: AskedPacket) -> Ruling:
    """Return what pf does with a SYN that goes out and comes in over loopback."""
    if not pf.enabled or pf.skips_loopback:
        return Ruling(packet.server, packet.port, packet.kind, RuleVerdict.ACCEPT)
    for direction in ("out", "in"):
        ruling = _last_match(pf, packet, direction)
        if ruling.verdict is not RuleVerdict.ACCEPT:
            return ruling
    return Ruling(packet.server, packet.port, packet.kind, RuleVerdict.ACCEPT)


def _last_match(pf: Pf, packet: AskedPacket, direction: str) -> Ruling:
    found = Ruling(packet.server, packet.port, packet.kind, RuleVerdict.ACCEPT)
    for rule in _rules(pf):
        truth = None if rule.parts is None else _matches(rule.parts, packet, direction)
        if truth is False:
            continue
        before, found = found, _ruling(packet, rule)
        if truth is None and (found.verdict is not before.verdict or rule.parts is None):
            because = f"whether it applies could not be told: '{rule.text[:200]}'"
            found = found._replace(verdict=RuleVerdict.UNKNOWN, because=because)
        if truth and rule.parts is not None and rule.parts["quick"]:
            break
    return found


def _rules(pf: Pf) -> Iterator[_Rule]:
    for text in pf.rules:
        if text == "}" or re.match(r'anchor "[^"]*" all \{', text) or text.startswith(("scrub", "#")):
            continue  # the rules of an anchor for all packets stand between its braces
        yield _Rule(text, _RULE.fullmatch(text))


def _ruling(packet: AskedPacket, rule: _Rule) -> Ruling:
    found = Ruling(
        packet.server, packet.port, packet.kind, RuleVerdict.UNKNOWN, rule=rule.text[:300], place="pf"
    )
    if rule.parts is None:
        return found
    if rule.parts["action"] == "pass":
        return found._replace(verdict=RuleVerdict.ACCEPT)
    how = rule.parts["how"] or "drop"
    if how == "drop":
        return found._replace(verdict=RuleVerdict.DROP)
    # ``return`` answers TCP with a reset.
    return found._replace(verdict=RuleVerdict.REJECT, how="icmp" if "icmp" in how else "tcp reset")


def _matches(parts: re.Match[str], packet: AskedPacket, direction: str) -> Truth:
    if parts["direction"] not in {None, direction} or parts["proto"] not in {None, "tcp"}:
        return False
    if parts["family"] not in {None, "inet6" if packet.ipv6 else "inet"}:
        return False
    return all_of(
        (
            _interface(parts["on"]),
            _flags(parts["flags"]),
            _side(parts["source"], packet.source, packet.source_port),
            _side(parts["target"], packet.destination, packet.destination_port),
            None if parts["rest"] and re.search(r"user|group|probability|fragment", parts["rest"]) else True,
        )
    )


def _interface(on: str | None) -> Truth:
    if on is None:
        return True
    return (on.lstrip("! ") in _LOOPBACK) is not on.startswith("!")


def _flags(flags: str | None) -> Truth:
    return True if flags in {None, "any", "S/SA", "S/SAFR"} else None


def _side(text: str | None, address: str, port: Span) -> Truth:
    if text is None:
        return True
    parts = _SIDE.fullmatch(text)
    return None if parts is None else all_of((_host(parts, address), _port(parts, port)))


def _host(parts: re.Match[str], address: str) -> Truth:
    host = parts["host"]
    if host in {None, "any"}:
        return True
    try:
        network = ipaddress.ip_network(host, strict=False)
    except ValueError:  # a table, or a name
        return None
    return (ipaddress.ip_address(address) in network) is not bool(parts["not"])


def _port(parts: re.Match[str], port: Span) -> Truth:
    if parts["port"] is None:
        return True
    low, colon, high = parts["port"].partition(":")
    first, last = _number(low), _number(high) if colon else _number(low)
    if first is None or last is None:
        return None
    spans = {
        "!=": ((0, first - 1), (first + 1, PORT_MAX)),
        "<": ((0, first - 1),),
        "<=": ((0, first),),
        ">": ((first + 1, PORT_MAX),),
        ">=": ((first, PORT_MAX),),
    }
    truths = [within(port, *span) for span in spans.get(parts["op"] or "=", ((first, last),))]
    return True if True in truths else None if None in truths else False


def _number(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    try:
        return socket.getservbyname(text, "tcp")
    except OSError:
        return None


def rulings(pf: Pf, packet: AskedPacket) -> Ruling:
    """Return the ruling on any packet of a connection: what follows a SYN that passes has state."""
    if packet.kind is PacketKind.SYN:
        return judge(pf, packet)
    return Ruling(packet.server, packet.port, packet.kind, RuleVerdict.ACCEPT)
