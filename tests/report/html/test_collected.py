"""CollectingPage of the terminal's report, kept."""

from __future__ import annotations

import inspect

from synscope.report.html.collected import CollectingPage, LabelledLines, StyledText, pieces, recorded
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
        LabelledLines(
            "Host", [(StyledText("linux", ""), StyledText(" since ", "dim")), (StyledText("up", ""),)]
        ),
        LabelledLines(
            "Table",
            [
                *[(StyledText(a, ""), StyledText(b, "")) for a, b in ("ab", "cd")],
                (StyledText("ss -ltn; true", "command"),),
            ],
        ),
        LabelledLines("note", [(StyledText("one", ""),), (StyledText("two", ""),)]),
    ]


def test_nothing_that_adds_to_a_page_is_forgotten() -> None:
    drawing = {"render", "clean"}
    methods = {name for name, _ in inspect.getmembers(Page, inspect.isfunction) if not name.startswith("_")}
    kept = {name for name in methods if name in vars(CollectingPage)}
    assert methods - kept - drawing <= {"command", "whole"}  # these two call lines


def test_empty_spans_are_left_out() -> None:
    assert pieces(["a", "", ("", "dim")]) == (StyledText("a", ""),)
