"""What ``--since``, ``--until`` and ``--host`` mean: which part of a capture is looked at.

Input: arguments as typed. Output: a ``Selection``. A ``Moment`` may hang on the capture: on its first day, its
first frame or its last one; ``Moment.resolve`` turns it into nanoseconds once those are known.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_SECOND_NS = 1_000_000_000
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "": _SECOND_NS,
    "s": _SECOND_NS,
    "m": 60 * _SECOND_NS,
    "min": 60 * _SECOND_NS,
    "h": 3_600 * _SECOND_NS,
    "d": 86_400 * _SECOND_NS,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{0,9})?"
_RELATIVE = rf"([+-])({_NUMBER})\s*([a-zµ]*)"
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]{1,9})?))?"
_V4_HIGH = 0xFFFFFFFFFFFFFFFF
_HALF = 64


class SelectionError(ValueError):
    """The text names no moment or no address; the message says what would."""


class Anchor(enum.Enum):
    """What a moment's nanoseconds are counted from."""

    EPOCH = "the epoch"
    FIRST_DAY = "midnight, local time, of the first frame's day"
    FIRST_FRAME = "the first frame"
    LAST_FRAME = "the last frame"


class Moment(NamedTuple):
    """A point in time, as far as it is known without the capture."""

    ns: int
    anchor: Anchor = Anchor.EPOCH

    def resolve(self, first_ts_ns: int, last_ts_ns: int | None) -> int:
        """Return nanoseconds since the epoch; ``last_ts_ns`` is needed only for ``Anchor.LAST_FRAME``."""
        if self.anchor is Anchor.FIRST_DAY:
            return _on_day_of(first_ts_ns, self.ns)
        if self.anchor is Anchor.FIRST_FRAME:
            return first_ts_ns + self.ns
        if self.anchor is Anchor.LAST_FRAME and last_ts_ns is not None:
            return last_ts_ns + self.ns
        return self.ns


class Selection(NamedTuple):
    """The part of a capture that is looked at; by default all of it."""

    since: Moment | None = None
    until: Moment | None = None
    """Both included."""
    hosts: frozenset[tuple[int, int]] = frozenset()
    """Addresses as the engine has them, in two halves; empty means any."""

    @property
    def timed(self) -> bool:
        """Whether a part of the time is selected."""
        return self.since is not None or self.until is not None

    @property
    def needs_end(self) -> bool:
        """Whether the time of the last frame has to be known first."""
        return any(moment and moment.anchor is Anchor.LAST_FRAME for moment in (self.since, self.until))


EVERYTHING = Selection()


def moment(text: str) -> Moment:
    """Return the moment that ``text`` names; raises ``SelectionError`` where it names none."""
    stripped = text.strip()
    relative = re.fullmatch(_RELATIVE, stripped)
    if relative is not None and relative[3] in _UNITS:
        ns = _ns(relative[2], _UNITS[relative[3]])
        return Moment(ns, Anchor.FIRST_FRAME) if relative[1] == "+" else Moment(-ns, Anchor.LAST_FRAME)
    clock = re.fullmatch(_CLOCK, stripped, re.ASCII)
    if clock is not None:
        minutes = int(clock[1]) * 60 + int(clock[2])
        return Moment(minutes * 60 * _SECOND_NS + _ns(clock[3] or "0"), Anchor.FIRST_DAY)
    if re.fullmatch(_NUMBER, stripped, re.ASCII):
        return Moment(_ns(stripped))
    try:
        return Moment(_since_epoch(datetime.fromisoformat(stripped)))
    except (ValueError, OverflowError, OSError) as error:
        raise SelectionError(
            f"{text!r} is no time; give 2026-01-31T12:00:00 (local, or with a zone), 12:00:00, seconds since "
            "the epoch, +2.5s after the first frame or -30s before the last"
        ) from error


def host(text: str) -> tuple[int, int]:
    """Return an address in the engine's two halves; raises ``SelectionError`` where it is none."""
    try:
        address = ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise SelectionError(f"{text!r} is no IP address; names are not resolved") from error
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return _V4_HIGH, int(address)
    return int(address) >> _HALF, int(address) & ((1 << _HALF) - 1)


def _ns(number: str, unit: int = _SECOND_NS) -> int:
    """Nanoseconds of a decimal number of units, exactly."""
    from decimal import Decimal  # noqa: PLC0415 - only for a time on the command line

    return int(Decimal(number) * unit)


def _since_epoch(when: datetime) -> int:
    """Nanoseconds since the epoch; a time without a zone is local."""
    return (when.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) * 1_000


def _on_day_of(first_ts_ns: int, ns: int) -> int:
    hour, rest = divmod(ns, 3_600 * _SECOND_NS)
    minute, rest = divmod(rest, 60 * _SECOND_NS)
    day = datetime.fromtimestamp(first_ts_ns // _SECOND_NS, tz=UTC).astimezone()
    # Naive, so that the zone's offset is that of the hour and not that of the first frame.
    local = day.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
    return _since_epoch(local) + rest
