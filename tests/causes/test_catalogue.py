"""Guards of the catalogue: every cause is complete, and every table that speaks about causes agrees."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from synscope.causes import catalogue, placeholders, priors
from synscope.causes.catalogue import CATALOGUE, by_code, by_slug
from synscope.causes.cause import Cause, Fix, Word
from synscope.causes.wording import LONGEST_HEADLINE
from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import ANYWHERE, Answer, Kind, Label
from synscope.reference.probing import PROBES

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
    "SYN112": "self-connection",
    "SYN121": "firewall-reject",
    "SYN122": "firewall-drop",
    "SYN124": "route-leads-away",
    "SYN125": "ebpf-program",
    "SYN126": "packet-discarded",
    "SYN127": "next-hop-silent",
    "SYN128": "link-down",
    "SYN131": "accept-queue-overflow",
    "SYN132": "resource-limits",
    "SYN133": "server-hung",
    "SYN134": "client-timeout-too-short",
    "SYN135": "deferred-accept",
    "SYN141": "port-out-of-range",
    "SYN142": "client-blocks-port",
    "SYN143": "proxy-misdirect",
    "SYN144": "name-resolution",
    "SYN145": "loopback-down",
    "SYN146": "stack-fault",
    "SYN147": "client-other-transport",
    "SYN148": "client-source-address",
    "SYN149": "source-port-in-use",
    "SYN150": "family-disabled",
    "SYN151": "protocol-mismatch",
    "SYN152": "tls-certificate",
    "SYN153": "application-error",
    "SYN154": "gateway-upstream",
    "SYN155": "service-loading",
    "SYN156": "service-limit",
    "SYN157": "redirect-elsewhere",
    "SYN158": "host-refused",
    "SYN159": "tcp-md5-wanted",
    "SYN161": "llm-backend",
    "SYN162": "context-service",
    "SYN163": "control-plane-endpoint",
    "SYN171": "exposure",
    "SYN172": "took-long",
    "SYN181": "one-address-refused",
    "SYN182": "reset-after-answer",
    "SYN183": "port-number-shortened",
}
"""Codes are promises to users: this list only ever grows."""

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
OBSERVED_NAME = "observed"
"""Stands for the words of an answer, in sentences that follow the summary."""
QUOTED_NAME = "quoted"
"""Stands for the words of somebody else in an answer, in headlines."""
CURL_FORMATS = {"time_starttransfer", "http_code", "size_download"}
FOLDER = Path(catalogue.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "causes"

every_cause = pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.slug)


def texts(cause: Cause) -> list[str]:
    """All texts of ``cause`` that a person reads."""
    return [*_fixed_texts(cause), *(text for _, text in (*cause.says, *cause.headlines))]


def _fixed_texts(cause: Cause) -> list[str]:
    """Those that quote no answer."""
    parts = [cause.title, cause.summary, cause.meaning, cause.decided_by, *cause.fixes]
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
    allowed = {*placeholders.NAMES, *CURL_FORMATS}
    assert found <= allowed | {OBSERVED_NAME, QUOTED_NAME}
    assert OBSERVED_NAME not in {name for text in _fixed_texts(cause) for name in PLACEHOLDER.findall(text)}


@every_cause
def test_stops_are_the_stages_of_the_priors(cause: Cause) -> None:
    assert set(priors.PRIORS.get(cause.code, {})) == set(cause.stops)
    assert bool(cause.stops) is (cause.kind is Kind.FAILURE)
    assert len(set(cause.stops)) == len(cause.stops)


@every_cause
def test_failures_never_show_where_nothing_can_be_said(cause: Cause) -> None:
    assert cause.labels
    if cause.kind is Kind.FAILURE:
        assert not {Label.MID_STREAM, Label.ONE_SIDED} & set(cause.labels)


@every_cause
def test_a_remark_shows_by_something(cause: Cause) -> None:
    assert cause.kind is Kind.FAILURE or cause.shows_by
    assert all(group for group in (*cause.shows_by, *cause.proof))


@every_cause
def test_predictions_do_not_speak_twice_of_one_sign(cause: Cause) -> None:
    signs = [sign for prediction in cause.predicts for sign in prediction.signs]
    assert len(set(signs)) == len(signs)
    assert all(prediction.signs for prediction in cause.predicts)
    assert all(sign.answer is not Answer.UNKNOWN for sign in signs)


@every_cause
def test_its_proof_does_not_rule_it_out(cause: Cause) -> None:
    unexpected = {
        sign for prediction in cause.predicts if prediction.word is Word.NEVER for sign in prediction.signs
    }
    for group in cause.proof:
        assert not set(group) & unexpected


@every_cause
def test_what_it_refines_exists_and_does_not_refine_it(cause: Cause) -> None:
    seen: set[str] = set()
    pending = list(cause.refines)
    while pending:
        slug = pending.pop()
        seen.add(slug)
        pending.extend(general for general in by_slug[slug].refines if general not in seen)
    assert cause.slug not in seen


@every_cause
def test_a_cause_speaks_of_no_other_and_has_no_number(cause: Cause) -> None:
    """But for ``refines`` and what people read."""
    tree = ast.parse((FOLDER / f"{cause.slug.replace('-', '_')}.py").read_text(encoding="utf-8"))
    (call,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "Cause"
    )
    model = [
        keyword.value
        for keyword in call.keywords
        if keyword.arg in {"stops", "predicts", "proof", "shows_by", "says", "headlines"}
    ]
    words = {node.value for part in model for node in ast.walk(part) if isinstance(node, ast.Constant)}
    assert all(isinstance(word, str) for word in words)
    assert not words & (set(by_slug) | set(by_code)) - set(QUESTIONS)
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= {"__future__", "synscope.causes.cause", "synscope.model"}


@every_cause
def test_it_has_advice_for_a_setting_that_nobody_knows(cause: Cause) -> None:
    assert any(not isinstance(fix, Fix) for fix in cause.fixes)
    used = [fix.where for fix in cause.fixes if isinstance(fix, Fix)]
    used += [check.where for check in cause.checks if check.where != ANYWHERE]
    for applies in used:
        assert applies != ANYWHERE
        assert applies.protocols <= set(PROBES)
        assert applies.systems <= {"linux", "macos", "windows"}
        assert applies.signs <= set(QUESTIONS)


@every_cause
def test_headlines_are_short_and_end_without_a_stop(cause: Cause) -> None:
    for _, headline in cause.headlines:
        assert len(headline) <= LONGEST_HEADLINE - 40
        assert not headline.endswith(".")


def test_every_cause_has_a_page() -> None:
    assert all((DOCS / f"{cause.slug}.md").exists() for cause in CATALOGUE)


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
