"""Names of users by their numbers."""

from __future__ import annotations

import sys


def name_of(uid: int) -> str:
    """Return the user's name, or the number where it has none."""
    if sys.platform != "win32":
        import pwd  # noqa: PLC0415 - not on every system

        try:
            return pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            pass
    return f"uid {uid}"
