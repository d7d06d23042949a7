"""What a live session is to capture: a ``Plan``, made from the command line before anything is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from synscope.capture.write.save import Rotation
from synscope.model import PORT_MAX, Target
from synscope.probes.host import proxy
from synscope.reference.ports import PROXY_PORTS

SNAP_LENGTH: Final = 640
"""Bytes of each frame that are captured: headers, and enough of a first payload to recognise it."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What to save a capture as."""

    path: Path
    headers_only: bool = False
    """Whether payload is left out: of the frames, and of what is said about them."""
    replace: bool = False
    rotation: Rotation | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to capture."""

    targets: tuple[Target, ...]
    interface: str | None = None
    """Its name, or ``any``. ``None`` is every interface; where only one can be captured, the loopback interface."""
    namespace: str | None = None
    """Path of the network namespace to look into."""
    snap_length: int = SNAP_LENGTH
    typed: tuple[str, ...] = ()
    """How the user called the tool."""
    may_prompt: bool = False
    """Whether sudo may ask for a password."""
    isolated: bool = False
    """Whether the command runs in a private network, which is then what is captured."""
    server: str = ""
    """A command line to start in the private network first."""
    capture_with: str = "ring"
    """``ring``; ``portable`` or ``libpcap`` for Scapy's sockets."""
    calls: bool = True
    """Whether the system calls of a command are followed."""
    trace_firewall: bool = False
    """Whether the firewall's rules are traced for the targets' packets: it puts a table of its own there."""
    save: Saving | None = None
    """What to save the frames as."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def ports(self) -> frozenset[int]:
        """The ports of which everything is captured: of a number beyond 65535 what clients make of it."""
        return frozenset(target.wrapped for target in self.targets)

    @property
    def proxy_ports(self) -> frozenset[int]:
        """The ports of the proxies that the environment names, and those where proxies usually are."""
        ports = set(PROXY_PORTS)
        for name, value in proxy.of_environment(self.environment).items():
            server = None if name.lower() == "no_proxy" else proxy.server_of(value)
            if server is not None and 1 <= server.port <= PORT_MAX:
                ports.add(server.port)
        return frozenset(ports)

    @property
    def is_of_another_network(self) -> bool:
        """Whether the capture is of another network namespace than this process's."""
        return self.isolated or self.namespace is not None
