"""The ranker: from observations to findings, first as a table, then by what it promises, then by property."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synscope.causes.catalogue import CATALOGUE, by_slug
from synscope.causes.cause import Cause, always, never, usually, yes
from synscope.causes.placeholders import for_target, safe_host
from synscope.causes.priors import PRIORS
from synscope.causes.rank import MOST_STANDING, Placed, place, rank
from synscope.evidence.path import UNSENT
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import (
    Answer,
    Confidence,
    Facts,
    Finding,
    Kind,
    Label,
    Observation,
    Source,
    Stage,
    Target,
    TargetSummary,
)
from tests.causes.builders import PORT, facts, group, observe, standing

OUT_OF_RANGE = Target("localhost:619009", 619009, "localhost")
REFUSED_ALIKE = (
    "wrong-port wrong-bind-address address-family-mismatch crashed-before-bind crashed-after-bind "
    "container-mapping startup-race port-conflict"
)
RST, SILENT, NEVER, DONE = Label.SYN_RST, Label.SYN_NO_REPLY, Label.CLIENT_NEVER_SENT, Label.COMPLETED
LIKELY, CERTAIN, POSSIBLE = Confidence.LIKELY, Confidence.CERTAIN, Confidence.POSSIBLE
NO_LISTENER = "listener-on-target listener-on-other-address listener-on-other-family"


@dataclass(frozen=True)
class Case:
    """Observations, and what must come of them."""

    story: str
    label: Label
    yes: str
    first: str
    confidence: Confidence = Confidence.LIKELY
    also: str = ""
    no: str = ""
    not_standing: str = ""


CASES = (
    Case("refused", RST, "refused-by-rst always-refused", "service-not-running", also=REFUSED_ALIKE),
    Case(
        "race",
        RST,
        "refused-by-rst success-after-failures some-completed loopback-traffic rst-looks-like-kernel",
        "startup-race",
        also="service-not-running",
    ),
    Case("stopped", RST, "refused-by-rst failures-after-success some-completed", "crashed-after-bind"),
    Case("other family", RST, "refused-by-rst other-family-completed", "address-family-mismatch"),
    Case("other address", RST, "refused-by-rst other-address-completed", "wrong-bind-address"),
    Case("typo", RST, "refused-by-rst always-refused similar-port-completed", "wrong-port"),
    Case(
        "reject",
        RST,
        "refused-by-rst always-refused rst-looks-like-firewall loopback-traffic",
        "firewall-reject",
        also="service-not-running",
    ),
    Case(
        "reject by ICMP",
        SILENT,
        "refused-by-icmp loopback-traffic",
        "firewall-reject",
        also="container-mapping",
    ),
    Case("prohibited", SILENT, "unreachable-by-icmp loopback-traffic", "firewall-reject"),
    Case("model server", RST, "refused-by-rst port-usual-for-llm", "service-not-running"),
    Case("behind a gateway", RST, "refused-by-rst gateway-upstream-failed", "service-not-running"),
    Case(
        "nobody listens",
        RST,
        "refused-by-rst kernel-says-no-socket",
        "service-not-running",
        CERTAIN,
        also="wrong-port crashed-before-bind",
        no="listener-on-target listener-on-other-address listener-on-other-family kernel-saw-listener-open",
        not_standing="firewall-reject startup-race wrong-bind-address address-family-mismatch",
    ),
    Case(
        "rule and listener",
        RST,
        "refused-by-rst listener-on-target firewall-rule-rejects",
        "firewall-reject",
        CERTAIN,
    ),
    Case(
        "family, by the host",
        RST,
        "refused-by-rst listener-on-other-family",
        "address-family-mismatch",
        CERTAIN,
        no="listener-on-target",
        not_standing="wrong-bind-address firewall-reject",
    ),
    Case(
        "bind in use: the reason behind it",
        RST,
        "refused-by-rst bind-failed-in-use port-held kernel-says-no-socket",
        "port-conflict",
        CERTAIN,
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family",
    ),
    Case(
        "nobody listens, but listener-on-similar-port",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket listener-on-similar-port",
        "wrong-port",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but kernel-saw-listener-on-another-port",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket kernel-saw-listener-on-another-port",
        "wrong-port",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but kernel-saw-listener-on-another-port kernel-saw-listener-on-similar-port",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket "
        "kernel-saw-listener-on-another-port kernel-saw-listener-on-similar-port",
        "wrong-port",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but container-publishes-port",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket container-publishes-port",
        "container-mapping",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but kernel-saw-listener-open",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket kernel-saw-listener-open",
        "startup-race",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but kernel-saw-listener-close",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket kernel-saw-listener-close",
        "crashed-after-bind",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but listener-vanished",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket listener-vanished",
        "crashed-after-bind",
        CERTAIN,
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but listener-appeared-later",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket listener-appeared-later",
        "startup-race",
        CERTAIN,
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but program-crashed",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket program-crashed",
        "crashed-before-bind",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but bind-failed-in-use port-held",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket bind-failed-in-use port-held",
        "port-conflict",
        CERTAIN,
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but bind-failed-in-use",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket bind-failed-in-use",
        "port-conflict",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but bind-failed-permission",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket bind-failed-permission",
        "bind-permission-denied",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but bind-failed-permission port-needs-privilege",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket bind-failed-permission port-needs-privilege",
        "bind-permission-denied",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "nobody listens, but bind-failed-permission port-needs-privilege bind-failure-names-port",
        RST,
        "refused-by-rst client-error-refused kernel-says-no-socket "
        "bind-failed-permission port-needs-privilege bind-failure-names-port",
        "bind-permission-denied",
        CERTAIN,
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family listener-in-other-namespace",
    ),
    Case(
        "a container has it, not published",
        RST,
        "refused-by-rst kernel-says-no-socket client-error-refused "
        "listener-in-other-namespace listener-in-linked-namespace",
        "container-mapping",
        also="service-not-running",
        no="listener-on-target listener-on-other-address listener-on-other-family",
    ),
    Case(
        "reject, by the kernel",
        RST,
        "refused-by-rst kernel-says-firewall-reset",
        "firewall-reject",
        CERTAIN,
        not_standing="service-not-running startup-race crashed-before-bind wrong-port",
    ),
    Case(
        "not a reject, by the kernel",
        RST,
        "refused-by-rst kernel-says-stack-reset",
        "service-not-running",
        not_standing="firewall-reject",
    ),
    Case(
        "out of ports, by the kernel",
        DONE,
        "some-completed kernel-saw-connect-without-syn client-out-of-resources",
        "resource-limits",
        CERTAIN,
    ),
    Case(
        "a rule that came later",
        DONE,
        "always-completed firewall-rule-drops",
        "firewall-drop",
        no="command-succeeded http-client-error http-server-error http-gateway-error http-unavailable",
    ),
    Case(
        "stopped, and its queue is full",
        SILENT,
        "syn-unanswered accept-queue-full kernel-says-queue-full no-firewall-rule server-process-stopped",
        "server-hung",
        also="accept-queue-overflow",
    ),
    Case(
        "drop",
        SILENT,
        "syn-unanswered syn-repeated loopback-traffic",
        "firewall-drop",
        also="service-not-running accept-queue-overflow",
    ),
    Case(
        "queue",
        SILENT,
        "syn-unanswered syn-repeated loopback-traffic some-completed many-completed-before-silence",
        "accept-queue-overflow",
        also="firewall-drop server-hung",
    ),
    Case(
        "drop, by the kernel", SILENT, "syn-unanswered kernel-says-netfilter-drop", "firewall-drop", CERTAIN
    ),
    Case("half-open", Label.HALF_OPEN, "half-open", "firewall-drop"),
    Case(
        "619009",
        NEVER,
        "no-syn-to-target port-above-65535",
        "port-out-of-range",
        CERTAIN,
        not_standing="firewall-drop",
    ),
    Case("619009 through a proxy", NEVER, "no-syn-to-target port-zero", "port-out-of-range", CERTAIN),
    Case("proxy", NEVER, "no-syn-to-target proxy-request-names-target", "proxy-misdirect", CERTAIN),
    Case("a proxy that it blames", NEVER, "no-syn-to-target client-error-proxy", "proxy-misdirect"),
    Case("DNS", NEVER, "no-syn-to-target dns-query-for-localhost", "name-resolution"),
    Case("unresolved", NEVER, "no-syn-to-target client-error-name", "name-resolution"),
    Case(
        "unresolved, as the resolver says too",
        NEVER,
        "no-syn-to-target client-error-name localhost-resolves-wrong",
        "name-resolution",
        CERTAIN,
    ),
    Case(
        "a name that leads elsewhere",
        NEVER,
        "no-syn-to-target localhost-resolves-wrong went-where-name-leads client-error-refused",
        "name-resolution",
        CERTAIN,
    ),
    Case(
        "a proxy that was not reached, and a name that only the proxy knows",
        NEVER,
        "no-syn-to-target localhost-resolves-wrong client-error-unreachable proxy-configured",
        "name-resolution",
        also="proxy-misdirect",
    ),
    Case(
        "dropped on the way out",
        NEVER,
        "no-syn-to-target firewall-rule-drops kernel-saw-connect-without-syn",
        "firewall-drop",
        CERTAIN,
    ),
    Case(
        "rejected on the way out, by a rule",
        NEVER,
        "no-syn-to-target rst-without-syn firewall-rule-rejects",
        "firewall-reject",
        CERTAIN,
    ),
    Case("typo, never sent", NEVER, "no-syn-to-target similar-port-completed", "wrong-port"),
    Case("lo is down", NEVER, "no-syn-to-target loopback-is-down", "loopback-down", CERTAIN),
    Case(
        "TLS to plain",
        DONE,
        "always-completed tls-to-plain-server closed-before-answer",
        "protocol-mismatch",
        CERTAIN,
    ),
    Case(
        "plain to TLS",
        DONE,
        "always-completed plain-to-tls-server http-client-error",
        "protocol-mismatch",
        CERTAIN,
        not_standing="application-error",
    ),
    Case("SSH", DONE, "always-completed other-protocol-greeting", "protocol-mismatch"),
    Case(
        "SSH, and nothing else would have the port",
        DONE,
        "always-completed other-protocol-greeting",
        "protocol-mismatch",
        CERTAIN,
        no="kernel-saw-bind-in-use listener-on-similar-port",
    ),
    Case("certificate", DONE, "always-completed tls-certificate-rejected", "tls-certificate"),
    Case(
        "certificate, alert",
        DONE,
        "always-completed tls-certificate-rejected tls-alert",
        "tls-certificate",
        CERTAIN,
    ),
    Case("404", DONE, "always-completed http-client-error", "application-error"),
    Case("500", DONE, "always-completed http-server-error", "application-error", CERTAIN),
    Case("502", DONE, "always-completed http-gateway-error", "gateway-upstream", also="application-error"),
    Case("503", DONE, "always-completed http-unavailable", "application-error", also="gateway-upstream"),
    Case(
        "503 of a gateway's program",
        DONE,
        "always-completed http-unavailable balancer-owns-port",
        "gateway-upstream",
        also="application-error",
        no="http-gateway-error",
    ),
    Case(
        "503 after a failed attempt of its own",
        DONE,
        "always-completed http-unavailable failed-attempt-before-error",
        "gateway-upstream",
        CERTAIN,
    ),
    Case(
        "500 after a failed attempt of its own",
        DONE,
        "always-completed http-server-error failed-attempt-before-error",
        "gateway-upstream",
        also="application-error",
    ),
    Case(
        "503 of a model server",
        DONE,
        "always-completed http-unavailable llm-api",
        "llm-backend",
        also="application-error gateway-upstream",
    ),
    Case("a model without memory", DONE, "http-server-error model-failed llm-api", "llm-backend", CERTAIN),
    Case(
        "503 of an agent",
        DONE,
        "always-completed http-unavailable control-plane-api",
        "control-plane-endpoint",
        also="application-error gateway-upstream",
    ),
    Case("WebSocket, a page", DONE, "always-completed upgrade-refused", "protocol-mismatch"),
    Case("a banner for an answer", DONE, "always-completed answer-not-http", "protocol-mismatch", CERTAIN),
    Case("TLS declined", DONE, "always-completed tls-declined", "protocol-mismatch", CERTAIN),
    Case(
        "loading",
        DONE,
        "always-completed http-gateway-error http-loading",
        "llm-backend",
        also="gateway-upstream",
    ),
    Case(
        "loading model",
        DONE,
        "always-completed http-gateway-error http-loading llm-api port-usual-for-llm",
        "llm-backend",
        CERTAIN,
    ),
    Case(
        "reset before answer",
        DONE,
        "always-completed reset-before-answer",
        "application-error",
        also="protocol-mismatch crashed-after-bind",
    ),
    Case("closed before answer", DONE, "closed-before-answer", "application-error", also="container-mapping"),
    Case(
        "closed, by a balancer",
        DONE,
        "always-completed closed-before-answer balancer-owns-port upstream-attempt-failed",
        "gateway-upstream",
        Confidence.CERTAIN,
        also="container-mapping",
        no="http-gateway-error",
    ),
    Case(
        "closed, by a forwarder",
        DONE,
        "always-completed closed-before-answer container-publishes-port",
        "container-mapping",
    ),
    Case(
        "silent, a forwarder",
        DONE,
        "always-completed server-silent request-acknowledged client-gave-up container-publishes-port",
        "container-mapping",
        also="server-hung",
    ),
    Case(
        "http to Redis",
        DONE,
        "always-completed closed-before-answer owner-speaks-otherwise",
        "protocol-mismatch",
        CERTAIN,
    ),
    Case(
        "http to Redis, which has the port of another",
        DONE,
        "always-completed some-completed closed-before-answer owner-speaks-otherwise bind-failed-in-use",
        "port-conflict",
        also="protocol-mismatch",
    ),
    Case(
        "reset by a rule",
        DONE,
        "always-completed loopback-traffic reset-before-answer rst-looks-like-firewall firewall-rule-rejects",
        "firewall-reject",
        CERTAIN,
    ),
    Case(
        "hung",
        DONE,
        "always-completed server-silent request-acknowledged client-gave-up",
        "server-hung",
        also="client-timeout-too-short container-mapping",
    ),
    Case("cut off", DONE, "always-completed server-silent request-not-acknowledged", "firewall-drop"),
    Case("sidecar", RST, "refused-by-rst port-usual-for-control-plane", "service-not-running"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.story)
def test_what_the_observations_mean(case: Case) -> None:
    findings = rank(facts(case.label, case.yes, case.no))
    found = standing(findings)
    assert findings[0].slug == next(iter(found)) == case.first
    assert findings[0].confidence is case.confidence
    assert set(case.also.split()) <= set(found)
    assert not set(case.not_standing.split()) & set(found)
    assert len(found) <= MOST_STANDING
    if case.confidence is not CERTAIN:
        assert CERTAIN not in found.values()


# -- what it promises ---------------------------------------------------------------------------------


def test_a_command_that_ends_well_makes_no_failure_of_words() -> None:
    for said in ("bind-failed-in-use", "client-error-certificate tls-spoken", "client-error-resources"):
        assert not standing(rank(facts(DONE, f"some-completed command-succeeded {said}", "")))
        assert standing(rank(facts(DONE, f"some-completed {said}", "command-succeeded")))


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (DONE, "always-completed some-completed loopback-traffic target-is-loopback"),
        (DONE, "always-completed some-completed reset-by-client listener-on-target no-firewall-rule"),
        (DONE, "always-completed container-publishes-port proxy-configured server-out-of-descriptors"),
        (DONE, "always-completed port-usual-for-llm llm-api port-usual-for-context context-api"),
        (Label.MID_STREAM, "loopback-traffic"),
        (Label.ONE_SIDED, "loopback-traffic http-server-error"),
    ],
)
def test_a_target_that_works_has_no_findings(label: Label, told: str) -> None:
    assert rank(facts(label, told, "listener-appeared-later listener-on-other-address")) == ()


def test_recovered_at_the_other_address_is_only_a_note() -> None:
    recovered = facts(
        DONE,
        "recovered-at-other-address always-completed some-completed refused-address-is-ipv6-only",
        "refused-by-rst always-refused syn-unanswered",
    )
    assert [(found.slug, found.kind) for found in rank(recovered)] == [("one-address-refused", Kind.NOTE)]


def test_a_command_that_got_over_a_refusal_has_no_failure() -> None:
    refused = "refused-by-rst some-completed recovered-at-other-address listener-on-other-family"
    assert not standing(rank(facts(RST, f"{refused} command-succeeded")))
    assert standing(rank(facts(RST, refused, "command-succeeded")))


def test_a_warning_does_not_fail_a_target_and_comes_after_failures() -> None:
    (warning,) = rank(facts(DONE, "always-completed listener-exposed"))
    assert (warning.slug, warning.kind, warning.confidence) == ("exposure", Kind.WARNING, CERTAIN)
    both = rank(facts(DONE, "always-completed listener-exposed reset-after-answer http-server-error"))
    kinds = [found.kind for found in both if found.confidence is not Confidence.RULED_OUT]
    assert kinds == sorted(kinds, key=list(Kind).index)
    assert set(kinds) == set(Kind)


def test_a_shortened_number_is_a_note_where_it_arrives() -> None:
    (note,) = rank(facts(DONE, "always-completed host-header-out-of-range", target=Target("29185", 29185)))
    assert note.slug == "port-number-shortened"


def test_trouble_of_better_attempts_does_not_come_first() -> None:
    mixed = facts(RST, "refused-by-rst http-server-error", groups=(group("::1", RST), group("::1", DONE)))
    found = standing(rank(mixed))
    assert next(iter(found)) == "service-not-running"
    assert found["application-error"] in {LIKELY, POSSIBLE}


def test_two_proofs_that_disagree_leave_nothing_certain() -> None:
    disagree = rank(
        facts(RST, "refused-by-rst listener-on-other-address listener-on-other-family", "listener-on-target")
    )
    assert [finding.confidence for finding in disagree[:2]] == [LIKELY, LIKELY]
    assert "points two ways" in disagree[1].reason
    assert CERTAIN not in standing(disagree).values()


def test_the_general_reason_leads_where_nothing_more_is_known() -> None:
    for label, told, first in (
        (RST, "refused-by-rst", "service-not-running"),
        (SILENT, "syn-unanswered", "firewall-drop"),
        (DONE, "closed-before-answer", "application-error"),
        (DONE, "server-silent request-acknowledged", "server-hung"),
    ):
        found = standing(rank(facts(label, told)))
        assert next(iter(found)) == first
        assert CERTAIN not in found.values()


def test_a_general_reason_is_certain_while_special_ones_stay_open() -> None:
    found = standing(rank(facts(RST, "refused-by-rst kernel-says-no-socket", NO_LISTENER)))
    assert found["service-not-running"] is CERTAIN
    assert found["crashed-before-bind"] is POSSIBLE


def test_a_special_reason_with_evidence_of_its_own_leads_its_general_one() -> None:
    found = standing(rank(facts(RST, "refused-by-rst kernel-says-no-socket program-crashed", NO_LISTENER)))
    assert list(found)[:2] == ["crashed-before-bind", "service-not-running"]
    assert CERTAIN not in found.values()


def test_a_service_that_speaks_is_mapped() -> None:
    elsewhere = "service-error listener-in-other-namespace listener-in-linked-namespace some-completed"
    found = rank(facts(DONE, elsewhere, "service-full redirect-leaves-loopback"))
    assert standing(found)["application-error"] is CERTAIN
    assert "container-mapping" not in standing(found)


@pytest.mark.parametrize(
    ("label", "told", "denied"),
    [
        (SILENT, "syn-unanswered kernel-says-signature-drop", ""),
        (SILENT, "syn-unanswered others-sign-their-syn some-completed", ""),
        (SILENT, "syn-unanswered listener-wants-signature signature-drops-counted", "syn-is-signed"),
    ],
)
def test_signed_tcp_is_certain_by_the_kernel_or_by_both_sides(label: Label, told: str, denied: str) -> None:
    found = standing(rank(facts(label, told, denied)))
    assert next(iter(found.items())) == ("tcp-md5-wanted", CERTAIN)


@pytest.mark.parametrize(
    ("told", "denied"),
    [
        # Another program's connections may have moved the counters.
        ("syn-unanswered signature-drops-counted", ""),
        ("syn-unanswered syn-is-signed", ""),
        ("syn-unanswered listener-wants-signature", ""),
        ("syn-unanswered listener-wants-signature signature-drops-counted", "kernel-says-signature-drop"),
    ],
)
def test_signed_tcp_is_not_certain_by_less(told: str, denied: str) -> None:
    assert standing(rank(facts(SILENT, told, denied))).get("tcp-md5-wanted") is not CERTAIN


def test_a_drop_by_the_kernel_itself_has_a_general_word() -> None:
    for label, told in ((SILENT, "syn-unanswered"), (Label.CLIENT_NEVER_SENT, "no-syn-to-target")):
        found = standing(rank(facts(label, f"{told} kernel-says-other-drop")))
        assert next(iter(found.items())) == ("packet-discarded", CERTAIN)
        denied = "kernel-says-other-drop kernel-says-unclear-drop connection-tracking-full discards-counted"
        assert "packet-discarded" not in standing(rank(facts(label, told, denied)))


def test_the_kernels_word_on_a_stop_narrows_the_bracket() -> None:
    wide = {each.candidate.cause.slug for each in place(facts(RST, "refused-by-rst"))}
    narrow = {each.candidate.cause.slug for each in place(facts(RST, "refused-by-rst kernel-says-no-socket"))}
    assert "accept-queue-overflow" in wide - narrow
    assert "service-not-running" in narrow


def test_could_not_tell_is_neither_yes_nor_no() -> None:
    known = facts(RST, "refused-by-rst", "")
    unsure = facts(
        RST, "refused-by-rst", unknown="listener-on-target kernel-says-no-socket firewall-rule-rejects"
    )
    assert standing(rank(known)) == standing(rank(unsure))
    top = rank(unsure)[0]
    assert any("could not tell" in line for line in top.unknown)
    assert any(QUESTIONS["listener-on-target"].meaning in line for line in top.unknown)


def test_ruled_out_names_what_contradicts_it() -> None:
    findings = rank(facts(RST, "refused-by-rst kernel-says-no-socket rst-looks-like-firewall"))
    reject = next(
        each for each in place(facts(RST, "refused-by-rst kernel-says-stack-reset")) if is_reject(each)
    )
    assert reject.confidence is Confidence.RULED_OUT
    assert "kernel-says-stack-reset: yes" in reject.reason
    assert all(
        finding.against[0].source is Source.KERNEL
        for finding in findings
        if finding.slug == "firewall-reject"
    )


def is_reject(placed: Placed) -> bool:
    """Whether it is firewall-reject."""
    return placed.candidate.cause.slug == "firewall-reject"


def test_evidence_carries_source_text_and_frames() -> None:
    top = rank(facts(RST, "refused-by-rst always-refused"))[0]
    assert {(piece.source, piece.frames) for piece in top.evidence} == {(Source.PACKETS, (7,))}
    assert "refused-by-rst: yes" in {piece.text for piece in top.evidence}
    assert "SYN106" in top.look_alikes
    assert "SYN101" not in top.look_alikes


def test_an_observation_without_text_speaks_by_its_meaning() -> None:
    silent = facts(RST, "refused-by-rst kernel-says-no-socket", "listener-on-target")
    for name, seen in list(silent.observations.items()):
        silent.observations[name] = Observation(name, seen.answer, seen.source, "")
    texts = {piece.text for piece in rank(silent)[0].evidence}
    assert QUESTIONS["refused-by-rst"].meaning in texts
    assert f"not so: {QUESTIONS['listener-on-target'].meaning}" in texts


def test_placeholders_are_filled() -> None:
    for finding in rank(facts(RST, "refused-by-rst", groups=(group("::1", RST),))):
        for text in (
            finding.title,
            finding.summary,
            *finding.fixes,
            *(check.command for check in finding.checks),
        ):
            assert "{port}" not in text
            assert "{host}" not in text
            assert "{address}" not in text
    top = rank(facts(RST, "refused-by-rst"))[0]
    assert top.title == "Nothing is listening on port 62893"
    assert "ss -ltnp 'sport = :62893'" in [check.command for check in top.checks]


def test_out_of_range_says_where_it_wraps_to() -> None:
    top = rank(facts(NEVER, "no-syn-to-target port-above-65535", target=OUT_OF_RANGE))[0]
    assert top.title == "619009 is not a port a client can connect to (1 to 65535)"
    assert "29185" in top.summary


# -- a cause more -------------------------------------------------------------------------------------


def _throw_away(*, slug: str = "throw-away", refines: tuple[str, ...] = ("service-not-running",)) -> Cause:
    return by_slug["crashed-before-bind"]._replace(
        code="SYN999",
        slug=slug,
        stops=(Stage.LISTENER,),
        predicts=(
            always("bound-not-listening"),
            usually("program-crashed"),
            never("kernel-saw-listener-close"),
        ),
        proof=(yes("bound-not-listening", "kernel-says-no-socket"),),
        shows_by=(),
        refines=refines,
        says=(("bound-not-listening", "It never came to listen."),),
    )


def test_a_new_cause_is_one_file_and_two_lines() -> None:
    catalogue = (*CATALOGUE, _throw_away())
    priors = {**PRIORS, "SYN999": {Stage.LISTENER: 10}}
    told = "refused-by-rst kernel-says-no-socket bound-not-listening"
    top = rank(facts(RST, told, NO_LISTENER), catalogue, priors)[0]
    assert (top.slug, top.confidence) == ("throw-away", CERTAIN)
    assert top.summary.endswith("It never came to listen.")
    placed = place(facts(RST, "refused-by-rst", "bound-not-listening"), catalogue, priors)
    assert {each.confidence for each in placed if each.candidate.cause.slug == "throw-away"} == {
        Confidence.RULED_OUT
    }


# -- texts that are pasted into a shell ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "address", "host", "bare"),
    [
        (PORT, None, "localhost", "127.0.0.1"),
        (PORT, "::1", "[::1]", "::1"),
        (Target("x", 1, "::1"), None, "[::1]", "::1"),
        (Target("x", 1, "[::1]"), None, "[::1]", "::1"),
        (Target("x", 1, "db_1.local"), "10.0.0.5", "db_1.local", "10.0.0.5"),
        (Target("x", 1, "$(reboot)"), None, "localhost", "127.0.0.1"),
        (Target("x", 1, "-rf"), None, "localhost", "127.0.0.1"),
        (Target("x", 1, "a:b"), None, "localhost", "127.0.0.1"),
        (Target("x", 1, ""), None, "localhost", "127.0.0.1"),
        (PORT, "fe80::1%eth0", "localhost", "127.0.0.1"),
    ],
)
def test_hosts_are_safe_to_paste(target: Target, address: str | None, host: str, bare: str) -> None:
    groups = () if address is None else (group(address, RST),)
    values = for_target(TargetSummary(target, RST, {RST: 1}, groups))
    assert (values.host, values.address) == (host, bare)


def test_the_address_seen_is_that_of_the_failing_attempts() -> None:
    groups = (group("192.0.2.9", DONE), group("127.0.0.2", RST))
    assert for_target(TargetSummary(PORT, RST, {RST: 1, DONE: 1}, groups)).address == "127.0.0.2"


@given(st.text())
def test_any_host_is_safe_to_paste(text: str) -> None:
    safe = safe_host(text)
    assert safe
    assert not safe.startswith("-")
    assert set(safe) <= set(string.ascii_letters + string.digits + ".:_-")


def test_fill_replaces_once_and_leaves_other_braces() -> None:
    values = for_target(TargetSummary(PORT, RST, {}, ()))
    assert (
        values.fill("awk '{print $1}' {{.Names}} {port} {nothing}")
        == "awk '{print $1}' {{.Names}} 62893 {nothing}"
    )


# -- by property --------------------------------------------------------------------------------------

answers = st.dictionaries(st.sampled_from(list(QUESTIONS)), st.sampled_from(Answer))
labels = st.sampled_from(Label)


def _contradicted(found: Finding, given_answers: Mapping[str, Answer]) -> bool:
    for prediction in by_slug[found.slug].predicts:
        holding = [sign for sign in prediction.signs if given_answers.get(sign.name) is sign.answer]
        if prediction.word.value == "never" and holding:
            return True
        told = [
            given_answers.get(sign.name, Answer.UNKNOWN) is not Answer.UNKNOWN for sign in prediction.signs
        ]
        if prediction.word.value == "always" and not holding and all(told):
            return True
    return False


@settings(max_examples=300, deadline=None)
@given(labels, answers, st.sets(labels, max_size=2), st.randoms(use_true_random=False))
def test_properties_of_any_answer(
    label: Label, given_answers: dict[str, Answer], others: set[Label], rng: random.Random
) -> None:
    groups = tuple(group("127.0.0.1", each) for each in sorted({label, *others}))
    summary = TargetSummary(PORT, label, dict.fromkeys({label, *others}, 1), groups)
    observations = {name: observe(name, answer) for name, answer in given_answers.items()}
    findings = rank(Facts(summary, observations))

    shuffled = list(observations.items())
    rng.shuffle(shuffled)
    assert rank(Facts(summary, dict(shuffled))) == findings

    failures = [found for found in findings if found.kind is Kind.FAILURE]
    assert sum(found.confidence is CERTAIN for found in failures) <= 1
    assert len(standing(findings)) <= MOST_STANDING
    for found in findings:
        assert _contradicted(found, given_answers) is (found.confidence is Confidence.RULED_OUT)
        if found.confidence is CERTAIN:
            proof = by_slug[found.slug].proof
            assert any(all(given_answers.get(s.name) is s.answer for s in signs) for signs in proof)
        assert found.reason.endswith(".")
        assert found.code not in found.look_alikes
    ruled_out = [found.confidence is Confidence.RULED_OUT for found in findings]
    assert all(first <= second for first, second in pairwise(ruled_out))
    if label in {Label.MID_STREAM, Label.ONE_SIDED} and not others:
        assert not [found for found in failures if found.confidence is not Confidence.RULED_OUT] or (
            any(given_answers.get(name) is Answer.YES for name in UNSENT)
        )


@settings(max_examples=200, deadline=None)
@given(labels, answers)
def test_unknown_is_the_same_as_missing(label: Label, given_answers: dict[str, Answer]) -> None:
    def order(known: Mapping[str, Answer]) -> list[tuple[str, Confidence]]:
        observations = {name: observe(name, answer) for name, answer in known.items()}
        return [
            (found.slug, found.confidence)
            for found in rank(Facts(TargetSummary(PORT, label, {label: 1}, ()), observations))
        ]

    told = {name: answer for name, answer in given_answers.items() if answer is not Answer.UNKNOWN}
    assert order(given_answers) == order(told)


@settings(max_examples=100, deadline=None)
@given(labels, answers)
def test_every_candidate_has_its_computation(label: Label, given_answers: dict[str, Answer]) -> None:
    observations = {name: observe(name, answer) for name, answer in given_answers.items()}
    placed = place(Facts(TargetSummary(PORT, label, {label: 1}, ()), observations))
    rivals = [
        each
        for each in placed
        if each.candidate.cause.kind is Kind.FAILURE and each.confidence is not Confidence.RULED_OUT
    ]
    assert not rivals or sum(each.probability for each in rivals) == pytest.approx(1)
    for each in placed:
        candidate = each.candidate
        assert candidate.score == pytest.approx(
            candidate.prior + sum(item.weight for item in candidate.factors)
        )
        assert set(candidate.stages) or candidate.cause.kind is not Kind.FAILURE


def test_every_cause_can_be_reached() -> None:
    """Each cause stands under one of its labels when its proof, or else what it shows by and expects, is there."""
    for cause in CATALOGUE:
        expected = [
            prediction.signs[0]
            for prediction in cause.predicts
            if prediction.word.value in {"always", "usually"}
        ]
        signs = {*(cause.proof[0] if cause.proof else ()), *expected, *(group[0] for group in cause.shows_by)}
        told = {sign.name: observe(sign.name, sign.answer) for sign in signs}
        told["command-succeeded"] = observe("command-succeeded", Answer.NO)
        reached = {
            finding.slug
            for label in cause.labels
            for finding in rank(Facts(TargetSummary(PORT, label, {label: 1}, ()), told))
            if finding.confidence is not Confidence.RULED_OUT
        }
        assert cause.slug in reached, cause.slug


REFUSED = "refused-by-rst always-refused kernel-says-no-socket rst-looks-like-kernel"


@pytest.mark.parametrize(
    "doubt", ["udp-or-unix-lookalike", "server-without-listener", "command-starts-background"]
)
def test_a_doubt_takes_the_certainty(doubt: str) -> None:
    sure = standing(rank(facts(Label.SYN_RST, REFUSED, "listener-on-target")))
    assert sure["service-not-running"] is Confidence.CERTAIN
    found = standing(rank(facts(Label.SYN_RST, f"{REFUSED} {doubt}", "listener-on-target")))
    assert Confidence.CERTAIN not in found.values()


def test_a_server_of_udp_is_no_server_of_tcp() -> None:
    found = standing(rank(facts(Label.SYN_RST, f"{REFUSED} udp-serves-port", "listener-on-target")))
    assert next(iter(found.items())) == ("client-other-transport", Confidence.LIKELY)


def test_by_packets_alone_another_transport_is_named_and_never_early() -> None:
    found = list(standing(rank(facts(Label.SYN_RST, "refused-by-rst always-refused rst-looks-like-kernel"))))
    assert found[0] == "service-not-running"
    assert found.index("client-other-transport") > 4


def test_the_usual_owner_of_a_port_outlives_the_cut() -> None:
    told = "refused-by-rst port-usual-for-control-plane port-usual-for-llm port-usual-for-context"
    found = standing(rank(facts(RST, told)))
    assert len(found) <= MOST_STANDING
    named = set(found)
    assert {"service-not-running", "control-plane-endpoint", "llm-backend", "context-service"} <= named


def test_without_a_syn_what_the_clients_own_end_can_lack_is_named() -> None:
    denied = (
        "port-above-65535 port-zero port-blocked-by-clients wrapped-port-seen rst-without-syn refused-by-icmp"
    )
    denied = f"{denied} unreachable-by-icmp rst-looks-like-firewall syn-repeated another-port-failed"
    found = standing(rank(facts(Label.CLIENT_NEVER_SENT, "no-syn-to-target target-is-loopback", denied)))
    named = set(found)
    lacking = {"client-source-address", "source-port-in-use", "family-disabled", "client-other-transport"}
    assert {*lacking, "container-mapping", "security-policy", "firewall-drop"} <= named
    assert len(found) <= MOST_STANDING
