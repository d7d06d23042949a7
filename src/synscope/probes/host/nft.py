"""Rules as ``nft -j list ruleset`` prints them.

Input: that output, and the text of ``nft -a -t list ruleset`` for the words of the rules. Output: chains of a
``rules.Ruleset``. What is not understood makes a test that cannot be told. Source: libnftables-json(5).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from synscope.probes.host.asked_packet import (
    FLAGS,
    INPUT_SIDE,
    AskedPacket,
    Span,
    Test,
    Truth,
    all_of,
    any_of,
    interface_matches,
    invert,
    within,
)
from synscope.probes.host.rules import LONGEST_RULE, Action, Branch, Chain, Rule, Ruleset
from synscope.probes.host.snapshot import RuleVerdict

FAMILIES: Final = {
    "ip": frozenset({False}),
    "ip6": frozenset({True}),
    "inet": frozenset({False, True}),
}
_PRIORITIES: Final = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_TCP: Final = 6
_PROTOCOLS: Final = {"icmp": 1, "tcp": _TCP, "udp": 17, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132}
_HANDLE = re.compile(r"\s# handle (\d{1,19})$")
_HEADING = re.compile(r"(table|chain) (?:(\S+) )?(\S+) \{")
_ON_DEVICE = re.compile(r"hook (?:ingress|egress) devices? [^;]*\blo\b")
_QUIET: Final = frozenset({"log", "set", "map", "meter", "tproxy", "masquerade", "snat", "dup", "flow"})
"""Statements that neither match nor decide over a packet that stays on this machine."""

Json = dict[str, Any]
_Value = str | int | Span | None
"""A field of the packet: a name, an address, a number, a span, or not known."""


class _Absent:
    """The field's protocol is not the packet's: the rule cannot match."""


_ABSENT: Final = _Absent()


def parse(output: str, listing: str, skip: frozenset[tuple[str, str]] = frozenset()) -> Ruleset:
    """Return the chains of every table but those of ``skip`` (family, name). Raises ``ValueError``."""
    entries = json.loads(output)["nftables"]
    words = texts(listing)
    found = Ruleset()
    named: dict[tuple[str, str], Json] = {}
    for kind, entry in (pair for described in entries for pair in described.items()):
        table = (entry.get("family", ""), entry.get("table", ""))
        if table in skip or table[0] not in FAMILIES:
            continue
        key = " ".join(table)
        if kind in {"set", "map", "counter"}:
            named[f"{kind} {key}", entry["name"]] = entry
        elif kind == "chain":
            found.chains[key, entry["name"]] = _chain(entry, key)
    for entry in (entry["rule"] for entry in entries if "rule" in entry):
        key = f"{entry['family']} {entry['table']}"
        chain = found.chains.get((key, entry["chain"]))
        if chain is not None:
            text = words.get((key, entry["handle"])) or json.dumps(entry["expr"])[:LONGEST_RULE]
            chain.rules.append(_NftExpressions(key, named).rule(entry["expr"], text))
    return found


def tables(output: str) -> frozenset[tuple[str, str]]:
    """Return the family and name of each table. Raises ``ValueError``."""
    entries = json.loads(output)["nftables"]
    return frozenset(
        (entry["table"]["family"], entry["table"]["name"]) for entry in entries if "table" in entry
    )


def unfollowed(listing: str) -> str:
    """Say, from the text of the ruleset, that rules on loopback are not followed here; empty when there are none."""
    # The JSON of some versions leaves out the device.
    if _ON_DEVICE.search(listing):
        return "the rules of a netdev table on lo are not followed here"
    return ""


def _chain(entry: Json, key: str) -> Chain:
    priority = entry.get("prio", 0)
    return Chain(
        place=f"{key} {entry['name']}",
        hook=entry.get("hook", ""),
        priority=_PRIORITIES.get(priority, 0) if isinstance(priority, str) else priority,
        policy=entry.get("policy", "accept"),
        translates=entry.get("type") == "nat",
        families=FAMILIES[entry["family"]],
    )


def texts(listing: str) -> dict[tuple[str, int], str]:
    """Return the text of each rule by its table and handle."""
    found = {}
    table = ""
    for line in listing.splitlines():
        heading = _HEADING.match(line.strip())
        if heading and heading[1] == "table":
            table = f"{heading[2]} {heading[3]}"
        match = _HANDLE.search(line)
        if match and not heading:
            found[table, int(match[1])] = line[: match.start()].strip()
    return found


class _NftExpressions:
    """Turns the expressions of one rule into tests and an action."""

    def __init__(self, table: str, named: dict[tuple[str, str], Json]) -> None:
        self._table = table
        self._named = named
        self._strange = ""

    def rule(self, expressions: list[Json], text: str) -> Rule:
        """Return the rule that the expressions make."""
        tests: list[Test] = []
        branches: list[Branch] = []
        packets: int | None = None
        for expression in expressions:
            (kind, body), *_ = expression.items()
            if kind == "counter":
                packets = self._counter(body)
            elif kind == "vmap":
                branches += self._verdict_map(body, tuple(tests))
            elif kind in _ACTIONS:
                branches.append(Branch((*tests, *_of_family(body)), _ACTIONS[kind](body)))
            elif kind == "mangle":
                branches += self._mangle(body, tuple(tests))
            elif kind == "match":
                tests.append(self._match(body))
            elif kind not in _QUIET:
                tests.append(self._unknown(f"the expression '{_name(kind, body)}'"))
        return Rule(text, tuple(branches), packets, self._strange)

    def _unknown(self, what: str) -> Test:
        self._strange = self._strange or what
        return lambda _: None

    def _counter(self, body: Any) -> int | None:  # noqa: ANN401 - the counter, or its name
        if isinstance(body, str):
            body = self._named.get((f"counter {self._table}", body))
        packets = body.get("packets") if isinstance(body, dict) else None
        return packets if isinstance(packets, int) else None

    def _verdict_map(self, body: Json, tests: tuple[Test, ...]) -> Iterable[Branch]:
        key = body["key"]
        for element, verdict in self._elements(body["data"], "map"):
            (kind, target), *_ = verdict.items()
            branch_tests = (*tests, self._match({"op": "==", "left": key, "right": element}))
            yield Branch(branch_tests, _ACTIONS[kind](target) if kind in _ACTIONS else None)

    def _elements(self, data: Any, kind: str) -> list[Any]:  # noqa: ANN401 - a set, or its name
        if isinstance(data, str):
            entry = self._named.get((f"{kind} {self._table}", data[1:]), {})
            return list(entry.get("elem", ()))
        return list(data["set"]) if isinstance(data, dict) and "set" in data else [data]

    def _mangle(self, body: Json, tests: tuple[Test, ...]) -> Iterable[Branch]:
        if body.get("key") == {"meta": {"key": "mark"}}:
            yield Branch(tests, Action("mark", str(body.get("value"))))

    def _match(self, body: Json) -> Test:
        left, right, op = body["left"], body["right"], body["op"]
        if "concat" in left:
            return self._concatenation(left["concat"], right, op)
        mask = None
        if "&" in left:
            left, mask = left["&"]
        field = _field(left)
        if field is None:
            return self._unknown(f"the expression '{_name('match', left)}'")
        compare = self._comparison(right, op, mask)
        return lambda packet: _apply(field(packet), compare)

    def _concatenation(self, parts: list[Json], right: Any, op: str) -> Test:  # noqa: ANN401 - a set or its name
        rows = [
            element["concat"] for element in map(_bare, self._elements(right, "set")) if "concat" in element
        ]
        tests = [
            [
                self._match({"op": "==", "left": part, "right": value})
                for part, value in zip(parts, row, strict=False)
            ]
            for row in rows
        ]

        def test(packet: AskedPacket) -> Truth:
            found = any_of(all_of(part(packet) for part in row) for row in tests)
            return invert(found) if op == "!=" else found

        return test

    def _comparison(self, right: Any, op: str, mask: Any) -> Callable[[_Value], Truth]:  # noqa: ANN401 - of JSON
        if op in {"<", ">", "<=", ">="}:
            return lambda value: _ordered(value, op, right)
        if op == "in" or mask is not None:
            return lambda value: _masked(value, op, mask, right)
        if isinstance(right, list):
            elements = right
        elif isinstance(right, dict) or (isinstance(right, str) and right.startswith("@")):
            elements = self._elements(right, "set") if not _is_single(right) else [right]
        else:
            elements = [right]

        def compare(value: _Value) -> Truth:
            found = any_of(_equal(value, _bare(element)) for element in elements)
            return invert(found) if op == "!=" else found

        return compare


def _is_single(right: Any) -> bool:  # noqa: ANN401 - of JSON
    return isinstance(right, dict) and bool(right.keys() & {"prefix", "range"})


def _bare(element: Any) -> Any:  # noqa: ANN401 - of JSON
    """Return the value of a set's element without its timeout, comment or counter."""
    return element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element


def _name(kind: str, body: Any) -> str:  # noqa: ANN401 - of JSON
    return json.dumps(body)[:80] if kind in {"match", "xt"} else kind


def _apply(value: _Value | _Absent, compare: Callable[[_Value], Truth]) -> Truth:
    if isinstance(value, _Absent):
        return False
    return None if value is None else compare(value)


def _field(left: Json) -> Callable[[AskedPacket], _Value | _Absent] | None:
    """Return what reads the expression's field from a packet; ``None`` for a field that is not known here."""
    (kind, body), *_ = left.items()
    if not isinstance(body, dict):
        return None
    if kind == "payload":
        return _PAYLOAD.get(body.get("protocol", ""), {}).get(body.get("field", "")) or _other(body)
    if kind == "fib":
        return _constant("local") if body.get("result") == "type" else None
    return {"meta": _META, "ct": _CT}.get(kind, {}).get(body.get("key", ""))


def _other(body: Json) -> Callable[[AskedPacket], _Value | _Absent] | None:
    """Return the field of another protocol: no packet of ours has it."""
    if body.get("protocol") in {
        "udp",
        "icmp",
        "icmpv6",
        "sctp",
        "dccp",
        "udplite",
        "igmp",
        "arp",
        "esp",
        "ah",
    }:
        return lambda _: _ABSENT
    return None


def _constant(value: _Value) -> Callable[[AskedPacket], _Value]:
    return lambda _: value


def _on_input(packet: AskedPacket) -> str | _Absent:
    return "lo" if packet.hook in INPUT_SIDE else _ABSENT


def _on_output(packet: AskedPacket) -> str | _Absent:
    return _ABSENT if packet.hook in INPUT_SIDE else "lo"


_Fields = dict[str, Callable[[AskedPacket], _Value | _Absent]]

_PORTS: Final[_Fields] = {
    "sport": lambda packet: packet.source_port,
    "dport": lambda packet: packet.destination_port,
}
_PAYLOAD: Final[dict[str, _Fields]] = {
    "tcp": {**_PORTS, "flags": lambda packet: packet.flags},
    "th": _PORTS,
    "ip": {
        "saddr": lambda packet: _ABSENT if packet.ipv6 else packet.source,
        "daddr": lambda packet: _ABSENT if packet.ipv6 else packet.destination,
        "protocol": lambda packet: _ABSENT if packet.ipv6 else _TCP,
        "version": lambda packet: _ABSENT if packet.ipv6 else 4,
    },
    "ip6": {
        "saddr": lambda packet: packet.source if packet.ipv6 else _ABSENT,
        "daddr": lambda packet: packet.destination if packet.ipv6 else _ABSENT,
        "nexthdr": lambda packet: _TCP if packet.ipv6 else _ABSENT,
        "version": lambda packet: 6 if packet.ipv6 else _ABSENT,
    },
}
_META: Final[_Fields] = {
    "iif": _on_input,
    "iifname": _on_input,
    "oif": _on_output,
    "oifname": _on_output,
    "l4proto": _constant(_TCP),
    "nfproto": lambda packet: "ipv6" if packet.ipv6 else "ipv4",
    "protocol": lambda packet: "ip6" if packet.ipv6 else "ip",
    "pkttype": _constant("host"),
    "mark": lambda packet: packet.mark,
    "iiftype": lambda packet: "loopback" if packet.hook in INPUT_SIDE else _ABSENT,
    "oiftype": lambda packet: _ABSENT if packet.hook in INPUT_SIDE else "loopback",
}
_CT: Final[_Fields] = {
    "state": lambda packet: packet.state,
    "direction": lambda packet: "reply" if packet.is_answer else "original",
}


def _equal(value: _Value, wanted: Any) -> Truth:  # noqa: ANN401 - of JSON
    if isinstance(wanted, dict):
        return _inside(value, wanted)
    if isinstance(value, Span):
        number = _number(wanted)
        return None if number is None else within(value, number, number)
    if isinstance(value, int):
        number = _number(wanted)
        return None if number is None else value == number
    if isinstance(value, str) and isinstance(wanted, str):
        address = _address(value)
        if address is not None:
            return address == _address(wanted)
        return interface_matches(value, wanted, "*")
    return None


def _inside(value: _Value, wanted: Json) -> Truth:
    if "prefix" in wanted and isinstance(value, str):
        prefix = wanted["prefix"]
        network = ipaddress.ip_network(f"{prefix['addr']}/{prefix['len']}", strict=False)
        address = _address(value)
        return None if address is None else address in network
    if "range" not in wanted:
        return None
    low, high = wanted["range"]
    if isinstance(value, str):
        return _between(value, low, high)
    span = value if isinstance(value, Span) else Span(value, value) if isinstance(value, int) else None
    bounds = (_number(low), _number(high))
    if span is None or bounds[0] is None or bounds[1] is None:
        return None
    return within(span, bounds[0], bounds[1])


def _between(value: str, low: str, high: str) -> Truth:
    address, first, last = (_address(text) for text in (value, low, high))
    if (
        address is None
        or first is None
        or last is None
        or len({address.version, first.version, last.version}) > 1
    ):
        return None
    return int(first) <= int(address) <= int(last)


def _ordered(value: _Value, op: str, right: Any) -> Truth:  # noqa: ANN401 - of JSON
    number = _number(right)
    if isinstance(value, int) and number is not None:
        value = Span(value, value)
    if not isinstance(value, Span) or number is None:
        return None
    largest = 1 << 32
    low, high = {
        "<": (0, number - 1),
        "<=": (0, number),
        ">": (number + 1, largest),
        ">=": (number, largest),
    }[op]
    return within(value, low, high)


def _masked(value: _Value, op: str, mask: Any, right: Any) -> Truth:  # noqa: ANN401 - of JSON
    """Compare bits: ``tcp flags & mask == right``, or with ``in``: any of the bits or words of ``right``."""
    if isinstance(value, str):
        return any_of(value == word for word in (right if isinstance(right, list) else [right]))
    bits, wanted = _bits(mask), _bits(right)
    if not isinstance(value, int) or wanted is None or (mask is not None and bits is None):
        return None
    if op == "in":
        return bool(value & wanted)
    same = value & (bits or 0) == wanted
    return not same if op == "!=" else same


def _bits(value: Any) -> int | None:  # noqa: ANN401 - of JSON
    if isinstance(value, dict) and "|" in value:
        value = value["|"]
    if isinstance(value, list):
        parts = [_bits(part) for part in value]
        known = [part for part in parts if part is not None]
        return sum(set(known)) if len(known) == len(parts) else None
    if isinstance(value, str) and value in FLAGS:
        return FLAGS[value]
    return _number(value)


def _number(value: Any) -> int | None:  # noqa: ANN401 - of JSON
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return _PROTOCOLS.get(value, int(value) if value.isdigit() else None)
    return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _reject(body: Any) -> Action:  # noqa: ANN401 - of JSON
    if not body:
        return Action(RuleVerdict.REJECT, "icmp port-unreachable")
    kind = str(body.get("type", "icmpx"))
    return Action(
        RuleVerdict.REJECT, "tcp reset" if kind == "tcp reset" else f"{kind} {body.get('expr', '')}".strip()
    )


def _translate(body: Any) -> Action:  # noqa: ANN401 - of JSON
    body = body if isinstance(body, dict) else {}
    address, port = body.get("addr", ""), body.get("port", "")
    if isinstance(address, dict) or isinstance(port, dict):  # looked up in a map
        return Action(RuleVerdict.UNKNOWN, "an address from a map")
    return Action(RuleVerdict.REDIRECT, f"{address}:{port}" if port else str(address))


def _of_family(body: Any) -> tuple[Test, ...]:  # noqa: ANN401 - of JSON
    """Return the test for the one family of an address translation in a table of both."""
    family = (
        FAMILIES.get(body.get("family", "inet"), FAMILIES["inet"])
        if isinstance(body, dict)
        else FAMILIES["inet"]
    )
    return () if len(family) > 1 else (lambda packet: packet.ipv6 in family,)


_ACTIONS: Final[dict[str, Callable[[Any], Action]]] = {
    "accept": lambda _: Action(RuleVerdict.ACCEPT),
    "drop": lambda _: Action(RuleVerdict.DROP),
    "reject": _reject,
    "queue": lambda _: Action(RuleVerdict.UNKNOWN, "queue to a program"),
    "synproxy": lambda _: Action(RuleVerdict.UNKNOWN, "synproxy"),
    "jump": lambda body: Action("jump", body["target"]),
    "goto": lambda body: Action("goto", body["target"]),
    "return": lambda _: Action("return"),
    "dnat": _translate,
    "redirect": _translate,
    "notrack": lambda _: Action("state", "untracked"),
}
