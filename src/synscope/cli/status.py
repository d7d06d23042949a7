"""The exit statuses: the one place that gives them numbers."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """What the program's exit status says."""

    FINE = 0
    """No finding of kind failure; with ``--expect``: every target has the label."""
    FAILURE = 1
    """At least one finding of kind failure; with ``--expect``: some target has another label."""
    USAGE = 2
    UNREADABLE = 3
    """No input could be read."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells report it."""
    OUTPUT_CLOSED = 141
    """128 + SIGPIPE: whoever read the output has stopped."""
