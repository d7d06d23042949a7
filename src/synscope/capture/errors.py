"""What can be wrong with a capture, as one typed error."""

from __future__ import annotations


class CaptureError(Exception):
    """A capture that cannot be read, or not any further.

    ``capture`` is the path as given, ``offset`` the byte offset in the (decompressed) capture and
    ``frame`` the last whole frame before the damage, 0 when there is none.
    """

    def __init__(self, capture: str, reason: str, *, offset: int = 0, frame: int = 0) -> None:
        super().__init__(f"{capture}: {reason}")
        self.capture = capture
        self.reason = reason
        self.offset = offset
        self.frame = frame
