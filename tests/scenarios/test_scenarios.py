"""Every scenario that is quick enough, one at a time: label, cause, and nothing false that is certain."""

from __future__ import annotations

import sys

import pytest

from synscope.causes.catalogue import by_slug
from synscope.causes.deciding import deciders
from synscope.causes.rank import MOST_STANDING
from synscope.model import Label

if sys.platform != "linux":
    pytest.skip("namespaces are Linux's", allow_module_level=True)

from tests.scenarios import accuracy
from tests.scenarios.__main__ import BEGIN, END, PAGE, written
from tests.scenarios.play import Answer, Played, play
from tests.scenarios.scenario import Scenario
from tests.scenarios.stage import missing
from tests.scenarios.table import SCENARIOS

ALIKE = frozenset(
    {
        *("nothing listens, IPv6", "on an external address", "reject with icmp admin-prohibited"),
        *("accepts and says nothing", "no ephemeral port left", "ssh where http was meant"),
        *(
            "starts too late, tried once",
            "a proxy, and no_proxy",
            "another port was meant",
            "dies of the request",
        ),
        *("nothing listens, python", "dies after a while", "one digit wrong", "on 127.0.0.2"),
        *("IPv4 alone, client of IPv6", "reject through a chain and a set", "port held without listening"),
        *("reject with icmp port-unreachable", "reject with icmpv6 port-unreachable", "iptables DROP"),
        *("drop by a set, a jump and an interface", "the answer is dropped on its way in"),
        *("output reject with a reset", "no ephemeral port left, before anybody looked", "a bare connect"),
        *("https_proxy and CONNECT", "localhost leads elsewhere", "lo without an address"),
        *("the certificate has another name", "502, the upstream's port", "landlock denies connect"),
        *("503, the model is loading", "out of descriptors", "answers dropped once established"),
        *(
            "dies before it binds",
            "on a device",
            "stopped, and its queue full",
            "http_proxy to a living proxy",
        ),
    }
)
"""Those that differ little from another of the quick ones: ``python -m tests.scenarios`` plays them."""
QUICK = [scenario for scenario in SCENARIOS if not scenario.long and scenario.name not in ALIKE]
LEAST = 60
COVERED = frozenset(by_slug) - {
    *("stack-fault", "control-plane-endpoint", "exposure", "one-address-refused", "reset-after-answer"),
    *("port-number-shortened", "took-long", "self-connection", "route-leads-away", "ebpf-program"),
    *("deferred-accept", "client-other-transport", "client-source-address", "source-port-in-use"),
    *(
        "family-disabled",
        "service-loading",
        "service-limit",
        "redirect-elsewhere",
        "host-refused",
        "packet-discarded",
        "next-hop-silent",
        "link-down",
    ),
}
"""What this table makes happen: no damaged stack; a role is second to its cause; remarks are not failures. The others
are in the corpus of failures that their authors had not seen."""
LOST = frozenset(
    {
        # The rule leads to a port that is not served, and the packets show the port that the client asked for.
        "published to a port nobody serves",
        # Words about a certificate, of another program.
        "certificate words of npm, server hung",
    }
)
"""Scenarios whose cause does not come first: what is certain of them must be right all the same."""
LOST_IN_PACKETS = frozenset(
    {
        # Encrypted, and nothing in the open says that anything went wrong.
        "git, self-signed",
        # A queue that is full hides who does not empty it; answers that are lost look like a server without any.
        *("stopped, and its queue full", "answers dropped once established"),
        # Another address of loopback, which packets alone do not tell from a mistake.
        "localhost on 127.0.1.1 in hosts",
    }
)
"""Scenarios whose cause packets alone do not name."""


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
@pytest.mark.usefixtures("kernel")
def test_what_is_said(scenario: Scenario) -> None:
    if program := missing(scenario.needs):
        pytest.skip(f"needs {program}")
    played = play(scenario)
    if scenario.name in LOST:
        assert not accuracy.wrongly_certain(played, played.live), played.live
        return
    if not accuracy.right(played, played.live):
        # Looks at the host are bounded in time: where the machine stalled, one came too late. Certain it must not be.
        assert not accuracy.wrongly_certain(played, played.live), played.live
        played = play(scenario)
    told = f"live {played.live}\npackets {played.packets}\n{played.said}"
    assert played.live.label == scenario.label, told
    assert accuracy.right(played, played.live), told
    assert not accuracy.wrongly_certain(played, played.live), told
    assert (played.status == 0) is not bool(scenario.cause), told
    if not scenario.in_packets:
        return
    assert played.packets.label == scenario.label, told
    assert accuracy.named(played, played.packets) or scenario.name in LOST_IN_PACKETS, told
    assert len(played.packets.slugs) <= MOST_STANDING
    assert not accuracy.wrongly_certain(played, played.packets), told
    if not scenario.cause:
        assert not played.packets.slugs, told
    elif len(played.packets.slugs) > 1:
        causes = [by_slug[slug] for slug in played.packets.slugs]
        known = {} if played.file is None else played.file.observations
        deciding = deciders(causes, Label(played.packets.label), known)
        assert {decider.os for decider in deciding} & {"linux", "any"}, told


def test_the_table_is_large_and_its_names_are_unique() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= LEAST
    assert {slug for scenario in SCENARIOS for slug in (*scenario.right, *scenario.packets)} <= set(by_slug)
    assert {scenario.label for scenario in SCENARIOS} <= set(Label)


def test_every_cause_that_can_be_made_here_is_made() -> None:
    assert {slug for scenario in SCENARIOS for slug in (scenario.cause, *scenario.packets) if slug} >= COVERED


def _played(cause: str, *ranked: tuple[str, str], status: int = 1) -> Played:
    answer = Answer("SYN-RST", ranked, ())
    return Played(Scenario("it", cause, "SYN-RST"), answer, answer, status, {}, "")


def test_rates() -> None:
    played = [
        _played("wrong-port", ("service-not-running", "certain"), ("wrong-port", "possible")),
        _played("wrong-port", ("wrong-port", "certain")),
        _played("", status=0),
    ]
    tables = accuracy.text(played)
    assert "| the cause comes first | 1 of 2 (50.0 %) | 1 of 2 (50.0 %) |" in tables
    assert "| the cause is among the first 3 | 2 of 2 (100.0 %) | 2 of 2 (100.0 %) |" in tables
    assert "| a wrong cause is certain | 1 of 2 (50.0 %) | 1 of 2 (50.0 %) |" in tables
    assert "| works, and no failure is named | 1 of 1 (100.0 %) | 1 of 1 (100.0 %) |" in tables
    assert "| wrong-port | 2 | 1 | 1 | 2 | service-not-running 1 |" in tables


def test_the_page_has_a_place_for_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert written(written(page, "one\n"), "two\n") == written(page, "two\n")
    assert "the cause comes first" in page
