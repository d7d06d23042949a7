"""The table of drop reasons: every row is usable, and what a kernel does not specify is found by its place."""

from __future__ import annotations

import pytest

from synscope.model import Stage
from synscope.reference.discard_counters import COUNTERS
from synscope.reference.drop_reasons import REASONS, UNSPECIFIED, Kind, in_words, kind_of, specified


def test_each_row_says_where_and_what() -> None:
    stages = {stage.value for stage in Stage}
    assert {drop.stage for drop in REASONS.values()} <= stages
    assert {counter.stage for counter in COUNTERS.values()} <= stages
    assert all(name == name.upper() and drop.meaning for name, drop in REASONS.items())
    assert {drop.kind for drop in REASONS.values()} == set(Kind)


def test_words() -> None:
    assert in_words("NETFILTER_DROP") == "NETFILTER_DROP: a firewall's rule discarded it"
    assert in_words("A_NEW_ONE") == "A_NEW_ONE"
    assert kind_of("A_NEW_ONE") is None


@pytest.mark.parametrize(
    ("reason", "location", "found"),
    [
        (UNSPECIFIED, "do_xdp_generic+0x284/0x330", "XDP"),
        (UNSPECIFIED, "veth_xdp_rcv_skb.constprop.0+0x1/0x330 [veth]", "XDP"),
        (UNSPECIFIED, "ip6_mc_input+0x15e/0x270", UNSPECIFIED),
        (UNSPECIFIED, "(____ptrval____)", UNSPECIFIED),
        (UNSPECIFIED, "", UNSPECIFIED),
        ("TCP_CSUM", "do_xdp_generic+0x284/0x330", "TCP_CSUM"),
    ],
)
def test_a_place_specifies(reason: str, location: str, found: str) -> None:
    assert specified(reason, location) == found
