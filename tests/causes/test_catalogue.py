"""Guards of the catalogue: every cause is complete, and every table that speaks about causes agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synscope.causes import catalogue, look_alikes, placeholders, priors
from synscope.causes.catalogue import CATALOGUE, by_code, by_slug
from synscope.causes.cause import Cause, Clue, Sign, no, shows, yes
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import Answer, Kind, Label, Source

CODES = {
    "SYN101": "service-not-running",
    "SYN102": "crashed-before-bind",
    "SYN103": "crashed-after-bind",
    "SYN104": "wrong-bind-address",
    "SYN105": "address-family-mismatch",
    "SYN106": "wrong-port",
    "SYN107": "startup-race",
    "SYN108": "port-conflict",
    "SYN109": "bind-permission-denied",
    "SYN110": "container-mapping",
    "SYN111": "security-policy",
    "SYN121": "firewall-reject",
    "SYN122": "firewall-drop",
    "SYN131": "accept-queue-overflow",
    "SYN132": "resource-limits",
    "SYN133": "server-hung",
    "SYN134": "client-timeout-too-short",
    "SYN141": "port-out-of-range",
    "SYN142": "client-blocks-port",
    "SYN143": "proxy-misdirect",
    "SYN144": "name-resolution",
    "SYN145": "loopback-down",
    "SYN146": "stack-fault",
    "SYN151": "protocol-mismatch",
    "SYN152": "tls-certificate",
    "SYN153": "application-error",
    "SYN154": "gateway-upstream",
    "SYN161": "llm-backend",
    "SYN162": "context-service",
    "SYN163": "control-plane-endpoint",
    "SYN171": "exposure",
    "SYN181": "one-address-refused",
    "SYN182": "reset-after-answer",
    "SYN183": "port-number-shortened",
}
"""Codes are promises to users: this list only ever grows."""

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
CURL_FORMATS = {"time_starttransfer", "http_code", "size_download"}
FOLDER = Path(catalogue.__file__).parent

every_cause = pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.slug)


def texts(cause: Cause) -> list[str]:
    """All texts of ``cause`` that a person reads."""
    parts = [cause.title, cause.summary, cause.meaning, cause.decided_by, *cause.fixes]
    parts += [clue.text for clue in cause.supports + cause.weakened_by]
    for check in cause.checks:
        parts += [check.command, check.expect, check.then]
    return parts


def test_codes_and_slugs_are_the_documented_ones() -> None:
    assert {cause.code: cause.slug for cause in CATALOGUE} == CODES


def test_codes_and_slugs_are_unique_and_in_order() -> None:
    codes = [cause.code for cause in CATALOGUE]
    assert len(by_code) == len(by_slug) == len(CATALOGUE)
    assert codes == sorted(codes)


def test_every_file_that_declares_a_cause_is_listed() -> None:
    declaring = {
        path.stem.replace("_", "-")
        for path in FOLDER.glob("*.py")
        if "\nCAUSE = Cause(" in path.read_text("utf-8")
    }
    assert declaring == set(by_slug)


@every_cause
def test_names_are_in_the_vocabulary(cause: Cause) -> None:
    assert set(cause.names) <= set(QUESTIONS)


def test_names_are_those_of_all_signs() -> None:
    made = by_code["SYN101"]._replace(
        signatures=(shows(Label.SYN_RST, requires=yes("a"), any_of=yes("b"), unless=no("c")),),
        supports=(Clue("d", 1, when=yes("e")),),
        weakened_by=(),
        contradicts=yes("f"),
        doubted_by=yes("g"),
        decisive=(yes("h"),),
    )
    assert made.names == tuple("abcdefgh")


@every_cause
def test_texts_are_complete(cause: Cause) -> None:
    assert cause.since
    assert cause.fixes
    assert cause.decided_by
    assert {check.os for check in cause.checks} >= {"linux", "macos", "windows"}
    assert cause.documented_in
    assert set(cause.documented_in) <= {"A", "B", "C", "field"}
    assert cause.references
    assert all(url.startswith("https://") for url in cause.references)
    assert all(text.strip() == text for text in texts(cause))


@every_cause
def test_texts_are_plain(cause: Cause) -> None:
    for text in [cause.title, cause.summary, cause.meaning, *cause.fixes]:
        assert "!" not in text
        assert "  " not in text
    assert cause.summary.endswith(".")
    assert not cause.title.endswith(".")


@every_cause
def test_placeholders_are_the_allowed_ones(cause: Cause) -> None:
    found = {name for text in texts(cause) for name in PLACEHOLDER.findall(text)}
    assert found - CURL_FORMATS <= set(placeholders.NAMES)


@every_cause
def test_every_label_has_a_prior_and_none_more(cause: Cause) -> None:
    assert cause.labels
    with_prior = {label for label in Label if priors.prior(cause.code, label) > 0}
    assert with_prior == set(cause.labels)


@every_cause
def test_failures_never_show_where_nothing_can_be_said(cause: Cause) -> None:
    if cause.kind is Kind.FAILURE:
        assert not {Label.MID_STREAM, Label.ONE_SIDED} & set(cause.labels)


@every_cause
def test_failures_of_a_completed_handshake_need_packets_or_bytes(cause: Cause) -> None:
    """How the host looks is never a failure by itself: the target may work."""
    if cause.kind is not Kind.FAILURE:
        return
    for signature in cause.signatures:
        if Label.COMPLETED in signature.labels:
            signs = signature.requires or signature.any_of
            seen = [sign for sign in signs if QUESTIONS[sign.name].source is not Source.HOST]
            # What a program of the command said of its own failure is one.
            said = {
                "other-program-owns-port",
                "bind-failed-in-use",
                "client-error-resources",
                "client-error-certificate",
            }
            # And so is a command that failed.
            failed = Sign("command-succeeded", Answer.NO) in signature.requires
            assert seen or failed or {sign.name for sign in signs} <= said
            assert Sign("some-completed") not in signs
            assert Sign("always-completed") not in signs


@every_cause
def test_clues_weigh_something_and_are_not_their_own_opposite(cause: Cause) -> None:
    for clue in cause.supports + cause.weakened_by:
        assert clue.weight > 0
        assert clue.answer is not Answer.UNKNOWN
    supporting = {(clue.sign, clue.when) for clue in cause.supports}
    assert not supporting & {(clue.sign, clue.when) for clue in cause.weakened_by}
    for group in cause.decisive:
        assert group
        assert not set(group) & set(cause.contradicts)


@every_cause
def test_what_it_refines_exists_and_does_not_refine_it(cause: Cause) -> None:
    seen: set[str] = set()
    pending = list(cause.refines)
    while pending:
        slug = pending.pop()
        seen.add(slug)
        pending.extend(general for general in by_slug[slug].refines if general not in seen)
    assert cause.slug not in seen


def test_the_registry_knows_all_failures() -> None:
    grouped = {code for group in look_alikes.GROUPS for code in group.codes}
    assert grouped == {cause.code for cause in CATALOGUE if cause.kind is Kind.FAILURE}


@pytest.mark.parametrize("group", look_alikes.GROUPS, ids=lambda group: group.slug)
def test_groups_are_consistent(group: look_alikes.Group) -> None:
    assert set(group.signs) <= set(QUESTIONS)
    assert len(set(group.codes)) == len(group.codes)
    for code in group.codes:
        assert set(by_code[code].labels) & set(group.labels), code
    for os in ("linux", "macos", "windows"):
        deciders = group.deciders_for(os)
        assert deciders
        assert {code for decider in deciders for _, code in decider.outcomes} <= set(group.codes)
    for decider in group.deciders:
        for text in (decider.command, *(result for result, _ in decider.outcomes)):
            assert set(PLACEHOLDER.findall(text)) <= set(placeholders.NAMES)


def test_look_alikes_are_mutual() -> None:
    for cause in CATALOGUE:
        for code in cause.look_alikes:
            assert cause.code in by_code[code].look_alikes


def test_the_deciding_group_is_the_one_with_the_most_of_the_codes() -> None:
    refused = look_alikes.deciding(Label.SYN_RST, ("SYN101", "SYN105", "SYN121"))
    assert refused is not None
    assert refused.slug == "refused"
    cut_short = look_alikes.deciding(Label.COMPLETED, ("SYN153", "SYN110", "SYN103"))
    assert cut_short is not None
    assert cut_short.slug == "cut-short"
    assert look_alikes.deciding(Label.MID_STREAM, ("SYN101",)) is None
    assert look_alikes.deciding(Label.SYN_RST, ()) is None


def test_groups_apply_by_label_and_sign() -> None:
    applying = look_alikes.applying((Label.SYN_NO_REPLY,), {"syn-unanswered", "refused-by-rst"})
    assert [group.slug for group in applying] == ["silent"]


@pytest.mark.parametrize("text", ["SYN101", "syn101", "101", " service-not-running ", "service_not_running"])
def test_find(text: str) -> None:
    found = catalogue.find(text)
    assert found is not None
    assert found.code == "SYN101"


@pytest.mark.parametrize("text", ["", "SYN", "SYN999", "nothing"])
def test_find_nothing(text: str) -> None:
    assert catalogue.find(text) is None


def test_suggest() -> None:
    assert catalogue.suggest("firewal-drop")[0] == "firewall-drop"
    assert set(catalogue.suggest("firewall")) == {"firewall-reject", "firewall-drop"}
    assert catalogue.suggest("") == ()


def test_a_signature_needs_a_sign() -> None:
    with pytest.raises(ValueError, match="without a sign"):
        shows(Label.COMPLETED)


def test_signs_read_as_words() -> None:
    assert [str(sign) for sign in yes("half-open") + no("listener-on-target")] == [
        "half-open",
        "not listener-on-target",
    ]
    assert Clue("half-open", 1, answer=Answer.NO).sign == Sign("half-open", Answer.NO)
