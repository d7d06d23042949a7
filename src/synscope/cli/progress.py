"""A progress bar on standard error while long input is read; gone when the report comes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

LONG = 64 << 20
"""Bytes from which on a file is worth a bar."""


@contextlib.contextmanager
def shown(paths: Sequence[str]) -> Iterator[Callable[[int], None] | None]:
    """Show how much of ``paths`` is read, where that may take long and standard error is a terminal.

    Gives what is to be told how many bytes each read brought, ``None`` where no bar is shown.
    """
    total = _size(paths)
    if not sys.stderr.isatty() or (total is not None and total < LONG):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import; most runs do without a bar
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn  # noqa: PLC0415

    columns = (BarColumn(), TaskProgressColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda size: progress.advance(task, size)


def _size(paths: Sequence[str]) -> int | None:
    """The size of all files; ``None`` when that of standard input or of a pipe is among them."""
    if not all(map(os.path.isfile, paths)):
        return None if "-" in paths else 0
    return sum(map(os.path.getsize, paths))
