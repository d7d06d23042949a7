"""The one error of this room."""

from __future__ import annotations

from synscope.capture.source import CaptureError


def test_it_carries_where_and_why() -> None:
    """The path as given, the reason, and the place."""
    error = CaptureError("some.pcap", "is empty", offset=3, frame=2)
    assert str(error) == "some.pcap: is empty"
    assert (error.capture, error.reason, error.offset, error.frame) == ("some.pcap", "is empty", 3, 2)
