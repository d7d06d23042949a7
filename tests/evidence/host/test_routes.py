"""The way to the target as snapshots made by hand show it: each question with a hit, a near miss and a doubt."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from synscope.probes.host.snapshot import (
    ElsewhereListener,
    Firewall,
    Limits,
    Loopback,
    Namespaces,
    Owner,
    Route,
    RuleVerdict,
    Setting,
    Untold,
)
from tests.evidence.host.builders import PORT, answers, listener, observed, process, rulings, snapshot

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
WELL = Loopback(
    "lo", up=True, addresses=("127.0.0.1", "::1"), route_ipv4="local dev lo", route_ipv6="local dev lo"
)
FOUR = WELL._replace(addresses=("127.0.0.1",), ipv6_disabled=True)


@pytest.mark.parametrize(
    ("loopback", "target", "answer"),
    [
        (FOUR, "[::1]:8080", YES),
        (FOUR, "127.0.0.1:8080", UNKNOWN),
        (FOUR, "localhost:8080", UNKNOWN),
        (FOUR._replace(up=False), "[::1]:8080", NO),
        (WELL, "[::1]:8080", NO),
        (WELL._replace(addresses=("::1",)), "127.0.0.1:8080", YES),
        (Untold("the reason"), "[::1]:8080", UNKNOWN),
    ],
)
def test_the_family_on_loopback(loopback: Loopback | Untold, target: str, answer: Answer) -> None:
    assert answers(snapshot(loopback=loopback), target=target)["family-not-on-loopback"] is answer


FAR = WELL._replace(others=("10.0.0.1",))


@pytest.mark.parametrize(
    ("loopback", "target", "answer"),
    [
        (WELL, "127.0.0.1:8080", NO),
        (WELL._replace(route_ipv4="error: No route to host"), "127.0.0.1:8080", YES),
        (WELL._replace(route_ipv4="unicast dev tun0"), "127.0.0.1:8080", YES),
        (WELL._replace(route_ipv4="error: No route to host"), "localhost:8080", NO),
        (FOUR._replace(route_ipv6="error: Network is unreachable"), "[::1]:8080", NO),
        (FAR, "10.0.0.5:8080", UNKNOWN),
        (FAR._replace(routes=(Route("10.0.0.5", "unicast dev br0", "br0"),)), "10.0.0.5:8080", NO),
        (FAR._replace(routes=(Route("10.0.0.5", "unicast dev tun0", "br0"),)), "10.0.0.5:8080", YES),
        (FAR._replace(routes=(Route("10.0.0.5", "error: Invalid argument", "br0"),)), "10.0.0.5:8080", YES),
        (FAR._replace(routes=(Route("10.0.0.1", "local dev lo"),)), "10.0.0.1:8080", NO),
    ],
)
def test_a_route_that_leads_away(loopback: Loopback, target: str, answer: Answer) -> None:
    assert answers(snapshot(loopback=loopback), target=target)["route-leads-away"] is answer


def test_a_containers_address_lies_where_its_way_leads() -> None:
    """What listens in the container counts as met here; its address is none of this machine's for all that."""
    way = FAR._replace(routes=(Route("172.17.0.2", "unicast dev docker0", "docker0"),))
    there = ElsewhereListener("web", "0.0.0.0", PORT, linked=True, addresses=("172.17.0.2",))
    seen = snapshot(loopback=way, namespaces=Namespaces((there,), 1, addresses=("172.17.0.2",)))
    assert answers(seen, target=f"172.17.0.2:{PORT}")["route-leads-away"] is NO


@pytest.mark.parametrize(
    ("before", "after", "queued", "answer"),
    [(3, 5, 2, YES), (3, 3, 2, UNKNOWN), (3, 5, 0, NO), (None, None, 2, UNKNOWN)],
)
def test_the_queue_of_a_listener_in_a_container(
    before: int | None, after: int | None, queued: int, answer: Answer
) -> None:
    """How many places it has is not told there; that queues overflowed in its namespace is."""
    looks = [
        snapshot(
            loopback=FAR,
            namespaces=Namespaces(
                (
                    ElsewhereListener(
                        "web", "0.0.0.0", PORT, addresses=("172.17.0.2",), queued=queued, overflows=overflows
                    ),
                ),
                1,
                addresses=("172.17.0.2",),
            ),
        )
        for overflows in (before, after)
    ]
    assert answers(*looks, target=f"172.17.0.2:{PORT}")["accept-queue-full"] is answer


def dnat(how: str, localnet: int = 0) -> dict[str, Answer]:
    rules = rulings(RuleVerdict.REDIRECT, how=how, rule=f"dnat to {how}", place="ip nat out")
    seen = snapshot(
        firewall=Firewall(("nft",), rules),
        limits=Limits((Setting("route_localnet", localnet),)),
        loopback=FAR,
    )
    return answers(seen, target="127.0.0.1:8080")


def test_a_rule_that_sends_loopback_away() -> None:
    assert dnat("10.244.0.5:8080")["redirect-leaves-loopback"] is YES
    assert dnat("10.244.0.5:8080", localnet=1)["redirect-leaves-loopback"] is NO
    assert dnat("127.0.0.1:9000")["redirect-leaves-loopback"] is NO
    assert dnat("10.0.0.1:9000")["redirect-leaves-loopback"] is NO
    assert dnat("127.0.0.1:9000")["rule-redirects-target"] is YES
    assert answers(snapshot())["rule-redirects-target"] is NO


def test_a_program_at_the_loopback_interface() -> None:
    for programs, answer in ((("XDP program 12",), YES), ((), NO), (None, UNKNOWN)):
        seen = snapshot(loopback=FAR._replace(programs=programs))
        assert answers(seen, target="127.0.0.1:8080")["program-on-loopback"] is answer
    seen = snapshot(loopback=FAR._replace(programs=("XDP program 12",)))
    assert (
        observed(seen, target="127.0.0.1:8080")["program-on-loopback"].text
        == "attached to lo: XDP program 12"
    )
    assert answers(seen, target="10.9.9.9:8080")["program-on-loopback"] is NO


def test_a_rule_that_leads_to_nobody() -> None:
    for neighbours, answer in ((("10.244.0.5",), YES), (("10.244.0.6",), NO), ((), NO), (None, UNKNOWN)):
        rules = rulings(RuleVerdict.REDIRECT, how="10.244.0.5:80", rule="dnat", place="ip nat out")
        seen = snapshot(
            firewall=Firewall(("nft",), rules), loopback=FAR._replace(silent_neighbours=neighbours)
        )
        assert answers(seen, target="127.0.0.1:8080")["redirect-target-silent"] is answer
    assert answers(snapshot())["redirect-target-silent"] is NO


OTHER = Owner(4243, "python3", "www")


@pytest.mark.parametrize(("states", "answer"), [("TS", YES), ("ST", YES), ("SS", NO), ("TT", NO), ("S?", NO)])
def test_a_port_that_is_shared(states: str, answer: Answer) -> None:
    seen = snapshot(
        listener(),
        listener(owners=(OTHER,)),
        processes=(process(state=states[0]), process(OTHER.pid, state=states[1])),
    )
    found = observed(seen)["port-sharer-stopped"]
    assert found.answer is answer
    if answer is YES:
        assert "is stopped (state T)" in found.text


def test_workers_of_one_socket_share_nothing() -> None:
    seen = snapshot(
        listener(owners=(OTHER, Owner(4242, "python3", "www"))),
        processes=(process(state="T"), process(OTHER.pid)),
    )
    assert answers(seen)["port-sharer-stopped"] is NO
