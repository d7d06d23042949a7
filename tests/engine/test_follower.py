"""The stages joined: every frame is a segment, or counted under a reason."""

from __future__ import annotations

from tests import wire
from tests.follow import follow
from tests.story import frames

V4 = ("192.0.2.1", "192.0.2.2")
ARP = wire.ethernet(bytes(28), 0x0806)
UDP = wire.ethernet(wire.ipv4(*V4, wire.udp(1, 2, b"x" * 20), protocol=17))


def test_counts() -> None:
    """Frames, segments and what was not followed, most frequent first."""
    noise = [(wire.START, ARP), (wire.START, UDP), (wire.START, ARP)]
    follower = follow(wire.pcap(noise + frames("C S | I 3/3 | S RA"))).follower
    assert (follower.frames, follower.segments) == (6, 2)
    assert list(follower.undecoded().items()) == [("ARP", 2), ("ICMP", 1), ("UDP", 1)]


def test_nothing() -> None:
    """No frames, no counts."""
    follower = follow(wire.pcap([])).follower
    assert (follower.frames, follower.segments, follower.undecoded()) == (0, 0, {})


def test_frame_numbers_count_every_frame() -> None:
    """As Wireshark numbers them: also the ones that are not followed."""
    noise = [(wire.START, ARP)] * 1500
    (attempt,) = follow(wire.pcap(noise + frames("C S | S RA"))).attempts
    assert (attempt.frames.syn, attempt.frames.rst) == (1501, 1502)
