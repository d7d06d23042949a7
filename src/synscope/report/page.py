"""A page of text for a terminal: labelled rows, wrapped to a width, in colour or without.

Input: spans (text with a style name) from the reports. Output: one string. All text passes through
``escape`` here and nowhere else, so no report can forget it. Rich measures, wraps and colours; its markup
is never interpreted.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from synscope.report.escape import ascii_only, visible

Span = str | tuple[str, str]
"""Text, or text with the name of a style of ``STYLES``."""

STYLES: dict[str, str] = {
    "": "",
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "head": "bold",
    "dim": "dim",
    "command": "cyan",
}

LABEL_WIDTH = 18
NARROW = 60
WIDEST = 110
"""Longer lines are hard to read, however wide the terminal is."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to write: what the terminal can show and how much the reader wants."""

    width: int = 80
    color: bool = False
    unicode: bool = True
    verbose: bool = False
    os: str = "linux"
    """The reader's system: its commands come first. ``linux``, ``macos`` or ``windows``."""


class Page:
    """Collects lines; ``render`` returns them."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._lines: list[Text] = []
        self._width = max(24, min(look.width, WIDEST))
        self._console = Console(
            file=io.StringIO(), width=self._width, height=100, color_system=None, _environ={}
        )

    @property
    def indent(self) -> int:
        """Column where the text of a row starts."""
        return LABEL_WIDTH if self._width >= NARROW else 4

    def clean(self, text: str) -> str:
        """Return ``text`` as this page shows it."""
        return visible(text) if self.look.unicode else ascii_only(text)

    def blank(self) -> None:
        """Add an empty line, unless the page is empty or the last line is empty already."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def row(self, label: str, *spans: Span, style: str = "head", hang: int = 0) -> None:
        """Add a labelled row. Long text wraps under itself, ``hang`` columns further in.

        An empty ``label`` continues the row above. A label too long for its column stands alone.
        """
        body = self._text(spans)
        head = self._text(((label, style),)) if label else Text()
        if head.cell_len > self.indent - 2:
            lead = Text(" ") + head
            if not body.plain:
                self._lines.append(lead)
                return
            self._lines.append(lead)
            head = Text()
        self._wrapped(Text(" ") + head if head.plain else Text(), body, self.indent, hang)

    def paragraph(self, *spans: Span, indent: int = 1, hang: int = 0) -> None:
        """Add text without a label, wrapped."""
        self._wrapped(Text(), self._text(spans), indent, hang)

    def command(self, label: str, command: str) -> None:
        """Add a command. It is never broken: where it does not fit, it gets a line of its own."""
        text = self._text(((command, "command"),))
        if text.cell_len + self.indent <= self._width:
            self.row(label, (command, "command"))
            return
        if label:
            self.row(label)
        self._lines.append(Text("   ") + text)

    def columns(self, rows: Iterable[tuple[Span, ...]], *, label: str = "", shift: int = 0, gap: int = 2) -> None:
        """Add rows of aligned cells, the first labelled; the last cell of each wraps under itself.

        ``shift`` moves them to the right. Where the cells leave too little room, each row wraps as a whole.
        """
        cells = [[self._text((cell,)) for cell in row] for row in rows]
        if not cells:
            return
        widths = [max(row[at].cell_len for row in cells) for at in range(len(cells[0]) - 1)]
        start = self.indent + shift
        fits = sum(widths) + gap * len(widths) <= (self._width - start) * 3 // 5
        for number, row in enumerate(cells):
            head = self._text(((label, "head"),)) if label and number == 0 else Text()
            lead = Text(" ") + head if head.plain else Text()
            lead.append(" " * (start - lead.cell_len))
            body = Text()
            for at, cell in enumerate(row[:-1]):
                part = cell + Text(" " * (widths[at] - cell.cell_len + gap if fits else gap))
                if fits:
                    lead += part
                else:
                    body += part
            self._wrapped(lead, body + row[-1], lead.cell_len, 0 if fits else 2)

    def render(self) -> str:
        """Return the page, every line ended by a newline."""
        if not self.look.color:
            return "".join(f"{line.plain.rstrip()}\n" for line in self._lines)
        output = io.StringIO()
        console = Console(
            file=output,
            width=self._width,
            height=100,
            force_terminal=True,
            color_system="standard",
            legacy_windows=False,
            _environ={"TERM": "xterm"},
        )
        for line in self._lines:
            line.rstrip()
            console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
        return output.getvalue()

    def _text(self, spans: Iterable[Span]) -> Text:
        text = Text()
        for span in spans:
            words, style = (span, "") if isinstance(span, str) else span
            text.append(self.clean(words), STYLES[style] or None)
        return text

    def _wrapped(self, lead: Text, body: Text, indent: int, hang: int) -> None:
        """Add ``body`` from column ``indent`` on, its first line after ``lead``."""
        start = max(indent, lead.cell_len)
        room = max(self._width - start - hang, 12)
        pieces = list(body.wrap(self._console, room + hang if hang else room)) if body.plain else [Text()]
        if hang and len(pieces) > 1:
            # The first line may use the columns that the others hang by.
            first = pieces[0]
            rest = body[len(first.plain) :]
            rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
            pieces = [first, *rest.wrap(self._console, room)]
        for at, piece in enumerate(pieces):
            piece.rstrip()
            if at == 0:
                self._lines.append(lead + Text(" " * (start - lead.cell_len)) + piece)
            else:
                self._lines.append(Text(" " * (start + hang)) + piece)


def joined(parts: Iterable[Span], separator: str = " · ") -> tuple[Span, ...]:
    """Return ``parts`` with ``separator`` between them."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append((separator, "dim"))
        spans.append(part)
    return tuple(spans)
