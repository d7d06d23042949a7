"""Nothing that a terminal would act on, or that hides, comes through."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.report.escape import OWN_SYMBOLS, ascii_only, visible, well_formed

ANY_TEXT = st.text(st.characters(), max_size=60)
"""Any code points at all: lone surrogates, controls and unassigned ones included."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Größe 10 µs → fertig", "Größe 10 µs → fertig"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("exe\u202egpj.", "exe\\u202egpj."),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("line\u2028break", "line\\u2028break"),
        ("caf\udce9.pcap", "caf\\xe9.pcap"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u3164", "\\u3164"),
    ],
)
def test_shows_what_is_hidden(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY_TEXT)
def test_nothing_hidden_is_left(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(character) for character in shown} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }
    assert visible(shown) == shown
    shown.encode()


@given(ANY_TEXT)
def test_ascii_is_ascii(text: str) -> None:
    assert ascii_only(text).isascii()
    assert ascii_only(text).isprintable()


def test_own_symbols_have_an_ascii_look() -> None:
    assert "\\" not in ascii_only(OWN_SYMBOLS)


@given(ANY_TEXT)
def test_well_formed_text_survives_strict_readers(text: str) -> None:
    json.dumps(well_formed(text), ensure_ascii=False).encode("utf-8", "strict")


def test_well_formed_leaves_the_rest_alone() -> None:
    assert well_formed("a\x1b\nµ\udcff") == "a\x1b\nµ\\xff"
