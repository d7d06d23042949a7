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
from typing import Final

from synscope.model import Attempt, Frames, Times
from synscope.report import display_filter
from synscope.report.escape import visible

_FRAMES: Final = tuple(f"frame_{name}" for name in Frames._fields)
_TIMES: Final = tuple(f"ts_ns_{name}" for name in Times._fields if name != "first")

COLUMNS: Final = (
    *("capture", "id", "client_address", "client_port", "server_address", "server_port"),
    *("first_ts_ns", "first_utc", "label", "outcome", "recovered"),
    *("syn_count", "syn_ack_count", "client_bytes", "server_bytes"),
    *_FRAMES,
    *_TIMES,
    *("reset_from_server", "reset_window", "reset_checksum"),
    *("icmp_version", "icmp_type", "icmp_code", "icmp_sender"),
    "display_filter",
)

_FORMULA_STARTS: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a cell a formula or a command in a spreadsheet, also in full width (OWASP, CSV injection)."""

_NEUTRAL: Final = "'"
_NS: Final = 1_000_000_000


def header() -> str:
    """Return the line that names the columns."""
    return _line(COLUMNS)


def attempt(capture: str, one: Attempt) -> str:
    """Return the row of one attempt."""
    reset, icmp = one.reset, one.icmp
    return _line(
        (
            *(cell(capture), one.id, *_end(one.client), *_end(one.server)),
            *(one.first_ts_ns, _utc(one.first_ts_ns), one.label.value, one.outcome.value),
            *(_flag(one.recovered), one.syn_count, one.syn_ack_count, one.client_bytes, one.server_bytes),
            *one.frames,
            *one.times[1:],
            *(
                (None,) * 3
                if reset is None
                else (_flag(reset.from_server), reset.window, reset.checksum.value)
            ),
            *((None,) * 4 if icmp is None else (icmp.version, icmp.type, icmp.code, cell(icmp.sender))),
            cell(display_filter.attempt(one)),
        )
    )


def cell(text: str) -> str:
    """Return ``text`` so that it shows as itself and no spreadsheet calculates it."""
    shown = visible(text)
    return _NEUTRAL + shown if text.startswith(_FORMULA_STARTS) or shown.startswith(_NEUTRAL) else shown


def _end(endpoint: tuple[str, int]) -> tuple[str, int]:
    address, port = endpoint
    return cell(address), port


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
