"""``synscope live --web``: the live view as a page, in place of the one on the terminal.

Input: the capture, and what its attempts come to. Output: the page's address on standard error, and a line there
that says how far the capture is. The report on standard output, the exit status and when the capture stops are as
without it; where somebody has the page open, the program stays until the page has the report.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from synscope.cli import options, output
from synscope.cli.live_view import LiveView, TerminalView, Told, preload_display
from synscope.evidence.typo import looks_like_typo
from synscope.model import PORT_MAX, Attempt, Diagnosis, Target
from synscope.reference.systems import interface_text
from synscope.units import count

if TYPE_CHECKING:
    from synscope.engine.moments import Moments
    from synscope.session.live_analysis import LiveAnalysis
    from synscope.session.start import LiveSession
    from synscope.web.feed import Now, Phase
    from synscope.web.server import PageServer

_LINE_S: Final = 1.0
_LEAVE_S: Final = 3.0
"""How long pages may take to fetch the report before the program ends."""
_REPORT: Final = "report.html"

web_option = options.option(
    "--web",
    "web",
    section=options.REPORT,
    metavar="[PORT]",
    is_flag=False,
    flag_value=0,
    default=None,
    type=click.IntRange(0, PORT_MAX),
    help="Show the live view as a page on 127.0.0.1 instead, and print its address. The port is a free one unless "
    "given as --web=PORT. Needs synscope[web].",
)


def view(port: int | None, targets: Sequence[Target], *, drawn: bool) -> LiveView:
    """Return a page on ``port``, or without one the terminal's view, which may have to leave the terminal alone."""
    return TerminalView(targets, drawn=drawn) if port is None else PageView(port, targets)


class PageView:
    """The view as a page."""

    def __init__(self, port: int, targets: Sequence[Target]) -> None:
        """Fail as wrong usage where the page cannot be had."""
        try:
            from synscope.web import page_files, server  # noqa: F401, PLC0415 - only with --web
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] != "tornado":
                raise
            raise click.UsageError("--web needs Tornado: pip install 'synscope[web]'.") from error
        self._ports = {target.wrapped for target in targets}
        if port and self._is_taken(port):
            raise click.UsageError(
                f"--web={port} is a watched port, or looks like a typo of one: the report would take the page for "
                "a server of yours. Choose another port, or leave it out."
            )
        from synscope.web.feed import Feed  # noqa: PLC0415
        from synscope.web.log import Log  # noqa: PLC0415

        self._port = port
        self._log = Log()
        self._feed = Feed(self._log, [target.text for target in targets])
        self._server: PageServer | None = None
        self._session: LiveSession | None = None
        self._due = 0.0

    def _is_taken(self, port: int) -> bool:
        return any(port == watched or looks_like_typo(port, watched) for watched in self._ports)

    def telling(self, row: Told | None) -> Told:
        """Return the function that hands each attempt to the page, and to the report where that lists them."""
        settled = self._feed.settled
        if row is None:
            return settled
        told = row

        def both(attempt: Attempt) -> None:
            told(attempt)
            settled(attempt)

        return both

    def preloading(self, preload: Callable[[], None]) -> Callable[[], None]:
        """Return the function that also reads the page's files and the report's templates, and binds the port."""

        def both() -> None:
            preload()
            preload_display()
            self._open()

        return both

    def _open(self) -> None:
        from synscope.process.errors import SessionError  # noqa: PLC0415
        from synscope.report import formats  # noqa: PLC0415
        from synscope.web import page_files, server  # noqa: PLC0415

        formats.preload("html")
        try:
            self._server = server.PageServer(self._log, page_files.files(), self._port, self._is_taken)
        except OSError as error:
            where = f"port {self._port}" if self._port else "a port"
            raise SessionError(f"the page cannot have {where} on 127.0.0.1: {error.strerror}") from error

    @contextlib.contextmanager
    def shown(self, session: LiveSession) -> Iterator[Callable[[], None]]:
        """Serve the page of a capture that has begun; yields what brings the page up to date."""
        from synscope.web import feed  # noqa: PLC0415

        server, analysis = self._server, session.analysis
        assert server is not None  # noqa: S101 - preload comes first
        self._session = session
        analysis.own_servers = session.surroundings.own_servers = server.endpoints
        self._publish(feed.now(analysis))
        server.start()
        output.announce(f"capturing on {interface_text(analysis.interface)}; Ctrl-C stops it and reports")
        output.announce(f"the page is at {server.url}")
        with _status_line(analysis, server) as tell:

            def refresh() -> None:
                if time.monotonic() >= self._due:
                    self._publish(feed.now(analysis))
                    tell()

            yield refresh
        self._publish(feed.now(analysis), feed.Phase.ENDING)

    def end(self, diagnosis: Diagnosis, moments: Moments | None) -> None:
        """Give the page its report, and wait a little until every page that is open has it."""
        from synscope.report.html import document  # noqa: PLC0415
        from synscope.web import feed, page_files  # noqa: PLC0415

        server, session = self._server, self._session
        if server is None or session is None:
            return
        if server.readers:
            captures = [document.ReportedCapture(diagnosis, moments)]
            text = document.render(captures, output.look(color="never"))
            server.offer(_REPORT, page_files.report(text))
            self._publish(feed.ended(session.analysis, diagnosis), feed.Phase.OVER, _REPORT)
        with contextlib.suppress(
            KeyboardInterrupt
        ):  # the report is out: nobody who leaves now loses anything
            server.close(_LEAVE_S)

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()

    def _publish(self, now: Now, phase: Phase | None = None, report: str | None = None) -> None:
        from synscope.web import feed  # noqa: PLC0415

        session = self._session
        assert session is not None  # noqa: S101 - shown sets it
        self._feed.publish(
            now,
            session.analysis.interface,
            session.surroundings.makers,
            phase or feed.Phase.CAPTURING,
            report,
        )
        self._due = time.monotonic() + feed.EVERY_S


@contextlib.contextmanager
def _status_line(analysis: LiveAnalysis, server: PageServer) -> Iterator[Callable[[], None]]:
    """Keep one line on a terminal up to date; yields what does it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    due = 0.0
    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as view:

        def tell() -> None:
            nonlocal due
            if time.monotonic() >= due:
                due = time.monotonic() + _LINE_S
                attempts = count(sum(analysis.counts().values()), "attempt")
                line = f"{analysis.elapsed:.0f} s · {attempts} · {count(server.readers, 'page')} open"
                view.update(Text(line, "dim", no_wrap=True, overflow="ellipsis"), refresh=True)

        yield tell
