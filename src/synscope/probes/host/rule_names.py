"""What the rules are that stopped a packet, by their numbers.

Input: where they are (family, table, handle), and seconds. Output: their words as ``nft`` lists them, or as
``iptables-save`` does where iptables made the table: the rules of a chain are in the same order in both. Runs with
privileges, in the network namespace of the rules. Source: nft(8), libnftables-json(5).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from synscope.probes.host import nft, nft_listing
from synscope.probes.host.rules import LONGEST_RULE
from synscope.probes.host.snapshot import Untold

_LIST: Final = ("nft", "-a", "-t", "list", "ruleset")
_SAVE: Final = {"ip": "iptables-save", "ip6": "ip6tables-save"}
_IPTABLES: Final = frozenset({"raw", "mangle", "nat", "filter", "security"})
_COUNTED: Final = re.compile(r"counter packets \d+ bytes \d+")
_NFT_SIGN: Final = "(nf_tables)"
MOST_RULES: Final = 32


class Numbered(NamedTuple):
    """A rule by its number."""

    family: str
    table: str
    handle: int


def look(wanted: Sequence[Numbered], seconds: float) -> dict[Numbered, tuple[str, bool]]:
    """Return each rule's text, and whether it rejects; those that are not listed are left out."""
    until = time.monotonic() + seconds
    listing, document = _output(_LIST, until), nft_listing.rules(until)
    try:
        rules = [
            entry["rule"]
            for entry in json.loads("" if isinstance(document, Untold) else document)["nftables"]
            if "rule" in entry
        ]
    except (ValueError, KeyError, TypeError):
        rules = []
    texts = nft.texts(listing)
    found = {}
    for place in wanted[:MOST_RULES]:
        rule = next((each for each in rules if _numbered(each) == place), None)
        text = texts.get((f"{place.family} {place.table}", place.handle), "")
        if rule is not None:
            text = _of_iptables(rule, rules, until) or text
        if text:
            rejects = "reject" in text.split() or "REJECT" in text or _rejects(rule)
            found[place] = (_COUNTED.sub("counter", text)[:LONGEST_RULE], rejects)
    return found


def _numbered(rule: dict[str, Any]) -> Numbered:
    return Numbered(str(rule.get("family")), str(rule.get("table")), int(rule.get("handle", 0)))


def _rejects(rule: dict[str, Any] | None) -> bool:
    return rule is not None and any("reject" in expression for expression in rule.get("expr", ()))


def _of_iptables(rule: dict[str, Any], rules: Iterable[dict[str, Any]], until: float) -> str:
    """Return the words of a rule that iptables made; empty where it did not, or does not show as many."""
    family, table, chain = rule.get("family"), rule.get("table"), rule.get("chain")
    if family not in _SAVE or table not in _IPTABLES:
        return ""
    saved = _output((_SAVE[family], "-t", str(table)), until)
    if _NFT_SIGN not in saved.partition("\n")[0]:
        return ""
    lines = [line for line in saved.splitlines() if line.startswith(f"-A {chain} ")]
    beside = [
        each for each in rules if (each["family"], each["table"], each["chain"]) == (family, table, chain)
    ]
    if len(lines) != len(beside):
        return ""
    return lines[[_numbered(each) for each in beside].index(_numbered(rule))]


def _output(command: tuple[str, ...], until: float) -> str:
    found = nft_listing.output(command, until)
    return "" if isinstance(found, Untold) else found
