"""Which attempts speak for a target."""

from __future__ import annotations

from dataclasses import replace

from synscope.evidence.packets.summary import ANSWER_TIME_NS, summarise
from synscope.model import AttemptGroup, Endpoint, Label, Outcome, Target

SERVER = Endpoint("127.0.0.1", 62893)
TARGET = Target("62893", 62893)
DONE = AttemptGroup(SERVER, Label.COMPLETED, Outcome.CLOSED, False, 9, 1_000_000_000, 2_000_000_000, ())
WAITING = AttemptGroup(
    SERVER, Label.SYN_NO_REPLY, Outcome.UNANSWERED, False, 2, 2_000_000_000, 2_000_000_001, ()
)


def test_what_the_end_cut_off_proves_nothing() -> None:
    summary = summarise(TARGET, [DONE, WAITING], (), end_ts_ns=2_000_000_000 + ANSWER_TIME_NS - 1)
    assert (summary.label, summary.failed) == (Label.COMPLETED, 0)
    assert summary.counts == {Label.COMPLETED: 9, Label.SYN_NO_REPLY: 2}


def test_silence_that_lasted_counts() -> None:
    summary = summarise(TARGET, [DONE, WAITING], (), end_ts_ns=2_000_000_000 + ANSWER_TIME_NS)
    assert (summary.label, summary.failed) == (Label.SYN_NO_REPLY, 2)


def test_alone_it_is_all_there_is() -> None:
    summary = summarise(TARGET, [WAITING], (), end_ts_ns=2_000_000_001)
    assert (summary.label, summary.failed) == (Label.SYN_NO_REPLY, 2)


def test_a_refusal_at_the_end_is_an_answer() -> None:
    refused = replace(WAITING, label=Label.SYN_RST, outcome=Outcome.REFUSED)
    summary = summarise(TARGET, [DONE, refused], (), end_ts_ns=2_000_000_001)
    assert (summary.label, summary.failed) == (Label.SYN_RST, 2)


def test_the_same_port_at_another_address_is_a_near_miss_that_says_where() -> None:
    elsewhere = replace(DONE, server=Endpoint("192.0.2.7", 62893))
    target = Target("127.0.0.1:62893", 62893, "127.0.0.1")
    refused = replace(elsewhere, label=Label.SYN_RST, outcome=Outcome.REFUSED)
    for group, completed in ((elsewhere, True), (refused, False)):
        (miss,) = summarise(target, [group], ()).near_misses
        assert (miss.kind, miss.address, miss.completed) == ("other-address", "192.0.2.7", completed)


def test_what_rules_sent_elsewhere_reached_the_target_where_it_completed() -> None:
    """A capture behind a translation shows only where it led. What failed there stays a near miss."""
    inside = Endpoint("172.17.0.2", 80)
    there = replace(DONE, server=inside)
    assert summarise(TARGET, [there], ()).label is Label.CLIENT_NEVER_SENT
    summary = summarise(TARGET, [there], (), redirects=[inside])
    assert (summary.label, summary.counts, summary.failed) == (Label.COMPLETED, {Label.COMPLETED: 9}, 0)
    refused = replace(there, label=Label.SYN_RST, outcome=Outcome.REFUSED)
    assert summarise(TARGET, [there, refused], (), redirects=[inside]).label is Label.CLIENT_NEVER_SENT
    assert summarise(TARGET, [DONE, there], (), redirects=[inside]).groups == (DONE,), (
        "both ends of one translation"
    )
