"""Who connects, as far as that decides about the way: the user, and the client's own end where it is told of one."""

from __future__ import annotations

from typing import Final, NamedTuple


class Client(NamedTuple):
    """What routing rules may look at in a client."""

    uid: int | None = None
    mark: int = 0
    """SO_MARK of its sockets; 0 for none."""
    device: str = ""
    """The interface that it binds its socket to (SO_BINDTODEVICE)."""
    source: str = ""
    """The address that it binds its socket to."""

    @property
    def end(self) -> str:
        """Its own end in words; empty where the kernel chooses it."""
        return f"device {self.device}" if self.device else f"address {self.source}" if self.source else ""


ANYBODY: Final = Client()
