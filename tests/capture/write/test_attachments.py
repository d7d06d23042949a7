"""Documents as comments: whole again from any order, and nothing from comments that are not ours or not whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.capture.write.attachments import DIAGNOSIS, HOST_SNAPSHOT, attachments, comments
from synscope.capture.write.pcapng import LARGEST_COMMENT
from synscope.model import Attachment

MADE = "2026-01-31T12:00:00Z"


def document(text: str, kind: str = DIAGNOSIS) -> Attachment:
    return Attachment(kind, "0.1.0", MADE, text)


@pytest.mark.parametrize("text", ["", "{}", "x" * 200_000, "é" * 100_000, "a" + "€" * 60_000, "😀" * 50_000])
def test_there_and_back(text: str) -> None:
    found = comments(document(text))
    assert all(len(one.encode()) <= LARGEST_COMMENT for one in found)
    assert len(found) == max(1, -(-len(text.encode()) // (LARGEST_COMMENT - 203)))
    assert attachments(reversed(found)) == (document(text),)


def test_the_first_line() -> None:
    first, *_, last = comments(document("x" * 150_000))
    assert first.startswith(f"synscope evidence 1/3 diagnosis 0.1.0 {MADE}\nxxx")
    assert last.startswith("synscope evidence 3/3 ")


def test_documents_between_other_comments() -> None:
    one, two = document("{}"), document("y" * 100_000, HOST_SNAPSHOT)
    texts = ["somebody's own", *comments(two), "more", *comments(one), *comments(one)]
    assert attachments(texts) == (two, one)


def test_what_lacks_a_part_is_left_out() -> None:
    parts = comments(document("x" * 150_000))
    for missing in range(3):
        assert attachments(part for place, part in enumerate(parts) if place != missing) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "synscope evidence",
        f"synscope evidence 0/1 diagnosis 0.1.0 {MADE}\n",
        f"synscope evidence 1/100 diagnosis 0.1.0 {MADE}\n",
        f"synscope evidence 2/1 diagnosis 0.1.0 {MADE}\n",
        f"synscope evidence 1/1 Diagnosis 0.1.0 {MADE}\n",
        f"synscope evidence 1/1 diagnosis 0.1.0\x1b {MADE}\n",
        "synscope evidence 1/1 diagnosis 0.1.0 yesterday\n",
        f"synscope evidence ١/1 diagnosis 0.1.0 {MADE}\n",
    ],
)
def test_what_is_none(text: str) -> None:
    assert attachments([text]) == ()


@given(st.lists(st.text() | st.from_regex(r"synscope evidence [1-3]/[1-3] a 1 2026-01-31T12:00:00Z\n.*")))
def test_nothing_breaks_it(texts: list[str]) -> None:
    for one in attachments(texts):
        assert one.made == MADE
