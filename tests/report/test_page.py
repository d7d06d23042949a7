"""Rows, columns and commands at different widths."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from synscope.report.page import GLUE, STYLES, Look, Page, glued, joined

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ANY_TEXT = st.text(st.characters(), max_size=80)


def rendered(look: Look, *rows: tuple[str, str]) -> list[str]:
    page = Page(look)
    for label, text in rows:
        page.row(label, text)
    return page.render().splitlines()


def test_text_wraps_under_itself() -> None:
    assert rendered(Look(width=60), ("Why", "one two three " * 5)) == [
        " Why              one two three one two three one two three",
        "                  one two three one two three",
    ]


def test_a_long_label_stands_alone() -> None:
    assert rendered(Look(), ("http://localhost:62893/", "text")) == [
        " http://localhost:62893/",
        "                  text",
    ]


def test_a_narrow_terminal_has_labels_above() -> None:
    assert rendered(Look(width=40), ("What happened", "nothing")) == [" What happened", "    nothing"]


def test_blank_lines_are_not_doubled() -> None:
    page = Page(Look())
    page.blank()
    page.row("a", "b")
    page.blank()
    page.blank()
    page.row("c", "d")
    assert page.render().count("\n\n") == 1


def test_glued_words_stay_together() -> None:
    text = "x" * 35 + " " + glued("SYN105 address-family-mismatch")
    lines = rendered(Look(width=80), ("", text))
    assert lines[1].strip() == "SYN105 address-family-mismatch"
    assert GLUE not in "".join(lines)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_a_short_command_is_whole(width: int) -> None:
    page = Page(Look(width=width))
    page.command("Check", "ss -ltnp 'sport = :62893'")
    assert "ss -ltnp 'sport = :62893'" in page.render()


def test_a_long_command_is_broken_only_where_a_shell_reads_on() -> None:
    page = Page(Look(width=80))
    page.command(
        "",
        "journalctl --since -10min | grep -iE 'bind|in use; denied' | head -20; "
        "docker ps --format '{{.Names}}'",
    )
    assert [line.strip() for line in page.render().splitlines()] == [
        "journalctl --since -10min |",
        "grep -iE 'bind|in use; denied' |",
        "head -20;",
        "docker ps --format '{{.Names}}'",
    ]


def test_the_lines_of_a_command_stand_together() -> None:
    page = Page(Look(width=60))
    page.command("Check", f"curl {'x' * 50} | head -20")
    assert page.render().splitlines() == [" Check", f"   curl {'x' * 50} |", "   head -20"]


@pytest.mark.parametrize("words", ["758 µs", "1.02 s", "66 bytes", "frame 4", "frames 7 and 8"])
def test_a_number_keeps_its_unit(words: str) -> None:
    first, second, *_ = words.split()
    for width in range(60, 90):
        assert f"{first} {second}" in "\n".join(rendered(Look(width=width), ("Why", f"{'x ' * 20}{words}")))


def test_no_line_begins_with_a_separator() -> None:
    for width in range(60, 90):
        page = Page(Look(width=width))
        page.row("Names", *joined(["one", "another", "and one more", "the last of them all"] * 2))
        assert not [line for line in page.render().splitlines() if line.strip().startswith("·")]


def test_what_belongs_to_a_row_has_no_strong_label() -> None:
    page = Page(Look(color=True))
    page.row("Why", "one")
    page.row("  place", "two")
    page.whole("  Wireshark", "three")
    assert page.render().count("\x1b[1m") == 1


def test_blocks_are_not_broken() -> None:
    page = Page(Look(width=60))
    command = "Get-NetTCPConnection | Where-Object { $_.State -like 'Syn*'; $_.LocalPort -eq 62893 }"
    page.command("", command)
    assert "Where-Object { $_.State -like 'Syn*'; $_.LocalPort -eq 62893 }" in page.render()


def test_columns_align() -> None:
    page = Page(Look(width=80))
    page.columns([("curl", "refuses"), ("openssl s_client", "wraps")], label="Clients")
    assert page.render().splitlines() == [
        " Clients          curl              refuses",
        "                  openssl s_client  wraps",
    ]


def test_columns_that_do_not_fit_wrap_as_a_row() -> None:
    page = Page(Look(width=60))
    page.columns([("a rather long result of a command", "SYN101")])
    assert page.render().split() == ["a", "rather", "long", "result", "of", "a", "command", "SYN101"]


def test_colour_is_only_ever_added() -> None:
    spans = joined([("good", "good"), ("bad", "bad"), "plain"])
    plain, coloured = Page(Look()), Page(Look(color=True))
    for page in (plain, coloured):
        page.row("Label", *spans)
    assert COLOUR.search(coloured.render())
    assert COLOUR.sub("", coloured.render()) == plain.render()


def test_markup_is_text() -> None:
    text = "[bold red]x[/] :smile: [link=http://a]b[/link]"
    for look in (Look(), Look(color=True)):
        assert text in COLOUR.sub("", "\n".join(rendered(look, ("", text))))


@given(
    label=ANY_TEXT,
    text=ANY_TEXT,
    style=st.sampled_from(sorted(STYLES)),
    width=st.integers(1, 200),
    color=st.booleans(),
    unicode=st.booleans(),
)
def test_hostile_text_never_steers_the_terminal(
    *, label: str, text: str, style: str, width: int, color: bool, unicode: bool
) -> None:
    page = Page(Look(width=width, color=color, unicode=unicode))
    page.row(label, (text, style), hang=2)
    page.command(label, text)
    page.columns([(label, text), (text, label)], label=label)
    page.paragraph((text, style))
    shown = COLOUR.sub("", page.render()) if color else page.render()
    assert all(line.isprintable() or "\u00a0" in line or not line.isascii() for line in shown.split("\n"))
    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", shown
    )
    if not unicode:
        assert shown.isascii()


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=300),
    st.integers(60, 140),
)
def test_wrapped_text_keeps_to_the_width(text: str, width: int) -> None:
    assert all(cell_len(line) <= width for line in rendered(Look(width=width), ("Why", text)))


@pytest.mark.parametrize("length", range(59, 66))
def test_no_blank_ends_a_line(length: int) -> None:
    plain, coloured = Page(Look()), Page(Look(color=True))
    for page in (plain, coloured):
        page.row("Names", *joined(["x" * length, "y"]))
    assert all(line == line.rstrip() for line in plain.render().splitlines())
    assert COLOUR.sub("", coloured.render()) == plain.render()
