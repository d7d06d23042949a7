"""Words, code spans and fences that no text breaks out of."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt

from synscope.report.escape import visible
from synscope.report.markdown_text import bold, code, fenced, prose

from .hostile import texts

COMMONMARK = MarkdownIt("commonmark")
INLINE_OF_PROSE = {"text", "code_inline"}


def test_plain_words_stay() -> None:
    sentence = "Start the service, or restart it (it doesn't listen): 3 times, 1,204 attempts."
    assert prose(sentence) == sentence


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("connect to localhost:8080, please", "connect to `localhost:8080,` please"),
        ("ask @everyone about #1", "ask `@everyone` about `#1`"),
        ("see www.x.example or a@b.example", "see `www.x.example` or `a@b.example`"),
        ("GET / HTTP/1.1 it is", "GET `/ HTTP/1.1` it is"),
        ("a `tick` here", "a `` `tick` `` here"),
        ("fixes GH-3 and 1234567 and deadbeef1", "fixes `GH-3` and `1234567` and `deadbeef1`"),
        (":+1: $x$ <b> *a* _b_ ~c~ [d](e) f|g", "`:+1: $x$ <b> *a* _b_ ~c~ [d](e) f|g`"),
        ("two\nlines", "`two\\x0alines`"),
        ("", ""),
    ],
)
def test_all_else_is_code(text: str, written: str) -> None:
    assert prose(text) == written


def test_empty_text_has_no_marks() -> None:
    assert (bold(" "), code("  "), code("")) == ("", "", "")


@given(texts)
def test_prose_is_words_and_code(text: str) -> None:
    block = COMMONMARK.parse(f"Lead: {prose(text)}\n")
    assert [token.type for token in block] == ["paragraph_open", "inline", "paragraph_close"]
    inline = block[1].children or []
    assert {token.type for token in inline} <= INLINE_OF_PROSE
    said = " ".join("".join(token.content for token in inline).split())
    assert said == " ".join(["Lead:", *visible(text).split()])


@given(texts)
def test_a_code_span_is_one(text: str) -> None:
    inline = COMMONMARK.parse(f"x {code(text)} y\n")[1].children or []
    shown = visible(text)
    if not shown.strip():
        assert [token.type for token in inline] == ["text"]
        return
    assert [token.type for token in inline] == ["text", "code_inline", "text"]
    assert inline[1].content == shown


@example("```", "x")
@example("~~~~", "````")
@given(texts, texts)
def test_a_fenced_block_is_one(first: str, second: str) -> None:
    block = COMMONMARK.parse(fenced([first, second], "sh") + "after\n")
    assert [token.type for token in block] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert block[0].info == "sh"
    assert block[0].content == f"{visible(first)}\n{visible(second)}\n"
