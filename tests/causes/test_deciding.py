"""What would decide is computed."""

from __future__ import annotations

from collections import Counter

from synscope.causes.catalogue import CATALOGUE, by_slug
from synscope.causes.deciding import MOST_QUESTIONS, deciders, look_alikes, neighbours
from synscope.causes.rank import place, rank
from synscope.model import Confidence, Kind, Label
from tests.causes.builders import facts

REFUSED = [by_slug[slug] for slug in ("service-not-running", "wrong-bind-address", "crashed-before-bind")]
KNOWN = facts(Label.SYN_RST, "refused-by-rst").observations


def test_the_list_of_listeners_decides_about_a_refusal() -> None:
    for system, word in (("linux", "ss "), ("macos", "lsof "), ("windows", "Get-NetTCPConnection ")):
        first = next(each for each in deciders(REFUSED, Label.SYN_RST, KNOWN) if each.os == system)
        assert first.command.startswith(word)
        assert "SYN104" in {code for _, code in first.outcomes}


def test_no_system_gets_more_than_a_few() -> None:
    found = deciders(CATALOGUE[:20], Label.SYN_RST, KNOWN)
    assert set(Counter(each.os for each in found).values()) <= set(range(1, MOST_QUESTIONS + 1))
    assert len({(each.os, each.command) for each in found}) == len(found)


def test_what_was_answered_is_not_asked_again() -> None:
    asked = {name for each in deciders(REFUSED, Label.SYN_RST, KNOWN) for name, _ in each.outcomes}
    told = facts(Label.SYN_RST, "refused-by-rst", "program-crashed").observations
    later = {name for each in deciders(REFUSED, Label.SYN_RST, told) for name, _ in each.outcomes}
    assert later < asked


def test_one_cause_needs_no_decision() -> None:
    assert deciders(REFUSED[:1], Label.SYN_RST, KNOWN) == ()


def test_results_point_to_causes_that_stand() -> None:
    codes = {cause.code for cause in REFUSED}
    assert all(code in codes for each in deciders(REFUSED, Label.SYN_RST, KNOWN) for _, code in each.outcomes)


def test_look_alikes_are_the_other_failures_that_stand() -> None:
    standing = [each.candidate for each in place(facts(Label.SYN_RST, "refused-by-rst"))]
    failures = [each for each in standing if each.cause.kind is Kind.FAILURE]
    assert len(failures) > 1
    assert look_alikes(failures[0], standing) == tuple(failures[1:])


def test_as_many_are_counted_as_the_report_names() -> None:
    first, *others = rank(facts(Label.SYN_RST, "refused-by-rst"))
    assert f"{len(first.look_alikes)} other causes look the same here" in first.reason
    assert len(first.look_alikes) == sum(
        each.kind is Kind.FAILURE and each.confidence is not Confidence.RULED_OUT for each in others
    )


def test_neighbours_stop_a_connection_at_the_same_stage() -> None:
    first = by_slug["wrong-bind-address"]
    assert "SYN101" in neighbours(first)
    assert first.code not in neighbours(first)
    assert neighbours(by_slug["exposure"]) == ()
