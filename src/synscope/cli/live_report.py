"""The report of ``live``, ``run`` and ``doctor``: one diagnosis, in the format asked for, to a stream or a file.

Input: attempts as they settle, and at the end the diagnosis. Output: the report, written to a ``Sink``. A format that
streams attempts is written from the beginning of the capture on, every other one at its end.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from synscope.cli import live_options, output
from synscope.report import formats

if TYPE_CHECKING:
    from synscope.engine.moments import Moments
    from synscope.model import Attempt, Diagnosis
    from synscope.report.page import Look
    from synscope.report.writer import Listed, ReportWriter


class Sink:
    """Where the report goes: a standard stream or a file, which is opened while its owner's rights last."""

    def __init__(self, path: str | None, *, to_stderr: bool = False) -> None:
        self._descriptor = None if path is None else _created(path)
        self._stream = sys.stderr if to_stderr else sys.stdout
        self._name = path or ("standard error" if to_stderr else "standard output")

    @property
    def to_person(self) -> bool:
        """Whether it may be a terminal."""
        return self._descriptor is None

    @property
    def is_below_a_command(self) -> bool:
        """Whether what a command wrote stands right above, on a terminal."""
        return self.to_person and self._stream is sys.stderr and self._stream.isatty()

    @property
    def stream(self) -> TextIO:
        """What a terminal report's colours and width go by."""
        return self._stream

    def write(self, text: str) -> None:
        """Write all of ``text``; where that cannot be done, say so and end the program."""
        try:
            self._write(text)
        except OSError as error:
            if self._descriptor is None:
                output.discard_rest()
            with contextlib.suppress(OSError):  # it may have been standard error
                output.complain(OSError(f"the report could not be written to {self._name}: {error.strerror}"))
            raise click.exceptions.Exit(live_options.TOOL_FAILED) from error

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            output.write(text, self._stream)
            return
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def _created(path: str) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.UsageError(f"{Path(path)}: {error.strerror}.") from error


class LiveReport:
    """The report of one capture."""

    def __init__(  # noqa: PLR0913 - one parameter an option
        self, form: str, sink: Sink, *, color: str, verbose: bool, why: bool = False, quiet: bool = False
    ) -> None:
        if quiet and (form != "terminal" or verbose or why):
            raise click.UsageError("--quiet excludes --verbose, --why and other formats.")
        self.format = formats.QUIET if quiet else formats.named(form)
        self._sink = sink
        self._color = color
        self._verbose = verbose
        self._why = why
        self._streaming: ReportWriter | None = None

    def stream(self, capture: str) -> Callable[[Attempt], None] | None:
        """Begin the report and return what writes each attempt, if the format streams attempts."""
        if not self.format.streams_attempts:
            return None
        writer = self._streaming = self._writer(streams=True)
        sink = self._sink
        sink.write(writer.begin() + writer.begin_capture(capture))
        return lambda attempt: sink.write(writer.attempt(capture, attempt))

    def preload(self) -> None:
        """Import what the end needs: by then this process may not be able to read the installation."""
        self.format.load().preload()

    def write(self, diagnosis: Diagnosis, status: int, moments: Moments | None = None) -> None:
        """Write the report, or the rest of it where ``stream`` began it. ``status`` is the exit status."""
        writer = self._streaming
        if writer is None:
            writer = self._writer(streams=False)
            self._sink.write(writer.whole(diagnosis, status, moments))
        else:
            self._sink.write(writer.end_capture(diagnosis) + writer.end(status))
        for remark in writer.remarks(diagnosis):
            output.announce(remark)

    def _writer(self, *, streams: bool) -> ReportWriter:
        from synscope.report.writer import ReportSettings  # noqa: PLC0415 - only once a report is written

        # A format that is made to list each attempt as it settles lists none where it was not told of any.
        listed: Listed = "all" if streams else "none" if self.format.streams_attempts else "findings"
        return self.format.load()(
            ReportSettings(
                look=self._look,
                listed=listed,
                verbose=self._verbose,
                why=self._why,
                below_text=self._sink.is_below_a_command,
            )
        )

    def _look(self) -> Look:
        stream = self._sink.stream if self._sink.to_person else None
        return output.look(color=self._color, verbose=self._verbose, why=self._why, stream=stream)
