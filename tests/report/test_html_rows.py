"""Rows of the terminal's report, kept."""

from __future__ import annotations

import inspect

from synscope.report.html.collected import Item, Piece, Rows, pieces, recorded
from synscope.report.page import Look, Page


def test_lines_stand_under_the_last_label() -> None:
    def add(page: Page) -> None:
        page.row("Host", "linux", (" since ", "dim"))
        page.row("", "up")
        page.columns([("a", "b"), ("c", "d")], label="Table")
        page.command("", "ss -ltn; true")
        page.row("  note", "one")
        page.row("  note", "two")

    assert recorded(Look(), add) == [
        Item("Host", [(Piece("linux", ""), Piece(" since ", "dim")), (Piece("up", ""),)]),
        Item(
            "Table",
            [*[(Piece(a, ""), Piece(b, "")) for a, b in ("ab", "cd")], (Piece("ss -ltn; true", "command"),)],
        ),
        Item("note", [(Piece("one", ""),), (Piece("two", ""),)]),
    ]


def test_nothing_that_adds_to_a_page_is_forgotten() -> None:
    drawing = {"render", "clean"}
    methods = {name for name, _ in inspect.getmembers(Page, inspect.isfunction) if not name.startswith("_")}
    kept = {name for name in methods if name in vars(Rows)}
    assert methods - kept - drawing <= {"command", "whole"}  # these two call lines


def test_empty_spans_are_left_out() -> None:
    assert pieces(["a", "", ("", "dim")]) == (Piece("a", ""),)
