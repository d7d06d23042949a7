"""Standard output and standard error as the commands see them, the options about them, and the exit statuses.

Colour follows, in this order: ``--color always|never``, ``NO_COLOR`` (https://no-color.org), whether it is
a terminal that is not dumb. Symbols beyond ASCII are used where the encoding has them.
"""

from __future__ import annotations

import contextlib
import enum
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TextIO

import click

from synscope.cli import hyperlinks, options
from synscope.report import formats
from synscope.report.escape import OWN_SYMBOLS, visible

if TYPE_CHECKING:
    from synscope.model import Diagnosis
    from synscope.report.page import Look

PIPED_WIDTH = 80
LONG = 64 << 20
"""Bytes from which on a file is worth a progress bar."""


class ExitStatus(enum.IntEnum):
    """What the program's exit status says."""

    FINE = 0
    """No finding of kind failure (see ``--fail-on``); with ``--expect``: every target has the label."""
    FAILURE = 1
    """At least one finding of kind failure; with ``--expect``: some target has another label."""
    USAGE = 2
    UNREADABLE = 3
    """No input could be read."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""
    OUTPUT_CLOSED = 141
    """128 + SIGPIPE: nobody reads the output any more."""


def format_option(
    names: Sequence[str] = (),
    *,
    remark: str = "",
    about: Mapping[str, str] = MappingProxyType({}),
    default: str | None = "terminal",
    **attributes: Any,  # noqa: ANN401 - those of an option
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--format`` with the formats ``names``, with all where none are named.

    ``about`` has the words of the help text for the formats of which this command says something else than
    ``formats`` does; ``remark`` ends the text.
    """
    offered = [formats.named(name) for name in names] or [*formats.FORMATS.values()]
    words = [f"{known.name}: {about.get(known.name, known.about)}." for known in offered]
    return options.option(
        "--format",
        "form",
        section=options.REPORT,
        type=click.Choice([known.name for known in offered]),
        help=" ".join([*words, *([remark] if remark else [])]),
        default=default,
        show_default=default is not None,
        **attributes,
    )


color_option = options.option(
    "--color",
    section=options.REPORT,
    setting="color",
    counts=lambda _: not os.environ.get("NO_COLOR"),
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Colour the terminal report. auto: when standard output is a terminal and NO_COLOR is not set.",
)

quiet_option = options.option(
    "-q",
    "--quiet",
    section=options.REPORT,
    is_flag=True,
    help="Only a line a target in the terminal report: its label, the leading finding, how sure that is.",
)

verbose_option = options.option(
    "-v",
    "--verbose",
    section=options.REPORT,
    is_flag=True,
    help="Leave nothing out of the terminal report.",
)


def fail_on_option(setting: str, *, remark: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--fail-on``; ``remark`` ends its help text."""
    return options.option(
        "--fail-on",
        section=options.REPORT,
        setting=setting,
        type=click.Choice(["failure", "warning"]),
        default="failure",
        show_default=True,
        help=" ".join(
            [
                "Which findings make the exit status 1: failures alone, or warnings too.",
                *([remark] if remark else []),
            ]
        ),
    )


def verdict(diagnosis: Diagnosis, fail_on: str) -> ExitStatus:
    """Return the exit status that a diagnosis leads to, where it alone decides."""
    bad = diagnosis.failed or (fail_on == "warning" and diagnosis.warned)
    return ExitStatus.FAILURE if bad else ExitStatus.FINE


class OutputClosed(Exception):  # noqa: N818 - no error, only the end
    """Nobody reads standard output any more."""


why_option = options.option(
    "--why",
    section=options.REPORT,
    is_flag=True,
    help="Show how the order of the causes was computed: terminal, markdown, json and jsonl.",
)


def write(text: str, stream: TextIO | None = None) -> None:
    """Write ``text`` at once, to standard output if nothing else is given.

    Raises ``OutputClosed`` when nobody reads it any more.
    """
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    try:
        # What the encoding lacks is spelled out rather than raised about in mid-report.
        stream.write(text if text.isascii() else text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError as error:
        raise OutputClosed from error


def announce(text: str) -> None:
    """Tell the person at the terminal something that is no part of the report."""
    click.echo(f"synscope: {visible(text)}", err=True)


def complain(error: Exception) -> None:
    """Say on standard error why the tool itself could not do its work, line by line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    for number, line in enumerate(text.split("\n")):
        click.echo(visible(line) if number else f"synscope: {visible(line)}", err=True)


@contextlib.contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[int], None] | None]:
    """Show on standard error how much of ``paths`` is read, where that may take long and it is a terminal.

    Yields what is to be told how many bytes each read brought, ``None`` where no bar is shown. The bar is gone when
    the report comes.
    """
    total = _size(paths)
    if not sys.stderr.isatty() or (total is not None and total < LONG):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import; most runs do without a bar
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn  # noqa: PLC0415

    columns = (BarColumn(), TaskProgressColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda size: bar.advance(task, size)


def _size(paths: Sequence[str]) -> int | None:
    """Return the size of all files; ``None`` when that of standard input or of a pipe is among them."""
    if not all(map(os.path.isfile, paths)):
        return None if "-" in paths else 0
    return sum(map(os.path.getsize, paths))


def discard_rest() -> None:
    """Send what is still buffered nowhere, so that closing the stream at exit stays quiet."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


def look(
    *, color: str = "auto", verbose: bool = False, why: bool = False, stream: TextIO | None = None
) -> Look:
    """Return how to write to a stream, to standard output if nothing else is given."""
    from synscope.report.page import Look  # noqa: PLC0415 - rich is slow to import; JSON does without it

    stream = stream or sys.stdout
    return Look(
        width=_width(stream),
        height=_height(stream),
        color=_wants_color(stream, color),
        unicode=_has_symbols(stream),
        verbose=verbose,
        os=_system(),
        why=why,
        docs=hyperlinks.documentation() if _wants_color(stream, color) and hyperlinks.shown(stream) else "",
    )


def _width(stream: TextIO) -> int:
    if not stream.isatty() and not os.environ.get("COLUMNS"):
        return PIPED_WIDTH
    import shutil  # noqa: PLC0415 - loads every compression there is; JSON does without it

    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def _height(stream: TextIO) -> int:
    """Return the lines of a terminal; 0 where it is none, and nothing scrolls away."""
    if not stream.isatty():
        return 0
    import shutil  # noqa: PLC0415 - as above

    return shutil.get_terminal_size((PIPED_WIDTH, 24)).lines


def _wants_color(stream: TextIO, choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _has_symbols(stream: TextIO) -> bool:
    try:
        OWN_SYMBOLS.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _system() -> str:
    return {"darwin": "macos", "win32": "windows", "cygwin": "windows"}.get(sys.platform, "linux")
