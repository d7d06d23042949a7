"""Hypothesis strategies for frames, stories and damage."""

from __future__ import annotations

from hypothesis import strategies as st

from synscope.engine.names import LINKTYPE_NAMES
from tests import story, wire

numbers = st.integers(0, 0xFFFFFFFF)
near_numbers = st.one_of(
    st.sampled_from(
        [story.CLIENT_ISN + n for n in (-1, 0, 1, 2, 6)] + [story.SERVER_ISN + n for n in (-1, 0, 1, 2, 6)]
    ),
    numbers,
)
flags = st.one_of(
    st.sampled_from(["S", "SA", "A", "PA", "RA", "R", "FA", "F", "."]),
    st.lists(st.sampled_from("FSRPAUECN"), unique=True).map("".join),
)
linktypes = st.one_of(st.sampled_from(sorted(LINKTYPE_NAMES)), st.integers(0, 300))


@st.composite
def segments(draw: st.DrawFn) -> bytes:
    """An Ethernet frame of one of two ends with numbers that often nearly fit."""
    ends = (story.CLIENT, story.SERVER)
    if draw(st.booleans()):
        ends = (story.SERVER, story.CLIENT)
    (source, source_port), (destination, destination_port) = ends
    letters = draw(flags)
    segment = wire.tcp(
        source_port,
        destination_port,
        draw(near_numbers),
        draw(near_numbers),
        letters,
        b"y" * draw(st.sampled_from([0, 0, 1, 5])),
    )
    return wire.ethernet(wire.ip(source, destination, segment))


conversations = st.lists(segments(), max_size=14).map(
    lambda found: [(wire.START + 10_000_000 * n, frame) for n, frame in enumerate(found)]
)
"""Frames of two ends, 10 ms apart, that a TCP may or may not send."""

pieces = st.lists(st.integers(1, 400), max_size=40).map(tuple)
"""Sizes of short reads."""
