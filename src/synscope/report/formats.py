"""The formats that a report can be written in: their names, what writes each, what a command must know beforehand.

This list is all that anybody needs to know of a format. A new format is a module with a ``ReportWriter`` and a line
here; the commands then offer it, and describe it in their help texts. Asking the list imports no format:
rich and Jinja2 are slow to import, and most formats do without them. (The class is a plain one because a named
tuple or a dataclass would take longer to make than all of the list.)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from synscope.engine.moments import Moments
    from synscope.model import Target
    from synscope.report.writer import ReportWriter


class ReportFormat:
    """One format."""

    def __init__(  # noqa: PLR0913 - one parameter for each thing to know
        self,
        name: str,
        writer: str,
        about: str,
        *,
        streams_attempts: bool = False,
        holds_only_attempts: bool = False,
        waits_for_capture: bool = False,
        counts_moments: bool = False,
    ) -> None:
        self.name = name
        self.writer = writer
        """The module in ``synscope.report`` and the class there that writes it."""
        self.about = about
        """What the help text says after the name."""
        self.streams_attempts = streams_attempts
        """Whether each attempt is written once it is over; all of them, unless the user says otherwise."""
        self.holds_only_attempts = holds_only_attempts
        """Whether nothing is left of the report without them."""
        self.waits_for_capture = waits_for_capture
        """Whether nothing is written before a capture is read; a progress bar may have the terminal until then."""
        self.counts_moments = counts_moments
        """Whether it shows when attempts began."""

    def load(self) -> type[ReportWriter]:
        """Import what writes the format, and return it."""
        module, _, name = self.writer.partition(":")
        writer: type[ReportWriter] = getattr(importlib.import_module(f"synscope.report.{module}"), name)
        return writer

    def moments(self, targets: Iterable[Target]) -> Moments | None:
        """Return what counts when attempts to ``targets`` begin, if the format shows it."""
        if not self.counts_moments:
            return None
        from synscope.engine.moments import Moments  # noqa: PLC0415 - loads the compiled engine

        return Moments(target.port for target in targets)


_FORMATS: Final = (
    ReportFormat("terminal", "terminal:TerminalReport", "for people", waits_for_capture=True),
    ReportFormat(
        "html",
        "html.document:HtmlReport",
        "a page to send or keep",
        waits_for_capture=True,
        counts_moments=True,
    ),
    ReportFormat("markdown", "markdown:MarkdownReport", "for issues and chats", waits_for_capture=True),
    ReportFormat("json", "json_report:JsonReport", "one document"),
    ReportFormat("jsonl", "jsonl:JsonlReport", "one record a line", streams_attempts=True),
    ReportFormat(
        "csv",
        "csv_report:CsvReport",
        "a row an attempt, once it is over",
        streams_attempts=True,
        holds_only_attempts=True,
    ),
    ReportFormat("junit", "junit:JUnitReport", "a test case a target, for CI"),
)

FORMATS: Final = MappingProxyType({known.name: known for known in _FORMATS})
"""All formats by name, in the order in which help texts list them."""

QUIET: Final = ReportFormat("quiet", "quiet:QuietReport", "a line a target", waits_for_capture=True)
"""What ``--quiet`` makes of the terminal's report. It has no name that ``--format`` takes."""


class UnknownFormatError(LookupError):
    """There is no format of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no report has the format {name!r}; there are {', '.join(FORMATS)}")


def named(name: str) -> ReportFormat:
    """Return the format called ``name``; raises ``UnknownFormatError``."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownFormatError(name) from None


def preload(form: str) -> None:
    """Import and read all that the end of a report in the format ``form`` needs; raises ``UnknownFormatError``."""
    named(form).load().preload()
