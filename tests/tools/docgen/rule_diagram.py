"""``docs/pictures/rules.svg``: the rule table as a picture, read from above.

Input: ``OUTCOME_RULES``. Output: an SVG without scripts, fonts or links. Neighbouring rules of one label share a box,
whose head names the conditions that all of them have; each line below it is a rule with the rest of its conditions.
Wide enough for a page, narrow enough to be read on a phone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from synscope.engine.outcome import OUTCOME_RULES, OutcomeRule
from synscope.model import Label

_WIDTH: Final = 560
_MARGIN: Final = 12
_LINE: Final = 17
_PAD: Final = 7
_GAP: Final = 24
_CONDITIONS_X: Final = 46
_ARROW_X: Final = 344
_OUTCOME_X: Final = 375
_COLUMNS: Final = 40
"""Characters of a line of conditions."""
_HEAD_COLUMNS: Final = 50
_COLOURS: Final = {
    Label.COMPLETED: "#1a7f37",
    Label.SYN_RST: "#b42318",
    Label.SYN_NO_REPLY: "#9a4f00",
    Label.HALF_OPEN: "#8a2d8a",
    Label.ODD_REPLY: "#0b5cad",
}
_OTHER: Final = "#4a5560"
_STYLE: Final = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328}"
    ".head{fill:#fff}.label{font-weight:700;fill:#fff}.outcome{font-weight:700}"
    ".number,.else{fill:#57606a}.arrow{stroke:#57606a;fill:none;stroke-width:1.5}"
)


@dataclass(frozen=True, slots=True)
class _Box:
    """Neighbouring rules of one label, by their places in the table."""

    label: Label
    rules: tuple[tuple[int, OutcomeRule], ...]

    @property
    def shared(self) -> tuple[str, ...]:
        """What all of them need, in the first one's order."""
        first, *others = (rule.needs for _, rule in self.rules)
        return tuple(name for name in first if all(name in needs for needs in others))


def text() -> str:
    """Return the picture."""
    y, parts = _MARGIN, []
    boxes = [
        _Box(label, tuple(rules))
        for label, rules in groupby(enumerate(OUTCOME_RULES, 1), key=lambda placed: placed[1].label)
    ]
    for box in boxes:
        if parts:
            parts += _fall_through(y)
            y += _GAP
        drawn, y = _drawn(box, y)
        parts += drawn
    size = f'viewBox="0 0 {_WIDTH} {y + _MARGIN}" width="{_WIDTH}" height="{y + _MARGIN}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
        '<title id="title">The rules that name an outcome</title>',
        '<desc id="desc">The first rule whose conditions hold names the outcome. '
        "The table of rules on the same page says the same in words.</desc>",
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" rx="8" fill="#f6f8fa"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def conditions(rule: OutcomeRule, known: Iterable[str] = ()) -> list[str]:
    """Return what ``rule`` asks for beyond ``known``, in pieces that read one after the other."""
    rest = [name for name in rule.needs if name not in set(known)]
    pieces = [name if place == 0 else f"+ {name}" for place, name in enumerate(rest)]
    if rule.any_of:
        either = " or ".join(rule.any_of)
        pieces.append(f"+ {either}" if pieces else either)
    pieces += [f"no {name}" for name in rule.unless]
    return pieces or ["otherwise"]


def _drawn(box: _Box, top: int) -> tuple[list[str], int]:
    """Return the parts of a box that begins at ``top``, and where it ends."""
    colour = _COLOURS.get(box.label, _OTHER)
    shared = [name if place == 0 else f"+ {name}" for place, name in enumerate(box.shared)]
    head = _wrapped(shared, _HEAD_COLUMNS)
    y = top + _LINE + 3
    parts = [_say(_MARGIN + 10, y, box.label.value, "label")]
    for line in head:
        parts.append(_say(_CONDITIONS_X + 120, y, line, "head"))
        y += _LINE
    head_bottom = top + 2 * _PAD + _LINE * max(len(head), 1)
    y = head_bottom
    for place, rule in box.rules:
        lines = _wrapped(conditions(rule, box.shared), _COLUMNS)
        y += _PAD
        middle = y + _LINE * (len(lines) + 1) // 2
        parts.append(_say(_MARGIN + 10, middle, str(place), "number"))
        for line in lines:
            y += _LINE
            parts.append(_say(_CONDITIONS_X, y, line, "else" if line == "otherwise" else ""))
        parts.append(_arrow(_ARROW_X, middle - 4))
        parts.append(_say(_OUTCOME_X, middle, rule.outcome.value, "outcome"))
    bottom = y + _PAD + 4
    width = _WIDTH - 2 * _MARGIN
    frame = [
        f'<rect x="{_MARGIN}" y="{top}" width="{width}" height="{bottom - top}" rx="6" fill="#fff" '
        f'stroke="{colour}"/>',
        f'<path d="M{_MARGIN} {head_bottom}V{top + 6}q0-6 6-6h{width - 12}q6 0 6 6V{head_bottom}z" '
        f'fill="{colour}"/>',
    ]
    return frame + parts, bottom


def _fall_through(y: int) -> list[str]:
    x = _MARGIN + 24
    return [
        f'<path class="arrow" d="M{x} {y + 2}v{_GAP - 6}m-4-5l4 5l4-5"/>',
        _say(x + 12, y + _GAP - 7, "no rule above holds", "else"),
    ]


def _arrow(x: int, y: int) -> str:
    return f'<path class="arrow" d="M{x} {y}h24m-5-4l5 4l-5 4"/>'


def _say(x: int, y: int, words: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{named}>{escape(words)}</text>'


def _wrapped(pieces: Iterable[str], columns: int) -> list[str]:
    """Return lines of whole pieces; ``no a, b`` and ``a + b`` read on across them."""
    lines: list[str] = []
    for piece in pieces:
        joint = ", " if piece.startswith("no ") else " "
        if lines and len(lines[-1]) + len(joint) + len(piece) <= columns:
            lines[-1] += joint + piece
        else:
            lines.append(piece)
    return lines
