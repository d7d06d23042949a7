"""The report for issues and chats."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from synscope.model import Diagnosis
from synscope.report import markdown
from synscope.report.page import Look

from .hostile import everywhere, texts
from .samples import SAMPLES

COMMONMARK = MarkdownIt("commonmark")
EAGER = MarkdownIt("gfm-like", {"linkify": False}).enable(["table", "strikethrough"])
BLOCKS = {"heading", "paragraph", "bullet_list", "list_item"}
INLINE = {"text", "code_inline", "strong_open", "strong_close", "softbreak"}
AUTOLINK = re.compile(r"://|www\.|@|#\d|\w+-\d|:\w+:|\$", re.IGNORECASE)


def report(diagnosis: Diagnosis, **look: object) -> str:
    return markdown.render(diagnosis, Look(**look), headed=True)  # type: ignore[arg-type]


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


def test_answer_first() -> None:
    lines = markdown.render(SAMPLES["refused"], Look()).splitlines()
    assert lines[0] == "### `port 62893`: SYN-RST"
    assert lines[2] == "**Nothing is listening on port 62893** (likely, SYN101)"


def test_has_what_the_terminal_has() -> None:
    text = report(SAMPLES["refused"])
    order = ["passed up to out", "SYN ──▶", "**Why**", "display filter", "**What decides**"]
    order += ["Also possible", "**Capture**"]
    assert sorted(order, key=text.index) == order
    assert "```sh\nss -ltnp 'sport = :62893'\n```" in text
    assert "- Result `a TCP listener serves the target's address and port`: SYN" in text
    assert "```text\nframe.number in {1..4}\n```" in text


def test_the_readers_system_decides() -> None:
    text = report(SAMPLES["refused"], os="windows")
    assert "```powershell\n" in text
    assert "ss -ltnp" not in text
    assert "ss -ltnp" in report(SAMPLES["refused"], os="windows", verbose=True)


def test_healthy_is_one_line() -> None:
    assert markdown.render(SAMPLES["healthy"], Look()).startswith(
        "- `port 8080`: completed, healthy\n\n**Capture**"
    )


def test_few_ports_in_full_unless_verbose() -> None:
    assert report(SAMPLES["many-ports"]).count("### ") == 5
    assert "- and 35 more ports" in report(SAMPLES["many-ports"])
    assert report(SAMPLES["many-ports"], verbose=True).count("### ") == 30


def test_attempts_at_the_end() -> None:
    text = markdown.render(SAMPLES["healthy"], Look(), attempts=["#1 frame 1", "#2 frame 7"])
    assert "**Attempts**\n\n```text\n#1 frame 1\n#2 frame 7\n```" in text


def test_unreadable() -> None:
    text = report(SAMPLES["unreadable"])
    assert "The capture `notes.txt` could not be read" in text
    assert "no magic number" in text


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_but_words_code_and_blocks(name: str) -> None:
    is_tame(report(SAMPLES[name], verbose=True))


@example(text="```", verbose=True)
@example(text="=", verbose=True)
@example(text="1. `", verbose=False)
@settings(max_examples=25)
@given(text=texts, verbose=st.booleans())
def test_hostile_text_changes_no_structure(*, text: str, verbose: bool) -> None:
    hostile = report(everywhere(text), verbose=verbose)
    is_tame(hostile)
    if text.strip():
        tame = report(everywhere("word"), verbose=verbose)
        assert shape(hostile) == shape(tame)


def is_tame(text: str) -> None:
    """No link, image, HTML, rule, quote or table, for a strict reader and for one with extensions."""
    for reader in (COMMONMARK, EAGER):
        tokens = reader.parse(text)
        blocks = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
        assert blocks <= BLOCKS | {"inline", "fence"}
        assert {token.type for token in inline(tokens)} <= INLINE
    for token in inline(COMMONMARK.parse(text)):
        if token.type == "text":
            assert not AUTOLINK.search(token.content)


def shape(text: str) -> list[str]:
    """The blocks in order, without how many lines a fence has."""
    return [token.type for token in COMMONMARK.parse(text)]
