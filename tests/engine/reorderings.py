"""Which stories keep their label when the two sides are recorded in another order, and which do not.

A capture from several queues, or appended from one file for each direction, keeps each side's own order and
interleaves the two in any way. ``KEPT`` are the stories that must be called the same then. ``LOST`` says of
all others why the frames do not suffice. Stories of several attempts, where order is what parts them, and
of ICMP errors are in neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from tests.engine import stories
from tests.engine.stories import Story


@dataclass(frozen=True)
class Reason:
    """Why the label is lost in some orders: in words, an example (story and order), the stories."""

    text: str
    example: tuple[str, str]
    names: tuple[str, ...]


LOST: tuple[Reason, ...] = (
    Reason(
        "The reply does not acknowledge the SYN (that is what makes it odd), so no number ties it to a SYN "
        "that comes behind it.",
        ("challenge ack", "S A seq=s+900 ack=c-5000 | C S"),
        (
            "rst without ack",
            "challenge ack",
            "challenge ack and the client's rst",
            "challenge ack, rst, the same syn, success",
            "client rst before the handshake does not reset it",
            "unfitting syn-ack",
            "syn-ack that acknowledges nothing",
            "unfitting syn-ack and the client's rst",
            "unfitting syn-ack, then a fitting one",
            "unfitting rst",
            "rst that acknowledges nothing",
            "unfitting rst, then refused",
            "unfitting rst, then success",
            "fast open refused beyond its data",
            "fast open answered beyond its data",
        ),
    ),
    Reason(
        "The server answered twice, and which answer counts shows only in what stands between them.",
        ("two syn-acks, the second counts", "C S | C A ack=s+90001 | C PA len=5 | S SA | S SA seq=s+90000"),
        (
            "refusal forged behind a syn-ack",
            "forged rst before the syn-ack",
            "two syn-acks, the second counts",
        ),
    ),
    Reason(
        "Both ends opened, and the order of the SYNs and SYN-ACKs is all that tells it from two attempts.",
        ("simultaneous open", "C S | C SA | S S | S SA"),
        (
            "split open",
            "split open of three",
            "simultaneous open",
            "simultaneous open, other order",
            "the other end opens after a lost syn",
        ),
    ),
    Reason(
        "A frame of the handshake is missing, and the numbers that would prove it come too late.",
        ("syn missing", "C A | C PA len=5 | C FA | S SA | S PA len=7 | S FA"),
        (
            "syn missing",
            "syn-ack missing",
            "syn-ack missing, server data proves it",
            "client's acks missing, server's ack of its data proves them",
            "a syn-ack and the client's rst",
        ),
    ),
)
"""Why a label can be lost, with the stories that show it."""

_LOST_NAMES = {name for reason in LOST for name in reason.names}


def segments(story: Story) -> list[str]:
    """The story's segments as it notes them."""
    return [text.strip() for text in story.text.split("|")]


def is_one_attempt(story: Story) -> bool:
    """Whether the story is about one attempt and nothing but TCP."""
    return len(story.expected) == 1 and not any(text.startswith("I") for text in segments(story))


KEPT = tuple(story for story in stories.ALL if is_one_attempt(story) and story.name not in _LOST_NAMES)
"""The stories whose label every interleaving of the two sides keeps."""


def interleavings(story: Story) -> Iterator[tuple[int, ...]]:
    """Every order of the story's segments that keeps the order within each side."""
    sides = [text[0] for text in segments(story)]
    clients = [place for place, side in enumerate(sides) if side == "C"]
    servers = [place for place, side in enumerate(sides) if side == "S"]
    for taken in combinations(range(len(sides)), len(clients)):
        ours, theirs = iter(clients), iter(servers)
        yield tuple(next(ours) if place in taken else next(theirs) for place in range(len(sides)))


def order_of(story: Story, order: str) -> list[int]:
    """The places of the segments in an order that is spelt out."""
    places = segments(story)
    return [places.index(text.strip()) for text in order.split("|")]
