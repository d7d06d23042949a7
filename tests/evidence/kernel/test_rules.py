"""Which rule stopped an attempt's packets, by walks made by hand, and when nothing must be said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from synscope.evidence.kernel.observe import observe_kernel
from synscope.model import Answer, Attempt, Endpoint, Label, Observation, Outcome
from synscope.probes.kernel.events import TraceHealth
from synscope.probes.kernel.firewall_walks import (
    ACK,
    NOT_ASKED,
    RST,
    SYN,
    FirewallTrace,
    RuleName,
    RulePlace,
    Stop,
    Walk,
    Way,
)
from tests.evidence.builders import START, group, summary
from tests.evidence.kernel.events import CLIENT, SERVER, attempt

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
RULE = RulePlace("inet", "filter", "input", 4)
NAMED = {RULE: RuleName("tcp dport 62893 counter packets 3 bytes 180 drop")}
NUMBER = 4_294_967_295
SILENT = attempt(Outcome.UNANSWERED)
REFUSED = attempt(Outcome.REFUSED)
HALF_OPEN = attempt(Outcome.SERVER_GAVE_UP)
WORKED = attempt(Outcome.STILL_OPEN)


def walk(way: Way = Way.IN, flags: int = SYN, **more: object) -> Walk:
    """The SYN of the attempt, its answer or what follows: through every hook of its way, if nothing stops it."""
    passed = {
        Way.IN: ("prerouting", "input"),
        Way.OUT: ("output", "postrouting"),
        Way.THROUGH: ("prerouting", "forward", "postrouting"),
    }[way]
    back = flags & (SYN | ACK) == SYN | ACK
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    numbers = (7, 0) if back else (NUMBER, 0)
    made = Walk(START, *ends, *numbers, flags, way, passed=passed)
    return made._replace(**more)  # type: ignore[arg-type]


def stopped(at: RulePlace = RULE, stop: Stop = Stop.DROP, way: Way = Way.IN, flags: int = SYN) -> Walk:
    return walk(way, flags, passed=("prerouting",) if way is Way.IN else (), stop=stop, at=at, chains=(at,))


THROUGH = (walk(Way.OUT), walk())


def said(trace: FirewallTrace | None, *attempts: Attempt) -> dict[str, Observation]:
    seen = summary(*attempts)
    found = observe_kernel(seen.target, seen.groups, (), TraceHealth(error="no trace"), trace)
    return {each.name: each for each in found if each.name.startswith("firewall-")}


def answers(trace: FirewallTrace | None, *attempts: Attempt) -> tuple[Answer, ...]:
    """In, out, back, later, rejecting, passing."""
    found = said(trace, *attempts)
    names = (
        "rule-seen",
        "rule-seen-out",
        "rule-seen-back",
        "rule-seen-later",
        "seen-rejecting",
        "seen-passing",
    )
    return tuple(found[f"firewall-{name}"].answer for name in names)


@pytest.mark.parametrize(
    ("trace", "tried", "expected"),
    [
        # A rule stopped it, and is named.
        (FirewallTrace((walk(Way.OUT), stopped()), NAMED), SILENT, (YES, NO, NO, NO, NO, NO)),
        (
            FirewallTrace((walk(Way.OUT), stopped()), {RULE: RuleName("reject", rejects=True)}),
            REFUSED,
            (YES, NO, NO, NO, YES, NO),
        ),
        # Not named: whether it rejects is open.
        (FirewallTrace((walk(Way.OUT), stopped())), REFUSED, (YES, NO, NO, NO, UNKNOWN, NO)),
        (FirewallTrace((stopped(),), NAMED, unnamed="changed"), SILENT, (YES, NO, NO, NO, UNKNOWN, NO)),
        # A policy needs no name.
        (
            FirewallTrace((stopped(RULE._replace(handle=0)),)),
            SILENT,
            (YES, NO, NO, NO, NO, NO),
        ),
        # The answer, and what follows.
        (
            FirewallTrace((*THROUGH, stopped(flags=SYN | ACK, way=Way.OUT)), NAMED),
            SILENT,
            (NO, NO, YES, NO, NO, NO),
        ),
        (FirewallTrace((*THROUGH, stopped(flags=ACK)), NAMED), HALF_OPEN, (NO, NO, YES, NO, NO, NO)),
        (FirewallTrace((*THROUGH, stopped(flags=ACK)), NAMED), WORKED, (NO, NO, NO, YES, NO, UNKNOWN)),
        # Everything let it pass, up to the stack.
        (FirewallTrace(THROUGH), REFUSED, (NO, NO, NO, NO, UNKNOWN, YES)),
        (FirewallTrace((*THROUGH, walk(Way.OUT, RST | ACK))), REFUSED, (NO, NO, NO, NO, UNKNOWN, YES)),
        (FirewallTrace((*THROUGH, walk(flags=SYN | ACK))), HALF_OPEN, (NO, NO, NO, NO, UNKNOWN, YES)),
        # Near misses: the answer was not traced, it went on to another namespace, it vanished, events are missing.
        (FirewallTrace(THROUGH), HALF_OPEN, (NO, NO, NO, NO, UNKNOWN, UNKNOWN)),
        (FirewallTrace((walk(Way.THROUGH),)), SILENT, (NO, NO, NO, NO, UNKNOWN, UNKNOWN)),
        (FirewallTrace((walk(passed=("prerouting",)),)), SILENT, (NO, NO, NO, NO, UNKNOWN, UNKNOWN)),
        (
            FirewallTrace(THROUGH, incomplete="lost"),
            SILENT,
            (UNKNOWN, UNKNOWN, UNKNOWN, NO, UNKNOWN, UNKNOWN),
        ),
        # What is another connection's says nothing of this one.
        (
            FirewallTrace((stopped()._replace(source=Endpoint("127.0.0.1", 1)),), NAMED),
            SILENT,
            (UNKNOWN, NO, UNKNOWN, NO, UNKNOWN, UNKNOWN),
        ),
        # Translated on its way: the number says that it is the same.
        (
            FirewallTrace((walk(Way.OUT), stopped()._replace(destination=Endpoint("172.17.0.2", 80))), NAMED),
            SILENT,
            (YES, NO, NO, NO, NO, NO),
        ),
    ],
)
def test_what_the_walks_say(trace: FirewallTrace, tried: Attempt, expected: tuple[Answer, ...]) -> None:
    # The SYN-ACK acknowledges the SYN's number, which wraps round.
    assert answers(trace, tried) == expected


def test_a_syn_that_never_left_needs_no_attempt() -> None:
    trace = FirewallTrace((stopped(RULE, way=Way.OUT),), NAMED)
    assert answers(trace) == (NO, YES, NO, NO, NO, UNKNOWN)
    other = replace(trace, walks=(trace.walks[0]._replace(destination=Endpoint("127.0.0.1", 1)),))
    assert answers(other)[1] is NO


def test_without_a_trace_nothing_is_told() -> None:
    for trace in (None, NOT_ASKED, FirewallTrace(untold="the reason")):
        assert YES not in answers(trace, SILENT)
        assert answers(trace, SILENT)[-1] is UNKNOWN
    assert said(FirewallTrace(untold="the reason"), SILENT)["firewall-rule-seen"].text == "the reason"


def test_one_that_completed_leaves_it_open() -> None:
    assert answers(FirewallTrace(THROUGH), REFUSED, WORKED)[-1] is UNKNOWN
    many = summary(REFUSED)
    folded = observe_kernel(
        many.target, (group(REFUSED, count=9),), (), TraceHealth(error="none"), FirewallTrace(THROUGH)
    )
    assert next(each for each in folded if each.name == "firewall-seen-passing").answer is UNKNOWN


@pytest.mark.parametrize(
    ("at", "text", "chains", "words"),
    [
        (
            RULE,
            "tcp dport 62893 drop",
            (),
            "the rule 'tcp dport 62893 drop' in inet filter input drops the SYN to 127.0.0.1:62893",
        ),
        (
            RulePlace("ip", "filter", "DOCKER-USER", 9),
            "-A DOCKER-USER -j DROP",
            (),
            "the rule '-A DOCKER-USER -j DROP' in ip filter DOCKER-USER, made by Docker, drops the SYN to "
            "127.0.0.1:62893",
        ),
        (
            RulePlace("ip", "filter", "INPUT"),
            "",
            (RulePlace("ip", "filter", "ufw-before-input"),),
            "the policy in ip filter INPUT, made by ufw, drops the SYN to 127.0.0.1:62893",
        ),
        (RULE, "", (), "a rule (handle 4) in inet filter input drops the SYN to 127.0.0.1:62893"),
    ],
)
def test_rules_in_words(at: RulePlace, text: str, chains: tuple[RulePlace, ...], words: str) -> None:
    trace = FirewallTrace((stopped(at)._replace(chains=chains),), {at: RuleName(text)} if text else {})
    assert said(trace, SILENT)["firewall-rule-seen"].text == words
    assert SILENT.label is Label.SYN_NO_REPLY


def test_a_program_that_keeps_it_is_named_as_such() -> None:
    trace = FirewallTrace((stopped(stop=Stop.QUEUE),), {RULE: RuleName("queue num 0")})
    assert said(trace, SILENT)["firewall-rule-seen"].text == (
        "the rule 'queue num 0' in inet filter input hands the SYN to 127.0.0.1:62893 to a program, "
        "which does not let it go on"
    )


def test_what_nft_does_not_trace_is_said() -> None:
    found = said(FirewallTrace((walk(passed=("prerouting",)),)), SILENT)["firewall-seen-passing"]
    assert "behind prerouting" in found.text
    assert "iptables-legacy" in found.text
