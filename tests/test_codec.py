"""Records as JSON and back: every kind of field, what is refused and how it is named, and the limits."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.codec import Codec, Limits


class RefusedError(ValueError):
    pass


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Missing(NamedTuple):
    why: str


class Point(NamedTuple):
    x: int
    y: int = 0


@dataclass(frozen=True)
class Drawing:
    title: str
    points: tuple[Point, ...]
    colour: Colour
    level: Level | None
    frame: Point | Missing
    payload: bytes | None = None
    scale: float = 1.0
    tags: frozenset[str] = frozenset()
    counts: dict[Colour, int] = field(default_factory=dict)
    open: bool = False


CODEC = Codec(Drawing, "drawing", "drawing", RefusedError)
NARROW = Codec(Drawing, "drawing", "drawing", RefusedError, Limits(1 << 20, 5, 2, 99, whole_characters=True))
DRAWING = Drawing("a", (Point(1, 2),), Colour.RED, Level.HIGH, Point(3))

points = st.builds(Point, st.integers(), st.integers())
drawings = st.builds(
    Drawing,
    st.text(max_size=9),
    st.lists(points, max_size=4).map(tuple),
    st.sampled_from(Colour),
    st.none() | st.sampled_from(Level),
    points | st.builds(Missing, st.text(max_size=9)),
    st.none() | st.binary(max_size=9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.frozensets(st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(Colour), st.integers(), max_size=2),
    st.booleans(),
)


@given(drawings)
def test_there_and_back(drawing: Drawing) -> None:
    assert CODEC.from_json(CODEC.to_json(drawing)) == drawing


@given(drawings)
def test_a_codec_with_limits_reads_what_it_wrote_but_for_numbers(drawing: Drawing) -> None:
    document = NARROW.to_plain(drawing)
    assert len(document["title"]) <= 5
    assert len(document["points"]) <= 2
    try:
        assert NARROW.from_plain(document).colour is drawing.colour
    except RefusedError as error:
        assert "too large a number" in str(error)  # noqa: PT017 - allowed, not expected


def test_a_document_is_one_plain_line() -> None:
    assert CODEC.to_json(DRAWING) == (
        '{"title":"a","points":[{"x":1,"y":2}],"colour":"red","level":2,"frame":{"x":3,"y":0},'
        '"payload":null,"scale":1.0,"tags":[],"counts":{},"open":false}'
    )


def test_a_lone_surrogate_passes_unless_characters_must_be_whole() -> None:
    odd = Drawing("\udcff", (), Colour.RED, None, Point(1))
    assert CODEC.from_json(CODEC.to_json(odd)) == odd
    assert NARROW.from_json(NARROW.to_json(odd)).title == "?"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": 1}, "drawing.title is not a text"),
        ({"title": "123456"}, "drawing.title is longer than 5 characters"),
        ({"title": "\udcff"}, "drawing.title holds half a character"),
        ({"points": {}}, "drawing.points is not a list"),
        ({"points": [{"x": 1}] * 3}, "drawing.points has more than 2 items"),
        ({"points": [{"x": 1}, {"y": 1}]}, r"drawing.points\[1\] lacks the field 'x'"),
        ({"points": [{"x": True}]}, r"drawing.points\[0\].x is not a whole number"),
        ({"points": [{"x": 100}]}, r"drawing.points\[0\].x is too large a number"),
        ({"points": [[1, 2]]}, r"drawing.points\[0\] is not an object"),
        ({"colour": "green"}, "drawing.colour is none of: red, blue"),
        ({"colour": ["red"]}, "drawing.colour is none of"),
        ({"level": True}, "drawing.level is none of: 1, 2"),
        ({"frame": None}, "drawing.frame is not an object"),
        ({"frame": {"why": "x", "x": 1}}, "drawing.frame has an unknown field 'x'"),
        ({"payload": "!"}, "drawing.payload is not base64"),
        ({"payload": 1}, "drawing.payload is not base64"),
        ({"scale": "1"}, "drawing.scale is not a number"),
        ({"counts": []}, "drawing.counts is not an object"),
        ({"counts": {"green": 1}}, r"drawing.counts\['green'\] is none of"),
        ({"open": 1}, "drawing.open is not true or false"),
        ({"more": 1}, "drawing has an unknown field 'more'"),
    ],
)
def test_the_field_that_is_wrong_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        NARROW.from_json(json.dumps({**NARROW.to_plain(DRAWING), **changes}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no drawing: not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[NaN]", "NaN is no number"),
        ("null", "drawing is not an object"),
        (" " * ((1 << 20) + 1), "a drawing is at most 1 MiB long"),
    ],
)
def test_any_other_text_is_refused(text: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        NARROW.from_json(text)


def test_a_field_that_json_cannot_hold_is_the_programs_mistake() -> None:
    class Odd(NamedTuple):
        pair: tuple[int, str]

    with pytest.raises(TypeError, match="no JSON value stands for"):
        Codec(Odd, "odd", "odd", RefusedError).from_json('{"pair": [1, "a"]}')
