"""A failure whose reason is not in the catalogue gets a general word, and no special cause is certain of it."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("namespaces are Linux's", allow_module_level=True)

from tests.scenarios.play import play
from tests.scenarios.scenario import Scenario, chosen
from tests.scenarios.stage import missing
from tests.scenarios.unlisted import UNLISTED

QUICK = frozenset(
    {
        *("a listener that wants a nearer client", "a window of nothing"),
        "a SYN that lost its flags",
    }
)
"""Those that are played with all other tests; with ``SYNSCOPE_LONG=1`` every one is."""


@pytest.mark.parametrize("scenario", chosen(UNLISTED, QUICK), ids=lambda scenario: scenario.name)
@pytest.mark.usefixtures("kernel")
def test_no_special_cause_is_certain(scenario: Scenario) -> None:
    if program := missing(("tcpdump", "nft", "tc", "curl")):
        pytest.skip(f"needs {program}")
    played = play(scenario)
    told = f"{played.live}\n{played.packets}\n{played.said}"
    assert played.live.label == played.packets.label == scenario.label, told
    assert played.status, told
    assert played.live.slugs, told
    assert not played.packets.certain, told
    assert set(played.live.certain) <= {scenario.cause}, told
    assert not scenario.cause or played.live.slugs[0] == scenario.cause, told
