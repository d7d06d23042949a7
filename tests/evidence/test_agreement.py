"""Of several observations of one question one stands, by rule and not by place."""

from __future__ import annotations

from itertools import permutations

import pytest

from synscope.evidence.agreement import Withdrawal, settled
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Observation, Source

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
LOOPBACK = "target-is-loopback"


def seen(answer: Answer, source: Source, name: str = LOOPBACK, text: str = "") -> Observation:
    return Observation(name, answer, source, text or f"{source}: {answer}")


def standing(*observations: Observation) -> Observation:
    """The one that stands, in whatever order they come."""
    orders = {settled(order)[observations[0].name] for order in permutations(observations)}
    assert len(orders) == 1
    return orders.pop()


def test_one_alone_stands() -> None:
    only = seen(UNKNOWN, Source.PACKETS)
    assert settled([only]) == {LOOPBACK: only}


def test_what_was_told_goes_before_what_could_not_be_told() -> None:
    assert standing(seen(UNKNOWN, Source.REQUEST), seen(NO, Source.PACKETS)).source is Source.PACKETS


def test_a_direct_witness_goes_before_an_indirect_one() -> None:
    assert QUESTIONS[LOOPBACK].direct
    assert standing(seen(YES, Source.REQUEST), seen(NO, Source.PACKETS)).answer is YES


def test_a_connect_of_our_own_goes_before_what_packets_would_mean() -> None:
    for name in ("refused-by-rst", "some-completed"):
        assert standing(seen(NO, Source.PACKETS, name), seen(YES, Source.HOST, name)).source is Source.HOST


def test_of_one_source_the_earlier_goes_first() -> None:
    first, second = seen(YES, Source.HOST, text="first"), seen(NO, Source.HOST, text="second")
    assert settled([first, second])[LOOPBACK] is first


def test_of_two_that_could_not_tell_the_last_ones_reason_stands() -> None:
    first, second = seen(UNKNOWN, Source.REQUEST), seen(UNKNOWN, Source.PACKETS)
    assert settled([first, second])[LOOPBACK] is second


@pytest.mark.parametrize("answer", Answer)
def test_a_withdrawal_voids_what_its_own_source_says(answer: Answer) -> None:
    taken_back = Withdrawal("late-answer", UNKNOWN, Source.PACKETS, "it was us")
    assert standing(seen(answer, Source.PACKETS, "late-answer"), taken_back) == taken_back


def test_a_withdrawal_leaves_other_sources_alone() -> None:
    taken_back = Withdrawal(LOOPBACK, UNKNOWN, Source.PACKETS, "nothing was captured")
    assert standing(seen(YES, Source.REQUEST), seen(NO, Source.PACKETS), taken_back).answer is YES


def test_that_no_rule_matches_is_belied_by_a_drop_that_the_kernel_saw() -> None:
    clear = seen(YES, Source.HOST, "no-firewall-rule", "the firewall lets it pass")
    dropped = seen(YES, Source.KERNEL, "kernel-says-netfilter-drop", "netfilter dropped it")
    for order in ([clear, dropped], [dropped, clear]):
        found = settled(order)["no-firewall-rule"]
        assert (found.answer, found.text) == (UNKNOWN, "the firewall lets it pass, but netfilter dropped it")
    for other in (dropped._replace(answer=NO), dropped._replace(answer=UNKNOWN)):
        assert settled([clear, other])["no-firewall-rule"] is clear
    refused = clear._replace(answer=NO)
    assert settled([refused, dropped])["no-firewall-rule"] is refused


def test_what_the_client_says_of_its_own_system_is_belied_by_an_icmp_error_that_answered_it() -> None:
    words = seen(YES, Source.HOST, "client-error-denied", "the command said: Permission denied")
    answered = seen(YES, Source.PACKETS, "unreachable-by-icmp", "ICMPv6 1/1 answered 1 attempt")
    found = settled([words, answered])["client-error-denied"]
    assert (found.answer, found.text) == (
        UNKNOWN,
        "the command said: Permission denied, but ICMPv6 1/1 answered 1 attempt",
    )
    assert settled([words, answered._replace(answer=NO)])["client-error-denied"] is words
