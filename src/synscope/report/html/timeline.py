"""When attempts began, drawn: a lane a label; a mark an attempt while there are few, else bars over time.

Input: a diagnosis, and ``Moments`` where they were collected. Output: lanes with places in percent of the width,
so that the drawing fits every page, ticks, and the same as a table. Without ``Moments``, what the diagnosis
holds must do: examples as marks, and for the others when the first and the last of them began.

Invariants: every attempt counted is in a lane's number, in a mark or a bar, and in the table; the number of things
drawn is bounded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from synscope.engine.moments import BINS, KEPT, Moments
from synscope.model import Attempt, AttemptGroup, Diagnosis, Label
from synscope.report.html.palette import PAINTS
from synscope.report.wording import OUTCOME_TEXTS
from synscope.units import count, duration

LANE: Final = 58
_TEXT: Final = 20
"""Where a lane's drawing begins, below its name."""
_DEEP: Final = 30
"""How high the drawing in a lane is."""
_LOWEST: Final = 3
_STACK: Final = 3
_SLOTS: Final = 80
"""Marks closer than the width divided by this are put below each other."""
_ROWS: Final = 48
_TICKS: Final = 4
_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS: Final = (1, 2, 5, 10)
_EDGE: Final = 96
"""Percent from which on a tick's text ends at the tick."""

LaneKey = tuple[Label, bool]
"""A label, and whether its attempts then worked at another address."""


class Mark(NamedTuple):
    """One attempt: from where to where, how far down, and what it is."""

    x: str
    end: str
    y: int
    title: str


class Bar(NamedTuple):
    """How many attempts began in a span of time."""

    x: str
    width: str
    y: int
    height: int
    title: str


class Lane(NamedTuple):
    """What is drawn of one label."""

    label: Label
    recovered: bool
    number: int
    top: int
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    bands: tuple[Bar, ...] = ()

    @property
    def paint(self) -> str:
        """The name of its colour and shape."""
        return PAINTS[self.label].name

    @property
    def name(self) -> str:
        """What to call it."""
        return self.label.value + (", then worked at another address" if self.recovered else "")


class Tick(NamedTuple):
    """A time on the axis."""

    x: str
    text: str
    anchor: str


class FigureRow(NamedTuple):
    """One row of the table."""

    cells: tuple[str, ...]


class Figure(NamedTuple):
    """The drawing and its table."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    began: str
    caption: str
    notes: tuple[str, ...]
    head: tuple[str, ...]
    rows: tuple[FigureRow, ...]

    @property
    def height(self) -> int:
        """How high it is, the axis included."""
        return LANE * len(self.lanes) + 24


class _Scale(NamedTuple):
    """From times to percent."""

    first: int
    last: int

    def at(self, ts_ns: int) -> float:
        return 100 * (ts_ns - self.first) / max(1, self.last - self.first)


def figure(diagnosis: Diagnosis, moments: Moments | None) -> Figure | None:
    """Return the timeline of all attempts to what was asked about; ``None`` for fewer than two."""
    groups = list(
        {id(group): group for target in diagnosis.targets for group in target.summary.groups}.values()
    )
    total = sum(group.count for group in groups)
    examples = {attempt.id: attempt for group in groups for attempt in group.examples}
    if moments is not None and moments.total >= total > KEPT:
        return _dense(moments, total)
    if moments is not None and len(moments.kept) == total > len(examples):
        return _few(sorted(moments.kept, key=_began), [])
    partly = [group for group in groups if group.count > len(group.examples)]
    return _few(sorted(examples.values(), key=_began), partly) if total > 1 and examples else None


def moment(ts_ns: int) -> str:
    """Return a time as a date in UTC."""
    try:
        when = _EPOCH + timedelta(microseconds=ts_ns // 1000)
    except OverflowError:
        return "at a time outside any calendar"
    return when.strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def _began(attempt: Attempt) -> tuple[int, int]:
    return attempt.first_ts_ns, attempt.id


# -- a mark an attempt ------------------------------------------------------------------------------


def _few(attempts: Sequence[Attempt], partly: Sequence[AttemptGroup]) -> Figure:
    scale = _Scale(
        min((attempts[0].first_ts_ns, *(group.first_ts_ns for group in partly))),
        max((*map(_ended, attempts), *(group.last_ts_ns for group in partly))),
    )
    counts: Counter[LaneKey] = Counter((attempt.label, attempt.recovered) for attempt in attempts)
    for group in partly:
        counts[group.label, group.recovered] += group.count - len(group.examples)
    shown = attempts[:BINS]
    banded = sorted(partly, key=lambda group: -group.count)[:BINS]
    lanes = tuple(
        Lane(
            *way,
            counts[way],
            at * LANE,
            marks=tuple(
                _marks([attempt for attempt in shown if (attempt.label, attempt.recovered) == way], scale)
            ),
            bands=tuple(_band(group, scale) for group in banded if (group.label, group.recovered) == way),
        )
        for at, way in enumerate(_ordered(counts))
    )
    notes = []
    total = counts.total()
    if total > len(shown):
        notes.append(
            f"Marks stand for {len(shown):,} of {count(total, 'attempt')}: when the others began is not known one "
            "by one. A band reaches from the first to the last of those that ended alike."
        )
    rows = tuple(
        FigureRow(
            (
                f"#{attempt.id}",
                f"+{duration(attempt.first_ts_ns - scale.first)}",
                f"{attempt.client} → {attempt.server}",
                Lane(attempt.label, attempt.recovered, 1, 0).name,
                OUTCOME_TEXTS[attempt.outcome],
                str(attempt.frames.first),
            )
        )
        for attempt in shown
    )
    return Figure(
        lanes,
        tuple(_ticks(scale)),
        moment(scale.first),
        "A mark is an attempt, at the time it began; a line after it reaches to its last key frame.",
        tuple(notes),
        ("attempt", "began", "client and server", "label", "outcome", "frame"),
        rows,
    )


def _ended(attempt: Attempt) -> int:
    return max((attempt.first_ts_ns, *(ts_ns for ts_ns in attempt.times if ts_ns is not None)))


def _marks(attempts: Sequence[Attempt], scale: _Scale) -> Iterator[Mark]:
    taken: Counter[int] = Counter()
    for attempt in attempts:
        x = scale.at(attempt.first_ts_ns)
        slot = int(x * _SLOTS / 100)
        level = taken[slot] % _STACK
        taken[slot] += 1
        title = (
            f"#{attempt.id} +{duration(attempt.first_ts_ns - scale.first)}: {attempt.client} → {attempt.server}, "
            f"{attempt.label.value}: {OUTCOME_TEXTS[attempt.outcome]} (frame {attempt.frames.first})"
        )
        yield Mark(
            _percent(x), _percent(scale.at(_ended(attempt))), _TEXT + 7 + level * _DEEP // _STACK, title
        )


def _band(group: AttemptGroup, scale: _Scale) -> Bar:
    left, right = scale.at(group.first_ts_ns), scale.at(group.last_ts_ns)
    title = (
        f"{count(group.count, 'attempt')} to {group.server} between +{duration(group.first_ts_ns - scale.first)}"
        f" and +{duration(group.last_ts_ns - scale.first)}: {OUTCOME_TEXTS[group.outcome]}"
    )
    return Bar(_percent(left), _percent(max(0.4, right - left)), _TEXT, _DEEP, title)


# -- bars over time ---------------------------------------------------------------------------------


def _dense(moments: Moments, total: int) -> Figure:
    scale = _Scale(moments.first_ts_ns, moments.last_ts_ns + 1)
    width = moments.width_ns
    bins: dict[LaneKey, Counter[int]] = {}
    for bin_ in moments.bins():
        bins.setdefault((bin_.label, bin_.recovered), Counter())[bin_.first_ts_ns] += bin_.number
    counts = Counter({way: found.total() for way, found in bins.items()})
    most = max(number for found in bins.values() for number in found.values())
    order = _ordered(counts)
    lanes = tuple(
        Lane(*way, counts[way], at * LANE, bars=tuple(_bars(bins[way], width, most, scale)))
        for at, way in enumerate(order)
    )
    caption = (
        f"A bar is the number of attempts that began within {duration(width)}; its height grows with the "
        f"logarithm of that number, the highest stands for {most:,}."
    )
    others = moments.total - total
    return Figure(
        lanes,
        tuple(_ticks(scale)),
        moment(scale.first),
        caption,
        (f"{count(others, 'attempt')} to the same ports at other addresses are among them.",)
        if others
        else (),
        ("began", *(lane.name for lane in lanes)),
        tuple(_table(bins, order, width, scale)),
    )


def _bars(bins: Counter[int], width: int, most: int, scale: _Scale) -> Iterator[Bar]:
    for begins, number in sorted(bins.items()):
        left = max(0.0, scale.at(begins))
        right = min(100.0, scale.at(begins + width))
        height = max(_LOWEST, round(_DEEP * math.log1p(number) / math.log1p(most)))
        title = (
            f"+{duration(max(0, begins - scale.first))}: {count(number, 'attempt')} within {duration(width)}"
        )
        yield Bar(_percent(left), _percent(max(0.15, right - left)), _TEXT + _DEEP - height, height, title)


def _table(
    bins: dict[LaneKey, Counter[int]], order: Sequence[LaneKey], width: int, scale: _Scale
) -> Iterator[FigureRow]:
    """Yield at most ``_ROWS`` rows, each of several bins, without those in which nothing began."""
    start = scale.first // width
    each = -(-((scale.last // width) - start + 1) // _ROWS)
    rows: dict[int, Counter[LaneKey]] = {}
    for way, found in bins.items():
        for begins, number in found.items():
            rows.setdefault((begins // width - start) // each, Counter())[way] += number
    for place, numbers in sorted(rows.items()):
        begins = max(0, (start + place * each) * width - scale.first)
        ends = (start + (place + 1) * each) * width - scale.first
        cells = (f"{numbers[way]:,}" if numbers[way] else "" for way in order)
        yield FigureRow((f"+{duration(begins)} to +{duration(ends)}", *cells))


# -- both -------------------------------------------------------------------------------------------


def _ordered(ways: Iterable[LaneKey]) -> list[LaneKey]:
    places = {label: at for at, label in enumerate(PAINTS)}
    return sorted(ways, key=lambda way: (places[way[0]], way[1]))


def _percent(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".") + "%"


def _ticks(scale: _Scale) -> Iterator[Tick]:
    """Yield round times after the first attempt, about ``_TICKS`` of them."""
    span = scale.last - scale.first
    size = _round_step(span / _TICKS)
    for at in range(0, span + 1, size):
        x = scale.at(scale.first + at)
        anchor = "start" if not at else "end" if x > _EDGE else "middle"
        yield Tick(_percent(x), f"+{duration(at)}" if at else "0", anchor)


def _round_step(wanted: float) -> int:
    """Return the smallest round number of ns, seconds, minutes … that is at least ``wanted``."""
    for unit in (60 * 60 * 24, 60 * 60, 60):
        if wanted > unit * _NS / 2:
            return unit * _NS * max(1, _decimal(wanted / (unit * _NS)))
    return _decimal(wanted)


def _decimal(wanted: float) -> int:
    size = 1
    while size * _STEPS[-1] < wanted:
        size *= 10
    return next(size * step for step in _STEPS if size * step >= wanted)
