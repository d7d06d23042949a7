r"""The CSV report: a row an attempt, written as attempts become known.

Input: attempts. Output: lines of RFC 4180 (comma, double quotes, a header line), ended by a newline, UTF-8.
``COLUMNS`` is a promise: columns are added at the end and are never renamed, removed or moved. Absent
values are empty. Texts show control characters as ``\xNN`` and get an apostrophe in front where a
spreadsheet would take them for a formula; numbers are the program's own and never do.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Final

from synscope.model import Attempt, Diagnosis, EndProcess, Frames, Times
from synscope.report import display_filter
from synscope.report.escape import visible
from synscope.report.writer import ReportWriter

_FRAMES: Final = tuple(f"frame_{name}" for name in Frames._fields)
_TIMES: Final = tuple(f"ts_ns_{name}" for name in Times._fields if name != "first")
_PROCESS: Final = ("pid", "process", "uid", "container", "unit", "process_source")

COLUMNS: Final = (
    *("capture", "id", "client_address", "client_port", "server_address", "server_port"),
    *("first_ts_ns", "first_utc", "label", "outcome", "recovered"),
    *("syn_count", "syn_ack_count", "client_bytes", "server_bytes"),
    *_FRAMES,
    *_TIMES,
    *("reset_from_server", "reset_window", "reset_checksum"),
    *("icmp_version", "icmp_type", "icmp_code", "icmp_sender"),
    "display_filter",
    *(f"{end}_{field}" for end in ("client", "server") for field in _PROCESS),
)

_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a cell a formula or a command in a spreadsheet, also in full width (OWASP, CSV injection)."""

_NEUTRAL: Final = "'"
_NS: Final = 1_000_000_000


class CsvReport(ReportWriter):
    """Writes a row for each attempt."""

    def begin(self) -> str:
        """Return the line that names the columns."""
        return _line(COLUMNS)

    def attempt(self, capture: str, attempt: Attempt) -> str:
        """Return the row of one attempt."""
        return _row(capture, attempt)

    def end_capture(self, diagnosis: Diagnosis) -> str:
        """Return the rows of the attempts to list only now."""
        return "".join(_row(diagnosis.capture, attempt) for attempt in self.listed_afterwards(diagnosis))

    def remarks(self, diagnosis: Diagnosis) -> Iterator[str]:
        """Yield why rows may be missing."""
        health = diagnosis.health
        if health.live is not None:
            if health.dropped:
                yield f"rows may be missing: {health.dropped:,} frames were lost while capturing"
        elif health.error is not None:
            yield f"{diagnosis.capture} could not be read: {health.error}"
        elif health.cut is not None:
            yield f"{diagnosis.capture} is cut short after frame {health.cut.frame}: {health.cut.reason}"


def _row(capture: str, attempt: Attempt) -> str:
    reset, icmp = attempt.reset, attempt.icmp
    return _line(
        (
            *(cell(capture), attempt.id, *_end(attempt.client), *_end(attempt.server)),
            *(attempt.first_ts_ns, _utc(attempt.first_ts_ns), attempt.label.value, attempt.outcome.value),
            *(
                _flag(attempt.recovered),
                attempt.syn_count,
                attempt.syn_ack_count,
                attempt.client_bytes,
                attempt.server_bytes,
            ),
            *attempt.frames,
            *attempt.times[1:],
            *(
                (None,) * 3
                if reset is None
                else (_flag(reset.from_server), reset.window, reset.checksum.value)
            ),
            *((None,) * 4 if icmp is None else (icmp.version, icmp.type, icmp.code, cell(icmp.sender))),
            cell(display_filter.attempt(attempt)),
            *_process(attempt.process.client),
            *_process(attempt.process.server),
        )
    )


def cell(text: str) -> str:
    """Return ``text`` so that it shows as itself and no spreadsheet calculates it."""
    shown = visible(text)
    return _NEUTRAL + shown if text.startswith(_FORMULA_STARTS) or shown.startswith(_NEUTRAL) else shown


def _end(endpoint: tuple[str, int]) -> tuple[str, int]:
    address, port = endpoint
    return cell(address), port


def _process(process: EndProcess | None) -> tuple[object, ...]:
    if process is None:
        return (None,) * len(_PROCESS)
    name, container, unit = (
        None if text is None else cell(text) for text in (process.name, process.container, process.unit)
    )
    return process.pid, name, process.uid, container, unit, process.source.value


def _flag(value: bool) -> str:  # noqa: FBT001 - the cell of a flag
    return "true" if value else "false"


def _utc(ts_ns: int) -> str:
    """Return the time to the second, empty where no calendar has it."""
    try:
        moment = dt.datetime.fromtimestamp(ts_ns // _NS, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(cells: tuple[object, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
