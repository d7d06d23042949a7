"""Colours of labels: read by everybody, and never alone."""

from __future__ import annotations

import itertools
import math

import pytest

from synscope.model import Label
from synscope.report.html.palette import PAINTS, SURFACES, style

TOGETHER = (Label.SYN_NO_REPLY, Label.SYN_RST, Label.COMPLETED, Label.HALF_OPEN)
"""The labels that stand side by side most."""

# Machado, Oliveira, Fernandes 2009: what remains of linear RGB for readers without one kind of cone.
BLIND = {
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}
Color = tuple[float, float, float]


def linear(text: str) -> Color:
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(text: str) -> float:
    red, green, blue = linear(text)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def oklab(color: Color) -> Color:
    red, green, blue = (max(0.0, value) for value in color)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def seen(text: str, matrix: tuple[Color, Color, Color]) -> Color:
    color = linear(text)
    red, green, blue = (sum(a * b for a, b in zip(row, color, strict=True)) for row in matrix)
    return oklab((red, green, blue))


@pytest.mark.parametrize("label", Label)
def test_text_in_a_labels_colour_can_be_read(label: Label) -> None:
    for light, dark in SURFACES.values():
        assert contrast(PAINTS[label].light, light) >= 4.5
        assert contrast(PAINTS[label].dark, dark) >= 4.5


@pytest.mark.parametrize("eyes", BLIND)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_labels_seen_together_differ_for_all_eyes(eyes: str, scheme: str) -> None:
    colors = [seen(getattr(PAINTS[label], scheme), BLIND[eyes]) for label in TOGETHER]
    for one, other in itertools.combinations(colors, 2):
        assert math.dist(one, other) > 0.06


def test_shapes_and_names_differ() -> None:
    assert PAINTS.keys() == set(Label)
    assert len({paint.shape for paint in PAINTS.values()}) == len(Label)
    assert len({paint.name for paint in PAINTS.values()}) == len(Label)


def test_style_has_every_label_for_both_schemes() -> None:
    for paint in PAINTS.values():
        assert style().count(f"--l-{paint.name}:") == 2
        assert f".l-{paint.name}{{" in style()
