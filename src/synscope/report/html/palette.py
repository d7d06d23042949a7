"""How a label looks: a colour for light and dark pages, and a shape, so that colour is never the only carrier.

One row a label. Colours keep 4.5:1 against the page and the panels on it (WCAG 2.2, 1.4.3), and those of the labels
that are seen together most stay apart for readers who see no red, no green or no blue; the tests compute both.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from synscope.model import Label


class Paint(NamedTuple):
    """The name of a label's class and shape, and its colours."""

    name: str
    light: str
    dark: str
    shape: str
    """What is drawn, as an SVG path around 0,0, at most 5 to each side."""


SURFACES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"page": ("#ffffff", "#14171b"), "panel": ("#f5f6f8", "#1d2127")}
)
"""Backgrounds, in a light and in a dark page."""

PAINTS: Final[Mapping[Label, Paint]] = MappingProxyType(
    {
        Label.SYN_NO_REPLY: Paint(
            "no-reply",
            "#7d6a00",
            "#f5cf52",
            "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5ZM0-3A3 3 0 1 0 0 3A3 3 0 1 0 0-3Z",
        ),
        Label.SYN_RST: Paint(
            "rst", "#8f2000", "#ff7747", "M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z"
        ),
        Label.COMPLETED: Paint(
            "completed", "#0a4585", "#94c8ff", "M0-4.5A4.5 4.5 0 1 1 0 4.5A4.5 4.5 0 1 1 0-4.5Z"
        ),
        Label.CLIENT_NEVER_SENT: Paint("never-sent", "#59616d", "#aab4c0", "M-5-1.5H5V1.5H-5Z"),
        Label.HALF_OPEN: Paint("half-open", "#b01fa6", "#dd75d4", "M0-5A5 5 0 0 0 0 5Z"),
        Label.ONE_SIDED: Paint("one-sided", "#00696b", "#5fd0cc", "M-4-5L5 0L-4 5Z"),
        Label.ODD_REPLY: Paint("odd-reply", "#a3195b", "#ff93c4", "M0-5L5 0L0 5L-5 0Z"),
        Label.MID_STREAM: Paint("mid-stream", "#5f5f5f", "#b3b3b3", "M-4-4H4V4H-4Z"),
    }
)


def style() -> str:
    """Return the style sheet's variables and one rule a label."""
    light = [f"--{name}:{pair[0]}" for name, pair in SURFACES.items()]
    dark = [f"--{name}:{pair[1]}" for name, pair in SURFACES.items()]
    light += [f"--l-{paint.name}:{paint.light}" for paint in PAINTS.values()]
    dark += [f"--l-{paint.name}:{paint.dark}" for paint in PAINTS.values()]
    rules = [f".l-{paint.name}{{--label:var(--l-{paint.name})}}" for paint in PAINTS.values()]
    return (
        f":root{{{';'.join(light)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{';'.join(dark)}}}}}\n"
        + "\n".join(rules)
        + "\n"
    )
