"""The live view: counts by label, the newest attempts and the capture's health, on a terminal's standard error."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypedDict

from synscope.cli import output
from synscope.model import FAILURES, Attempt, Diagnosis, Label, Target
from synscope.reference.systems import interface_text
from synscope.report.escape import visible
from synscope.report.wording import OUTCOME_TEXTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from synscope.engine.moments import Moments
    from synscope.session.live_analysis import LiveAnalysis
    from synscope.session.start import LiveSession

Told = Callable[[Attempt], None]
"""What is called with each attempt as it settles."""

_EVERY_S: Final = 0.25
_NEWEST: Final = 12
_OTHER_LINES: Final = 4
"""Lines above and below the attempts, and one that stays free."""
_WIDE: Final = 120
"""Columns that hold two endpoints and an outcome in words."""
_MINUTE_S: Final = 60
_NS: Final = 1_000_000_000


class LiveView(Protocol):
    """What a person sees of a capture: here or on a page. Its methods are called in this order."""

    def telling(self, row: Told | None) -> Told | None:
        """Return the function that gets each settled attempt; ``row`` writes it into the report, if anything does."""
        ...

    def preloading(self, preload: Callable[[], None]) -> Callable[[], None]:
        """Return the function that imports what is needed once rights are given up; ``preload`` imports the rest."""
        ...

    def shown(self, session: LiveSession) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """Show a capture that has begun while the context lasts; yields what refreshes it."""
        ...

    def end(self, diagnosis: Diagnosis, moments: Moments | None) -> None:
        """Take the result, after the report was written."""
        ...

    def close(self) -> None:
        """Release what was opened, whatever happened before."""
        ...


def preload_display() -> None:
    """Import the parts of Rich that draw a changing display, if standard error is a terminal."""
    if not sys.stderr.isatty():
        return
    import rich.live  # noqa: PLC0415
    import rich.table  # noqa: F401, PLC0415

    from synscope.report.page import preload_rich  # noqa: PLC0415

    preload_rich()


class TerminalView:
    """The view on the terminal, or one line that says that the capture has begun."""

    def __init__(self, targets: Sequence[Target], *, drawn: bool) -> None:
        self._targets = targets
        self._drawn = drawn

    def telling(self, row: Told | None) -> Told | None:
        """Return ``row``: the report gets the attempts, and the view looks for the newest itself."""
        return row

    def preloading(self, preload: Callable[[], None]) -> Callable[[], None]:
        """Return the function that imports the rest, and Rich."""

        def both() -> None:
            preload()
            preload_display()

        return both

    def shown(self, session: LiveSession) -> contextlib.AbstractContextManager[Callable[[], None]]:
        """Show it."""
        return shown(session.analysis, self._targets, wanted=self._drawn)

    def end(self, diagnosis: Diagnosis, moments: Moments | None) -> None:
        """Do nothing: the report is what a terminal shows at the end."""

    def close(self) -> None:
        """Do nothing: the view holds nothing open."""


class _OneLine(TypedDict):
    """How a text that is too long for its line is cut."""

    no_wrap: bool
    overflow: Literal["ellipsis"]


@contextlib.contextmanager
def shown(analysis: LiveAnalysis, targets: Sequence[Target], *, wanted: bool) -> Iterator[Callable[[], None]]:
    """Show the view while the context lasts; yields what refreshes it.

    Without a terminal, or where the view is not wanted, one line says that the capture has begun.
    """
    if not wanted or not sys.stderr.isatty():
        output.announce(f"capturing on {interface_text(analysis.interface)}; Ctrl-C stops it and reports")
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.live import Live  # noqa: PLC0415

    console = Console(stderr=True)
    recent: dict[int, Attempt] = {}
    due = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as view:

        def refresh() -> None:
            nonlocal due
            now = time.monotonic()
            if now >= due:
                due = now + _EVERY_S
                remember(recent, analysis.newest(_NEWEST))
                view.update(render(analysis, targets, recent.values(), console.size), refresh=True)

        yield refresh


def remember(recent: dict[int, Attempt], newest: Iterable[Attempt]) -> None:
    """Bring the newest attempts up to date, newest first: the engine forgets those that are settled."""
    recent.update((attempt.id, attempt) for attempt in newest)
    kept = sorted(recent.values(), key=lambda attempt: attempt.id, reverse=True)[:_NEWEST]
    recent.clear()
    recent.update((attempt.id, attempt) for attempt in kept)


def render(
    analysis: LiveAnalysis, targets: Sequence[Target], recent: Iterable[Attempt], size: tuple[int, int]
) -> RenderableType:
    """Return the view as it stands, for a terminal of so many columns and lines."""
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from synscope.session.live_analysis import label_counts  # noqa: PLC0415

    names = ", ".join(visible(target.text) for target in targets)
    one_line: _OneLine = {"no_wrap": True, "overflow": "ellipsis"}
    head = Text(f"watching {names} on {visible(interface_text(analysis.interface))}", **one_line)
    counts = Text(**one_line)
    for label, number in label_counts(analysis.counts()).items():
        counts.append(f"{label.value} ", _style(label)).append(f"{number:,}   ")
    if not counts:
        counts.append("no attempt yet", "dim")
    width, height = size
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=len("59 s ago"))
    table.add_column(**one_line)
    table.add_column(no_wrap=True, min_width=max(map(len, Label)))
    table.add_column(**one_line)
    now = time.time_ns()
    for attempt in itertools.islice(recent, max(1, height - _OTHER_LINES)):
        outcome = attempt.outcome
        table.add_row(
            Text(_ago(now - attempt.first_ts_ns), "dim"),
            Text(f"{attempt.client} → {attempt.server}"),
            Text(attempt.label.value, _style(attempt.label)),
            Text(OUTCOME_TEXTS[outcome] if width >= _WIDE else outcome.value),
        )
    ring = analysis.ring
    lost = ring.dropped
    health = Text(style="dim", **one_line)
    health.append(
        f"{analysis.elapsed:.0f} s · {analysis.frames:,} frames · buffer {100 * ring.use:.0f} % full · "
    )
    health.append("losses not known" if lost is None else f"{lost:,} lost", "bold red" if lost else None)
    if analysis.trouble:
        health.append(f" · {analysis.trouble}", "bold red")
    health.append("   Ctrl-C stops and reports")
    return Group(head, counts, table, health)


def _ago(ns: int) -> str:
    seconds = max(0, ns) // _NS
    return f"{seconds} s ago" if seconds < _MINUTE_S else f"{seconds // _MINUTE_S} min ago"


def _style(label: Label) -> str:
    if label in FAILURES:
        return "bold red"
    return "green" if label is Label.COMPLETED else "yellow"
