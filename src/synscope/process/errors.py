"""What can go wrong on our side of an observation, as typed errors; never the command's own failure."""

from __future__ import annotations

EXIT_OWN_FAILURE = 125
"""Exit status when the tool itself failed, as ``timeout`` and ``env`` have it."""


class SessionError(Exception):
    """The observation cannot be made; the message says why and what to do."""


class PrivilegeError(SessionError):
    """Privileges could not be given up, so nothing may be parsed."""


class ElevationError(SessionError):
    """The right to capture could not be had; ``ways`` lists what the user can type instead."""

    def __init__(self, reason: str, ways: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join([reason, *(f"  {way}" for way in ways)]))
        self.reason = reason
        self.ways = ways


class HelperError(SessionError):
    """The elevated helper refused a request or could not do it. ``errno`` is the kernel's number, 0 without one."""

    def __init__(self, reason: str, errno: int = 0) -> None:
        super().__init__(reason)
        self.errno = errno


class HelperTimeoutError(HelperError):
    """The elevated helper has not answered yet."""


class IsolationError(SessionError):
    """The private network namespace could not be made, or the server in it did not start to listen."""
