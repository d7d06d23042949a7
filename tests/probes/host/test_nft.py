"""Output of nft that is not what it should be, and rulesets of any size."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.probes.host import deadline, firewall, nft
from synscope.probes.host.asked_packet import AskedPacket, Span
from synscope.probes.host.deadline import Ran
from synscope.probes.host.rules import Action, Branch, Chain, Rule, Ruleset, judge
from synscope.probes.host.snapshot import Firewall, PacketKind, RuleVerdict, Untold

PACKET = AskedPacket(PacketKind.SYN, False, "127.0.0.1", "127.0.0.1", Span(32768, 60999), 8080)


def looked(output: str, monkeypatch: pytest.MonkeyPatch) -> Firewall | Untold:
    def run(command: tuple[str, ...], _: float) -> Ran | Untold:
        return (
            Ran(0, output if "-j" in command else "", "") if command[0] == "nft" else Untold("not installed")
        )

    monkeypatch.setattr(deadline, "run", run)
    return firewall.look((8080,), ("127.0.0.1",), (32768, 60999), 1.0)


def document(*expressions: Any) -> str:
    table = {"family": "inet", "table": "t"}
    chain = {
        **table,
        "name": "c",
        "handle": 1,
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": "accept",
    }
    rule = {**table, "chain": "c", "handle": 2, "expr": list(expressions)}
    return json.dumps(
        {"nftables": [{"table": {"family": "inet", "name": "t"}}, {"chain": chain}, {"rule": rule}]}
    )


@pytest.mark.parametrize(
    "output", ["", "[]", "{}", '{"nftables": 5}', '{"nftables": [{"rule": {}}]}', "x" * 1000]
)
def test_other_output_is_admitted(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(output, monkeypatch)
    assert isinstance(found, Untold)
    assert "nft" in found.could_not_tell


MATCHES = st.recursive(
    st.sampled_from(
        ["tcp", "dport", "lo", "@set", 8080, None, True, "127.0.0.1", "match", "payload", "meta", "set"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["match", "left", "right", "op", "payload", "set", "&", "vmap"]), inner
        )
    ),
    max_leaves=12,
)


@given(MATCHES)
def test_expressions_of_any_shape_do_no_harm(expression: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found = looked(document(expression, {"drop": None}), patch)
    assert isinstance(found, Untold) or found.rulings[0].verdict in set(RuleVerdict)


@pytest.mark.parametrize("kind", ["future", "xt", "synproxy", "quota", "ct count"])
def test_a_statement_that_is_not_known_leaves_the_verdict_open(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = looked(document({kind: {}}, {"drop": None}), monkeypatch)
    assert isinstance(found, Firewall)
    assert found.rulings[0].verdict is RuleVerdict.UNKNOWN


def test_an_endless_ruleset_is_given_up() -> None:
    loop = Chain("t a")
    loop.rules.extend([Rule("jump a", (Branch((lambda _: None,), Action("jump", "a")),))] * 40)
    base = Chain("t c", rules=[Rule("jump a", (Branch((), Action("jump", "a")),))], hook="input")
    began = time.monotonic()
    found = judge(Ruleset({("t", "c"): base, ("t", "a"): loop}), PACKET)
    assert found.verdict is RuleVerdict.UNKNOWN
    assert time.monotonic() - began < 20


def test_the_tables_of_iptables_are_left_to_iptables() -> None:
    skipped = nft.parse(document({"drop": None}), "", frozenset({("inet", "t")}))
    assert skipped.chains == {}
