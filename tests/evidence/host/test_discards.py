"""Counters of two looks: what rose is told, and nothing follows from one look."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from synscope.probes.host.snapshot import Limits, Setting, Snapshot, Untold
from tests.evidence.host.builders import answers, observed, snapshot

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN


def counted(filtered: int = 0, dropped: int = 0, tracked: int = 0, most: int = 100) -> Snapshot:
    return snapshot(
        counters=(Setting("TcpExtIPReversePathFilter", filtered), Setting("NfConntrackDrop", dropped)),
        limits=Limits((Setting("nf_conntrack_count", tracked), Setting("nf_conntrack_max", most))),
    )


def test_a_counter_of_discards_rises() -> None:
    found = observed(counted(3), counted(5))["discards-counted"]
    assert found.answer is YES
    assert found.text == (
        "TcpExtIPReversePathFilter rose by 2 (the reverse-path filter discarded it) between the first look and "
        "the last"
    )
    assert answers(counted(3), counted(3))["discards-counted"] is NO
    assert answers(counted(3))["discards-counted"] is UNKNOWN
    assert answers(snapshot(), snapshot())["discards-counted"] is UNKNOWN, "older looks did not read them"
    assert answers(snapshot(counters=Untold("why")))["discards-counted"] is UNKNOWN


@pytest.mark.parametrize(
    ("dropped", "tracked", "answer"), [(4, 100, YES), (4, 40, NO), (0, 100, UNKNOWN), (0, 3, NO)]
)
def test_connection_tracking_without_room(dropped: int, tracked: int, answer: Answer) -> None:
    looks = counted(), counted(dropped=dropped, tracked=tracked)
    assert answers(*looks)["connection-tracking-full"] is answer


def test_without_connection_tracking() -> None:
    assert answers(snapshot())["connection-tracking-full"] is NO
    assert answers(snapshot(limits=Untold("why")))["connection-tracking-full"] is UNKNOWN
