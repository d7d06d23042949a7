"""The shape of one row of the error tables, and the marks its spellings are written in.

Input: nothing. Output: ``ErrorMeaning`` and the small types in it. The rows are in ``errors_kernel``,
``errors_client`` and ``errors_exchange``, the recogniser is ``errors``.

A spelling is ordinary text, not a regular expression: case does not matter, a blank stands for any white
space, line ends included, and ``GAP`` stands for up to 80 characters. So a row can be shown to people as it
is, and no spelling can make the recogniser slow.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

GAP = "…"
"""In a spelling: up to 80 characters that do not matter. At most one in a spelling."""


class System(enum.StrEnum):
    """Whose numbers a code belongs to."""

    LINUX = "Linux"
    MACOS = "macOS"
    WINDOWS = "Windows"
    CURL = "curl"
    CHROMIUM = "Chromium"
    HTTP = "HTTP"


class ErrorMeaning(NamedTuple):
    """One error message and what it says about the connection."""

    name: str
    """The name people search for, such as ECONNREFUSED."""
    spellings: tuple[str, ...]
    """Texts that mean this error and nothing else. The name is one of them without being listed."""
    meaning: str
    """What the kernel or the client saw, in plain words."""
    on_the_wire: str
    """What a capture of the failing try shows."""
    labels: tuple[str, ...]
    """The handshake labels such a try can get, most usual first."""
    cause_slugs: tuple[str, ...]
    """Slugs of the catalogue, most likely first."""
    references: tuple[str, ...]
    numbers: tuple[tuple[System, int], ...] = ()
    """Codes that mean this error, each with the system that numbers it so."""
    hints: tuple[str, ...] = ()
    """Texts that fit this error and others: they count only when nothing clearer is there."""
    remedy: str = ""
    """What to do about just this error, where that can be said; else the causes' own fixes tell."""


def errno(linux: int, macos: int, windows: int) -> tuple[tuple[System, int], ...]:
    """Return the codes of one POSIX error on the three systems (Winsock's number for Windows)."""
    return ((System.LINUX, linux), (System.MACOS, macos), (System.WINDOWS, windows))
