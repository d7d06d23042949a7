"""A connection of the server's that is silent while a client waits."""

from __future__ import annotations

import pytest

from synscope.evidence.host.observe import observe_host
from synscope.evidence.waits import Wait
from synscope.model import Answer, Observation, Target
from synscope.probes.host.snapshot import OwnConnection
from tests.evidence.host.builders import NOW, PORT, SERVER, listener, snapshot

MS = 1_000_000
WAIT = Wait(NOW, NOW + MS, NOW + 2000 * MS, answered=False, hung_up=False)
LEG = OwnConnection(SERVER.pid, "nginx", "ESTAB", "127.0.0.1", 4, "127.0.0.1", 3000, sent_ns=NOW + 3 * MS)


def observed(now: OwnConnection, *earlier: OwnConnection, wait: Wait = WAIT) -> Observation:
    first = snapshot(listener(), taken_ns=NOW - 9 * MS, connections=earlier)
    during = snapshot(listener(), taken_ns=NOW + 700 * MS, connections=(now,))
    target = Target(str(PORT), PORT)
    found = observe_host(target, (first, during), environment_known=True, waits=(wait,))
    return next(each for each in found if each.name == "server-waits-for-upstream")


def test_it_asked_and_hears_nothing() -> None:
    found = observed(LEG)
    assert found.answer is Answer.YES
    assert (
        found.text
        == "the server's nginx (4242) asked 127.0.0.1:3000 and heard nothing for 698 ms while the client waits"
    )
    assert found.about == ("127.0.0.1:3000", "completed", "nginx (4242)")
    pooled = LEG._replace(heard_ns=NOW - 50 * MS)
    assert observed(pooled, pooled).answer is Answer.YES
    assert observed(LEG._replace(state="SYN-SENT", sent_ns=None)).about[1] == "SYN-no-reply"


def test_a_relay_to_the_same_port_of_a_container() -> None:
    there = LEG._replace(remote_address="172.17.0.2", remote_port=PORT)
    assert observed(there).answer is Answer.YES
    assert observed(LEG._replace(remote_port=PORT)).answer is Answer.NO
    assert observed(LEG._replace(remote_port=PORT, elsewhere=True)).answer is Answer.NO


@pytest.mark.parametrize(
    ("now", "earlier"),
    [
        (LEG._replace(heard_ns=NOW + 5 * MS), ()),  # it was answered
        (LEG._replace(unread=7), ()),  # the answer waits to be read
        (LEG._replace(sent_ns=NOW + 650 * MS), ()),  # only just
        (LEG._replace(sent_ns=NOW - 50 * MS), ()),  # before the client asked
        (LEG, (LEG,)),  # a log, say, on which nobody ever answers
        (LEG._replace(state="SYN-SENT"), (LEG._replace(state="SYN-SENT"),)),  # it hung before
        (LEG._replace(remote_port=PORT), ()),
    ],
)
def test_others_are_no_reason(now: OwnConnection, earlier: tuple[OwnConnection, ...]) -> None:
    assert observed(now, *earlier).answer is Answer.NO


def test_without_a_client_that_waits_nothing_is_known() -> None:
    assert observed(LEG, wait=WAIT._replace(ended_ns=NOW + 300 * MS)).answer is Answer.UNKNOWN
