"""A line a target."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from synscope.report import quiet
from synscope.report.page import Look

from .hostile import everywhere, texts
from .samples import SAMPLES, answered, diagnosis, refused, target


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("refused", "port 62893: SYN-RST, Nothing is listening on port 62893 [likely · SYN101]"),
        ("healthy", "port 8080: completed, healthy"),
        ("mid-stream", "port 62893: mid-stream, the connection began before the capture did"),
        ("empty", "no attempt to connect"),
    ],
)
def test_line(name: str, line: str) -> None:
    assert quiet.render(SAMPLES[name], Look()) == line + "\n"


def test_several_captures_are_named() -> None:
    text = quiet.render(diagnosis(target(refused()), target(answered()), capture="-"), Look(), headed=True)
    assert [line.split(": ")[:2] for line in text.splitlines()] == [
        ["standard input", "port 62893"],
        ["standard input", "port 8080"],
    ]


def test_unreadable() -> None:
    text = quiet.render(SAMPLES["unreadable"], Look(width=30), headed=True)
    assert text.startswith("notes.txt: could not be read: it starts with")
    assert text.count("\n") == 1


def test_colour_and_links_are_for_those_who_see_them() -> None:
    assert "\x1b" not in quiet.render(SAMPLES["refused"], Look(docs="https://docs.example"))
    text = quiet.render(SAMPLES["refused"], Look(color=True, docs="https://docs.example"))
    assert re.search(r"\x1b\]8;[^;]*;https://docs\.example/causes/service-not-running\.md\x1b\\", text)


@given(texts)
def test_hostile_text_stays_in_its_line(text: str) -> None:
    shown = quiet.render(everywhere(text), Look(), headed=True)
    assert len(shown.splitlines()) == 3
    assert "\x1b" not in shown
    shown.encode()
