"""A page of text for a terminal: labelled rows, wrapped to a width, in colour or without.

Input: spans (text with a style name) from the reports. Output: one string. All text passes through
``escape`` here and nowhere else, so no report can forget it. Rich measures, wraps and colours; its markup
is never interpreted.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from synscope.report.escape import ascii_only, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.containers import Lines

Span = str | tuple[str, str] | tuple[str, str, str]
"""Text, text with the name of a style of ``STYLES``, or both with the address of a page about it."""

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
_PROMPT = 2
"""Lines that a shell writes after a report."""
NARROW = 60
WIDEST = 110
"""Longer lines are hard to read, however wide the terminal is."""

GLUE = "\u00a0"
"""A blank at which lines are not broken: between a code and its name, say."""

_UNBREAKABLE = "\uf8ff"
# Rich breaks lines at every kind of blank. Private-use characters never come through ``clean``, so this
# one can stand for a blank until the page is rendered.

_TOGETHER = re.compile(
    r"(?<=\d) (?=(?:ns|µs|us|ms|s|min|h|d|bytes?)\b)|(?<=\bframe) (?=\d)|(?<=\bframes) (?=\d)|(?<=\d and) (?=\d+\))"
)
"""Blanks between a number and its unit: a line that begins with ``µs`` reads badly."""


class Look(NamedTuple):
    """How to write: what the terminal can show and how much the reader wants."""

    width: int = 80
    color: bool = False
    unicode: bool = True
    verbose: bool = False
    os: str = "linux"
    """The reader's system: its commands come first. ``linux``, ``macos`` or ``windows``."""
    why: bool = False
    """Whether to show how the order of the causes was computed."""
    height: int = 0
    """Lines of the terminal; 0 for none: then nothing scrolls away."""
    docs: str = ""
    """Where the documentation is, for hyperlinks in a coloured report; empty for none."""


def preload_rich() -> None:
    """Import what Rich imports only when a page needs it: a console for colours, widths for a wide character."""
    import rich.console  # noqa: F401, PLC0415 - see above

    cell_len("\N{CJK UNIFIED IDEOGRAPH-65E5}")


class Page:
    """Collects lines; ``render`` returns them."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._lines: list[Text] = []
        self._width = max(24, min(look.width, WIDEST))

    @property
    def indent(self) -> int:
        """Column where the text of a row starts."""
        return LABEL_WIDTH if self._width >= NARROW else 4

    def clean(self, text: str) -> str:
        """Return ``text`` as this page shows it."""
        return visible(text) if self.look.unicode else ascii_only(text)

    @property
    def is_longer_than_a_screen(self) -> bool:
        """Whether the beginning scrolls away on the terminal it is for."""
        return bool(self.look.height) and len(self._lines) > self.look.height - _PROMPT

    @property
    def room(self) -> int:
        """Columns for the text of a row."""
        return self._width - self.indent

    def blank(self) -> None:
        """Add an empty line, unless the page is empty or the last line is empty already."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def row(self, label: str, *spans: Span, style: str = "head", hang: int = 0) -> None:
        """Add a labelled row. Long text wraps under itself, ``hang`` columns further in.

        An empty ``label`` continues the row above; an indented one belongs to it, and is never strong. A label
        too long for its column stands alone.
        """
        style = "" if label.startswith(" ") and style == "head" else style
        body = self._text(spans)
        head = self._text(((label, style),)) if label else Text()
        if head.cell_len > self.indent - 2 or (head.plain and self.indent < LABEL_WIDTH):
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

    def line(self, *spans: Span) -> None:
        """Add text that is one line, however long it is."""
        self._lines.append(self._text(spans))

    def command(self, label: str, command: str) -> None:
        """Add a command so that it can be copied: only broken where a shell continues on the next line."""
        self.lines(label, [command] if cell_len(command) <= self.room else _shell_lines(command, self.room))

    def lines(self, label: str, texts: Sequence[str], *, style: str = "command") -> None:
        """Add texts that are never broken, one below the other: where one does not fit, all begin further left."""
        bodies = [self._text(((text, style),)) for text in texts]
        if all(body.cell_len <= self.room for body in bodies):
            for at, text in enumerate(texts):
                self.row(label if at == 0 else "", (text, style))
            return
        if label:
            self.row(label)
        self._lines.extend(Text("   ") + body for body in bodies)

    def whole(self, label: str, text: str, *, style: str = "") -> None:
        """Add text that is never broken: where it does not fit, it gets a line of its own, however long."""
        self.lines(label, [text], style=style)

    def columns(
        self, rows: Iterable[tuple[Span, ...]], *, label: str = "", shift: int = 0, gap: int = 2
    ) -> None:
        """Add rows of aligned cells, the first labelled; the last cell of each wraps under itself.

        ``shift`` moves them to the right. Where the cells leave too little room, each row wraps as a whole.
        """
        cells = [[self._text((cell,)) for cell in row] for row in rows]
        if not cells:
            return
        if label and (cell_len(label) > self.indent - 2 or self.indent < LABEL_WIDTH):
            self.row(label)
            label = ""
        widths = [max(row[at].cell_len for row in cells) for at in range(len(cells[0]) - 1)]
        start = self.indent + shift
        used = sum(widths) + gap * len(widths)
        longest = max(cell_len(word) for row in cells for word in (*row[-1].plain.split(), ""))
        fits = used <= (self._width - start) * 3 // 5 and start + used + longest <= self._width
        for number, row in enumerate(cells):
            style = "" if label.startswith(" ") else "head"
            head = self._text(((label, style),)) if label and number == 0 else Text()
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
        for line in self._lines:
            blanks = len(line.plain) - len(line.plain.rstrip(f" {_UNBREAKABLE}"))
            if blanks:
                line.right_crop(blanks)
        if not self.look.color:
            return "".join(f"{line.plain}\n" for line in self._lines).replace(_UNBREAKABLE, " ")
        from rich.console import Console  # noqa: PLC0415 - slow to import; a plain page does without it

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
            console.print(line, soft_wrap=True, markup=False, highlight=False, emoji=False)
        return output.getvalue().replace(_UNBREAKABLE, " ")

    def _text(self, spans: Iterable[Span]) -> Text:
        text = Text()
        for span in spans:
            words, style, *pages = (span, "") if isinstance(span, str) else span
            glued = (_TOGETHER.sub(_UNBREAKABLE, self.clean(part)) for part in words.split(GLUE))
            text.append(_UNBREAKABLE.join(glued), _style(style, *pages))
        return text

    def _wrapped(self, lead: Text, body: Text, indent: int, hang: int) -> None:
        """Add ``body`` from column ``indent`` on, its first line after ``lead``."""
        start = max(indent, lead.cell_len)
        room = max(self._width - start - hang, 12)
        pieces = list(_wrap(body, room + hang if hang else room)) if body.plain else [Text()]
        if hang and len(pieces) > 1:
            # The first line may use the columns that the others hang by.
            first = pieces[0]
            rest = body[len(first.plain) :]
            rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
            pieces = [first, *_wrap(rest, room)]
        for at, piece in enumerate(pieces):
            piece.rstrip()
            if at == 0:
                self._lines.append(lead + Text(" " * (start - lead.cell_len)) + piece)
            else:
                self._lines.append(Text(" " * (start + hang)) + piece)


def _wrap(text: Text, room: int) -> Lines:
    """Break text into lines. Rich would ask a console for them only to justify them, which these never are."""
    return text.wrap(cast("Console", None), room)


def _style(name: str, page: str = "") -> Style | str | None:
    if not page:
        return STYLES[name] or None
    return Style.parse(STYLES[name]) + Style(link=page)


def _shell_lines(command: str, room: int) -> list[str]:
    """Break ``command`` after ``;``, else ``|``, outside quotes: shells and PowerShell read on there."""
    lines: list[str] = []
    for part in _shell_parts(command, ";"):
        lines.extend([part] if len(part) <= room else _shell_parts(part, "|"))
    return lines


def _shell_parts(command: str, separator: str) -> list[str]:
    parts: list[str] = []
    start, quote, depth = 0, "", 0
    for at, character in enumerate(command):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        elif character == separator and not depth and command[at + 1 : at + 2] == " ":
            parts.append(command[start : at + 1].strip())
            start = at + 1
    parts.append(command[start:].strip())
    return [part for part in parts if part]


def glued(text: str) -> str:
    """Return ``text`` with blanks at which no line is broken."""
    return text.replace(" ", GLUE)


def joined(parts: Iterable[Span], separator: str = f"{GLUE}· ") -> tuple[Span, ...]:
    """Return ``parts`` with ``separator`` between them."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append((separator, "dim"))
        spans.append(part)
    return tuple(spans)
