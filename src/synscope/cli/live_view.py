"""The live view: counts by label, the newest attempts and the capture's health, on a terminal's standard error."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from synscope.evidence.units import duration
from synscope.model import FAILURES, Label, Target
from synscope.report.escape import visible
from synscope.report.wording import OUTCOME_TEXTS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from synscope.session.watch import Watch

_EVERY_S: Final = 0.25
_NEWEST: Final = 12
_NS: Final = 1_000_000_000


@contextlib.contextmanager
def shown(watch: Watch, targets: Sequence[Target], *, wanted: bool) -> Iterator[Callable[[], None]]:
    """Show the view while the context lasts; yields what refreshes it, which does nothing off a terminal."""
    if not wanted or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.live import Live  # noqa: PLC0415

    console = Console(stderr=True)
    due = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as view:

        def refresh() -> None:
            nonlocal due
            now = time.monotonic()
            if now >= due:
                due = now + _EVERY_S
                view.update(render(watch, targets, console.height), refresh=True)

        yield refresh


def render(watch: Watch, targets: Sequence[Target], height: int = 24) -> RenderableType:
    """The view as it stands, for a terminal of so many lines."""
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from synscope.session.watch import label_counts  # noqa: PLC0415

    names = ", ".join(visible(target.text) for target in targets)
    head = Text(f"watching {names} on {visible(watch.interface)}   ")
    head.append("Ctrl-C stops and reports", "dim")
    counts = Text()
    for label, number in label_counts(watch.counts()).items():
        counts.append(f"{label.value} ", _style(label)).append(f"{number:,}   ")
    if not counts:
        counts.append("no attempt yet", "dim")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    now = time.time_ns()
    for attempt in watch.newest(max(1, min(_NEWEST, height - 6))):
        ago = max(0, now - attempt.first_ts_ns)
        table.add_row(
            Text(f"{duration(ago) if ago < _NS else f'{ago // _NS} s'} ago", "dim"),
            Text(f"{attempt.client} → {attempt.server}"),
            Text(attempt.label.value, _style(attempt.label)),
            Text(OUTCOME_TEXTS[attempt.outcome]),
        )
    ring = watch.ring
    lost = ring.dropped
    health = Text(f"{watch.elapsed:.0f} s · {watch.frames:,} frames · ring {100 * ring.use:.0f} % · ", "dim")
    health.append(f"{lost:,} lost", "bold red" if lost else "dim")
    return Group(head, counts, table, health)


def _style(label: Label) -> str:
    if label in FAILURES:
        return "bold red"
    return "green" if label is Label.COMPLETED else "yellow"
