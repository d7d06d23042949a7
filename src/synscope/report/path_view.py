"""The path of a connection in words and signs: one line where it fits, else a short column.

Input: a ``Path``. Output: rows on a ``Page``, and the pieces of which the other reports make theirs. A state has a
sign and a word, so that neither colour nor symbols are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from rich.cells import cell_len

from synscope.model import FAILURES, Label, Leg, Path, Role, Stage, StageState, State
from synscope.report.page import GLUE, Page, Span, glued
from synscope.report.wording import frames_text
from synscope.units import duration, listed

LABEL: Final = "Path"
_GAP: Final = f"{GLUE} "


class Sign(NamedTuple):
    """How a state looks."""

    symbol: str
    style: str
    name: str
    """A word for class names."""


SIGNS: Final[Mapping[State, Sign]] = MappingProxyType(
    {
        State.PASSED: Sign("✓", "good", "passed"),
        State.STOPPED: Sign("✗", "bad", "stopped"),
        State.TOOK_LONG: Sign("✓", "warn", "late"),
        State.UNKNOWN: Sign("?", "warn", "unknown"),
        State.NOT_REACHED: Sign("·", "dim", "beyond"),
    },
)
MILESTONES: Final[Mapping[Stage, str]] = MappingProxyType({Stage.OUT: "SYN", Stage.BACK: "handshake"})
"""What has happened once a stage is passed."""


def show(page: Page, path: Path) -> None:
    """Add the path, or nothing where nothing is known of it."""
    if not is_worth_showing(path):
        return
    if page.look.verbose:
        _every_stage(page, path)
    else:
        _in_short(page, path)
    for leg in path.legs:
        if leg.role is not Role.LEADING:
            _leg(page, leg)


def is_worth_showing(path: Path) -> bool:
    """Whether it says more than that nothing is known."""
    return any(each.state in {State.PASSED, State.STOPPED, State.TOOK_LONG} for each in path.stages) or bool(
        path.possible
    )


def took_long(path: Path) -> bool:
    """Whether a stage before the handshake took long."""
    return any(each.state is State.TOOK_LONG and each.stage in {Stage.IN, Stage.BACK} for each in path.stages)


def summary(path: Path) -> str:
    """Return the path in a line of plain text."""
    return _plain(_line(_pieces(path)))


def leg_words(leg: Leg) -> str:
    """Return a leg that is not the leading one, in a line of plain text."""
    return _plain(_leg_spans(leg))


def stage_words(each: StageState) -> str:
    """Return the state of a stage in words, with how long it took."""
    if each.state is State.TOOK_LONG and each.took_ns is not None:
        return f"took {duration(each.took_ns)}"
    return each.state.value


def _in_short(page: Page, path: Path) -> None:
    pieces = _pieces(path)
    line = _line(pieces)
    if cell_len(page.clean(_plain(line))) <= page.room:
        page.row(LABEL, *line)
        return
    for at, piece in enumerate(piece for piece in pieces if not piece.milestone):
        page.row(LABEL if at == 0 else "", *piece.spans, hang=2)


class _Piece(NamedTuple):
    """A part of the line."""

    spans: tuple[Span, ...]
    milestone: bool = False


def _pieces(path: Path) -> list[_Piece]:
    """Return the passed stages in short, what took long, where it stopped or may have."""
    passed = [each for each in path.stages if each.state in {State.PASSED, State.TOOK_LONG}]
    before = [each for each in passed if not path.possible or _at(each.stage) < _at(path.possible[0])]
    pieces: list[_Piece] = []
    to = _addresses(path)
    if before and len(before) == len(path.stages):
        pieces.append(_piece(State.PASSED, f"passed every stage{to}"))
    elif before:
        pieces += _passed(before, to, with_milestone=bool(path.possible))
    pieces += [_piece(each.state, f"{each.stage} {stage_words(each)}") for each in before if _is_late(each)]
    if path.possible:
        state = State.STOPPED if len(path.possible) == 1 else State.UNKNOWN
        pieces.append(_piece(state, _either(path.possible)))
    elif not before:
        pieces.append(_piece(State.UNKNOWN, "nothing that was seen tells"))
    return pieces


def _passed(before: Sequence[StageState], to: str, *, with_milestone: bool) -> list[_Piece]:
    """Return the stages that were passed: up to the last milestone, and those behind it."""
    reached = [stage for stage in MILESTONES if with_milestone and _at(stage) <= _at(before[-1].stage)]
    up_to = reached[-1] if reached else before[-1].stage
    pieces = [_piece(State.PASSED, f"passed up to {up_to}{to}")]
    if reached:
        pieces.append(_Piece(((f"│{GLUE}{MILESTONES[up_to]}{GLUE}│", "dim"),), milestone=True))
    behind = [each.stage for each in before if _at(each.stage) > _at(up_to)]
    if behind:
        pieces.append(_piece(State.PASSED, behind[0] if len(behind) == 1 else f"{behind[0]} to {behind[-1]}"))
    return pieces


def _piece(state: State, words: str) -> _Piece:
    sign = SIGNS[state]
    return _Piece(((f"{sign.symbol}{GLUE}", sign.style), words))


def _line(pieces: Sequence[_Piece]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for at, piece in enumerate(pieces):
        spans += [*([_GAP] if at else []), *piece.spans]
    return tuple(spans)


def _addresses(path: Path) -> str:
    """Return which addresses the path is about, where there are others as well."""
    if not any(leg.role is Role.OTHER_ADDRESS for leg in path.legs):
        return ""
    leading = [leg.address for leg in path.legs if leg.role is Role.LEADING]
    return f" at {listed(leading, most=2)}" if leading else ""


def _every_stage(page: Page, path: Path) -> None:
    rows: list[tuple[Span, ...]] = []
    for each in path.stages:
        sign = SIGNS[each.state]
        told = witness_words(each)
        words: Span = (stage_words(each), sign.style)
        # A dot becomes a bar where there is ASCII only, and bars are the milestones.
        symbol = sign.symbol if page.look.unicode or each.state is not State.NOT_REACHED else "-"
        rows.append(((symbol, sign.style), each.stage.value, words, told[0] if told else ""))
        rows += [("", "", "", text) for text in told[1:]]
        if each.stage in MILESTONES and each.state in {State.PASSED, State.TOOK_LONG}:
            rows.append((("│", "dim"), (MILESTONES[each.stage], "dim"), "", ""))
    page.columns(rows, label=LABEL)


def witness_words(each: StageState) -> list[str]:
    """Return what the witnesses of a stage said that fits its state, with the frames."""
    return [
        witness.text + frames_text(witness.frames, lead=" (", close=")")
        for witness in each.witnesses
        if witness.text and _fits(witness.says, each.state)
    ]


def _fits(says: State, state: State) -> bool:
    """Whether a witness agrees with what is known: an older look, or another attempt, may say otherwise."""
    if state is State.UNKNOWN:
        return True
    return says is state or (says, state) == (State.PASSED, State.TOOK_LONG)


def _leg(page: Page, leg: Leg) -> None:
    page.row("", *_leg_spans(leg), hang=2)


def _leg_spans(leg: Leg) -> tuple[Span, ...]:
    place = f"[{leg.address}]:{leg.port}" if ":" in leg.address else f"{leg.address}:{leg.port}"
    if leg.role is Role.CHILD:
        maker = f"{leg.maker} " if leg.maker else ""
        head: tuple[Span, ...] = (
            ("└ ", "dim"),
            f"its own leg: {maker}→ {place}" if maker else f"its own leg → {place}",
        )
    else:
        head = (("also ", "dim"), place)
    if leg.label not in FAILURES:
        sign = SIGNS[leg.state if leg.label is Label.COMPLETED else State.UNKNOWN]
        return (*head, _GAP, (f"{sign.symbol}{GLUE}", sign.style), leg.label.value)
    sign = SIGNS[State.STOPPED if len(leg.stages) == 1 else State.UNKNOWN]
    took = f", tried for {duration(leg.took_ns)}" if leg.took_ns else ""
    stop = (f"{sign.symbol}{GLUE}", sign.style)
    return (*head, _GAP, (leg.label.value, "dim"), _GAP, stop, _either(leg.stages) + took)


def _either(stages: Sequence[Stage]) -> str:
    names = [glued(stage.value) for stage in stages]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _is_late(each: StageState) -> bool:
    return each.state is State.TOOK_LONG


def _at(stage: Stage) -> int:
    return tuple(Stage).index(stage)


def _plain(spans: Sequence[Span]) -> str:
    return "".join(span if isinstance(span, str) else span[0] for span in spans).replace(GLUE, " ")
