"""What people ask ``explain`` about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.causes.catalogue import CATALOGUE
from synscope.causes.cause import Cause
from synscope.engine.outcome import OUTCOME_RULES, OutcomeRule
from synscope.model import Label
from synscope.report.lookup import ErrorAnswer, PortAnswer, look_up, suggestions


@pytest.mark.parametrize("cause", CATALOGUE, ids=lambda cause: cause.code)
def test_causes(cause: Cause) -> None:
    assert look_up(cause.code) is cause
    assert look_up(cause.code.lower()) is cause
    assert look_up(cause.slug) is cause
    assert look_up(cause.slug.replace("-", " ")) is cause


@pytest.mark.parametrize("label", Label)
def test_labels(label: Label) -> None:
    assert look_up(label.value) is label
    assert look_up(label.value.upper().replace("-", "_")) is label


@pytest.mark.parametrize("rule", OUTCOME_RULES, ids=lambda rule: rule.outcome.value)
def test_outcomes(rule: OutcomeRule) -> None:
    found = look_up(rule.outcome.value)
    assert found is rule or found is Label.MID_STREAM


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ECONNREFUSED", "ECONNREFUSED"),
        ("ERR_CONNECTION_REFUSED", "ECONNREFUSED"),
        ("[Errno 111]", "ECONNREFUSED"),
        ("WinError 10061", "ECONNREFUSED"),
        ("curl: (7) Failed to connect to localhost port 62893 after 0 ms: Could not connect", "ECONNREFUSED"),
        ("ERR_UNSAFE_PORT", "ERR_UNSAFE_PORT"),
    ],
)
def test_errors(text: str, name: str) -> None:
    found = look_up(text)
    assert isinstance(found, ErrorAnswer)
    assert name in {item.name for item in found.meanings} | {
        s for item in found.meanings for s in item.spellings
    }


def test_an_error_keeps_the_port_it_mentions() -> None:
    found = look_up("curl: (7) Failed to connect to localhost port 62893")
    assert isinstance(found, ErrorAnswer)
    assert found.port == 62893


@pytest.mark.parametrize("text", ["619009", "localhost:619009", "http://localhost:619009/", " 619009 "])
def test_ports(text: str) -> None:
    found = look_up(text)
    assert isinstance(found, PortAnswer)
    assert found.port == 619009


def test_a_number_may_be_an_error_as_well() -> None:
    found = look_up("111")
    assert isinstance(found, PortAnswer)
    assert "ECONNREFUSED" in {item.name for item in found.errors}


@pytest.mark.parametrize("text", ["", "   ", "nonsense", "9" * 50])
def test_unknown(text: str) -> None:
    assert look_up(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [("ECONNREFUSD", "ECONNREFUSED"), ("syn-rts", "SYN-RST"), ("firewal-drop", "firewall-drop")],
)
def test_suggestions(text: str, meant: str) -> None:
    assert look_up(text) is None
    assert meant in suggestions(text)


@given(st.text(st.characters(), max_size=200))
def test_any_text_is_answered_or_not(text: str) -> None:
    look_up(text)
    suggestions(text)
