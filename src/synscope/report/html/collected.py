"""Rows that the terminal's report adds to a ``Page``, kept as they are said instead of laid out.

Input: calls of ``Page``. Output: ``LabelledLines``, each a label with its lines; so both reports share every
sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from synscope.report.page import Look, Page, Span


class StyledText(NamedTuple):
    """Text with the name of a style of ``page.STYLES``."""

    text: str
    style: str


StyledLine = tuple[StyledText, ...]


class LabelledLines(NamedTuple):
    """A label and what is said under it."""

    label: str
    lines: list[StyledLine]


class CollectingPage(Page):
    """A page that keeps what is added to it."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.items: list[LabelledLines] = []

    @property
    def room(self) -> int:
        """Columns for the text of a row: the browser breaks lines, whatever their length."""
        return sys.maxsize

    def blank(self) -> None:
        """Leave it: the style sheet keeps things apart."""

    def row(self, label: str, *spans: Span, style: str = "head", hang: int = 0) -> None:  # noqa: ARG002
        """Add a line, under a label of its own or under the last one."""
        self._add(label, tuple(map(_piece, spans)))

    def paragraph(self, *spans: Span, indent: int = 1, hang: int = 0) -> None:  # noqa: ARG002
        """Add a line."""
        self._add("", tuple(map(_piece, spans)))

    def line(self, *spans: Span) -> None:
        """Add a line."""
        self._add("", tuple(map(_piece, spans)))

    def lines(self, label: str, texts: Sequence[str], *, style: str = "command") -> None:
        """Add lines."""
        for at, text in enumerate(texts):
            self._add(label if at == 0 else "", (StyledText(text, style),))

    def command(self, label: str, command: str) -> None:
        """Add a line."""
        self._add(label, (StyledText(command, "command"),))

    def columns(
        self,
        rows: Iterable[tuple[Span, ...]],
        *,
        label: str = "",
        shift: int = 0,  # noqa: ARG002
        gap: int = 2,  # noqa: ARG002
    ) -> None:
        """Add a line for each row."""
        for at, cells in enumerate(rows):
            self.row(label if at == 0 else "", *cells)

    def _add(self, label: str, line: StyledLine) -> None:
        name = label.strip()
        if not self.items or (name and name != self.items[-1].label):
            self.items.append(LabelledLines(name, []))
        shown = tuple(piece for piece in line if piece.text)
        if shown:
            self.items[-1].lines.append(shown)


def recorded(look: Look, add: Callable[[Page], None]) -> list[LabelledLines]:
    """Return what ``add`` adds to a page."""
    page = CollectingPage(look)
    add(page)
    return page.items


def pieces(spans: Iterable[Span]) -> StyledLine:
    """Return spans as a line."""
    return tuple(piece for piece in map(_piece, spans) if piece.text)


def _piece(span: Span) -> StyledText:
    return StyledText(span, "") if isinstance(span, str) else StyledText(span[0], span[1])
