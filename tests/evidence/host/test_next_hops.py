"""What the way leads over, as snapshots made by hand show it."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from synscope.probes.host.snapshot import Link, Loopback, Owner, Program, Route, Untold
from tests.evidence.host.builders import answers, observed, snapshot
from tests.evidence.host.test_routes import WELL

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
BRIDGE = Link("br0", up=True, carrier=True, state="up", mtu=1500)
THERE = Route("10.0.0.5", "unicast dev br0", "br0", link=BRIDGE, neighbour="reachable")
LOCAL = Route("127.0.0.1", "local dev lo", link=Link("lo", up=True))


def asked(question: str, *routes: Route, target: str = "10.0.0.5:8080") -> Answer:
    return answers(snapshot(loopback=WELL._replace(routes=routes)), target=target)[question]


@pytest.mark.parametrize(
    ("route", "answer"),
    [
        (THERE, NO),
        (THERE._replace(neighbour=""), NO),
        (THERE._replace(neighbour="failed"), YES),
        (THERE._replace(neighbour="incomplete", gateway="10.0.0.1"), YES),
        (THERE._replace(link=None), UNKNOWN),
    ],
)
def test_a_next_hop_that_is_silent(route: Route, answer: Answer) -> None:
    assert asked("next-hop-silent", route) is answer


def test_only_the_last_look_counts() -> None:
    """An entry is incomplete while it is asked for; one that has come since is well."""
    first, last = (
        snapshot(loopback=WELL._replace(routes=(THERE._replace(neighbour=state),)))
        for state in ("incomplete", "reachable")
    )
    assert answers(first, last, target="10.0.0.5:8080")["next-hop-silent"] is NO
    assert answers(last, first, target="10.0.0.5:8080")["next-hop-silent"] is YES


@pytest.mark.parametrize(
    ("link", "way", "answer"),
    [
        (BRIDGE, "unicast dev br0", NO),
        (BRIDGE._replace(carrier=False), "unicast dev br0", YES),
        (BRIDGE._replace(carrier=None), "unicast dev br0", NO),
        (BRIDGE._replace(up=False), "error: Network is unreachable", YES),
        (None, "error: Network is unreachable", UNKNOWN),
    ],
)
def test_a_link_that_is_down(link: Link | None, way: str, answer: Answer) -> None:
    assert asked("link-is-down", THERE._replace(link=link, way=way)) is answer


def test_loopback_has_neither() -> None:
    assert asked("next-hop-silent", LOCAL, target="127.0.0.1:8080") is NO
    assert asked("link-is-down", LOCAL, target="127.0.0.1:8080") is NO
    untold = answers(snapshot(loopback=Untold("why")), target="10.0.0.5:8080")
    assert {untold[name] for name in ("next-hop-silent", "link-is-down", "client-end-leads-away")} == {
        UNKNOWN
    }


@pytest.mark.parametrize(
    ("way", "own_way", "answer"),
    [
        ("local dev lo", "unicast dev eth0", YES),
        ("local dev lo", "error: No such device", YES),
        ("local dev lo", "local dev lo", NO),
        ("local dev lo", "", NO),
        # Of two ways to another machine either may be meant; one that leads nowhere is none.
        ("unicast dev br0", "unicast dev wg0", NO),
        ("unicast dev br0", "error: Network is unreachable", YES),
        # It is not the client's own end that has no way.
        ("error: Network is unreachable", "error: Network is unreachable", NO),
    ],
)
def test_a_client_that_binds_where_no_way_leads(way: str, own_way: str, answer: Answer) -> None:
    route = THERE._replace(way=way, own_end="device eth0", own_way=own_way)
    assert asked("client-end-leads-away", route) is answer


def test_the_rule_that_decides_is_named() -> None:
    route = Route("127.0.0.1", "error: No route to host", decided_by="unreachable 127.0.0.0/8 in table local")
    seen = observed(snapshot(loopback=WELL._replace(routes=(route,))), target="127.0.0.1:8080")
    text = "the kernel has no way to 127.0.0.1: No route to host, by unreachable 127.0.0.0/8 in table local"
    assert seen["route-leads-away"].text == text


def test_programs_are_told_with_those_who_own_them() -> None:
    held = Program("interface lo: tc ingress", 7, "guard", owners=(Owner(9, "agent", None),))
    fire = Program("control group /a.slice: egress", 8, "sd_fw_egress", tool="systemd", role="client")
    loopback = WELL._replace(programs=())
    assert isinstance(loopback, Loopback)
    seen = observed(snapshot(loopback=loopback, programs=(held, fire)), target="127.0.0.1:8080")
    assert (
        seen["program-on-loopback"].text == "interface lo: tc ingress: program 7 guard, held by agent (pid 9)"
    )
    said = seen["program-at-control-group"]
    assert said.text == "control group /a.slice: egress: program 8 sd_fw_egress, of systemd"
    found = answers(snapshot(loopback=loopback, programs=()), target="127.0.0.1:8080")
    assert (found["program-on-loopback"], found["program-at-control-group"]) == (NO, NO)
    assert answers(snapshot(programs=Untold("why")))["program-at-control-group"] is UNKNOWN
