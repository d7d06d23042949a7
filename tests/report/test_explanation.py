"""Explanations: complete, in plain words, as text and as JSON."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from synscope.causes.catalogue import CATALOGUE
from synscope.engine.outcome import OUTCOME_RULES
from synscope.model import Kind, Label
from synscope.report import explanation, explanation_records, json_records
from synscope.report.lookup import look_up
from synscope.report.page import Look

QUERIES = [
    *(cause.code for cause in CATALOGUE),
    *(label.value for label in Label),
    *(rule.outcome.value for rule in OUTCOME_RULES),
    *("ECONNREFUSED", "ETIMEDOUT", "ERR_UNSAFE_PORT", "curl: (7) to localhost port 619009"),
    *("0", "80", "111", "6000", "8080", "40000", "50000", "62893", "65535", "65536", "619009"),
]


def explained(query: str, **look: object) -> str:
    answer = look_up(query)
    assert answer is not None
    return explanation.render(answer, Look(**look))  # type: ignore[arg-type]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("verbose", [False, True])
def test_everything_can_be_explained(query: str, *, verbose: bool) -> None:
    text = explained(query, verbose=verbose)
    for line in text.splitlines():
        assert cell_len(line) <= 80 or line.startswith("   "), line
    assert not any(name in text for name in ("{port}", "{host}", "{address}", "{wrapped}"))
    assert explained(query, unicode=False, verbose=verbose).isascii()


@pytest.mark.parametrize("query", QUERIES)
def test_the_same_as_json(query: str) -> None:
    answer = look_up(query)
    assert answer is not None
    found = json.loads(json_records.line(explanation_records.explanation(query, answer)))
    assert (found["type"], found["query"]) == ("explanation", query)
    assert found[found["about"]]


def test_a_cause_says_how_to_check_it_on_every_system() -> None:
    text = explained("SYN101")
    for words in (
        "service-not-running",
        "ss -ltnp 'sport = :PORT'",
        "lsof",
        "Get-NetTCPConnection",
        "Looks like",
    ):
        assert words in text


def test_a_label_lists_its_causes_by_how_usual_they_are() -> None:
    assert explanation.likely_causes(Label.SYN_RST)[0].slug == "service-not-running"
    assert explanation.likely_causes(Label.SYN_NO_REPLY)[0].slug == "firewall-drop"
    assert all(cause.kind is Kind.FAILURE for label in Label for cause in explanation.likely_causes(label))


def test_a_number_that_is_no_port() -> None:
    text = explained("619009")
    for words in ("not a port", "29185", "curl", "create_connection", "SYN141"):
        assert words in text
    assert "Bad port number" in explained("619009", verbose=True)


def test_a_port_that_browsers_refuse() -> None:
    assert "ERR_UNSAFE_PORT" in explained("6000")


def test_a_pasted_error_leads_on() -> None:
    text = explained("curl: (7) Failed to connect to localhost port 62893 after 0 ms")
    assert "On the wire" in text
    assert "SYN101" in text
    assert "synscope analyze CAPTURE -p 62893" in text


def test_a_pasted_port_out_of_range_is_noticed() -> None:
    assert "619009 is not a port" in explained("curl: (7) Failed to connect to localhost port 619009")


def test_the_catalogue_lists_every_cause_once() -> None:
    text = explanation.render_catalogue(Look())
    for cause in CATALOGUE:
        assert text.count(f"   {cause.code}  ") == 1
        assert f" {cause.slug}: " in text
    assert all(len(line) <= 80 for line in text.splitlines())
