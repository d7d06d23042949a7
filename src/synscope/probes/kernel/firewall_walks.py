"""What the firewall's trace says, as plain nouns: each marked packet's walk through the chains, and the rules' names.

Names of tables, chains and rules are the choice of whoever made them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from synscope.model import Endpoint

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
"""Flags of a segment (RFC 9293)."""
MOST_CHAINS: Final = 64
"""Chains of one walk that are kept."""


class Way(enum.Enum):
    """Which way a packet walks, by the interfaces that the chain was given."""

    IN = "in"
    """It came in on an interface: prerouting, input."""
    OUT = "out"
    """It leaves by an interface: output, postrouting."""
    THROUGH = "through"
    """Both: forward."""


class Stop(enum.Enum):
    """What ended a walk."""

    DROP = "drops"
    QUEUE = "hands over"
    """NFQUEUE: a program outside of the kernel decides, and did not let it go on."""


class RulePlace(NamedTuple):
    """A rule, or the policy of a chain: what a verdict came from."""

    family: str
    table: str
    chain: str
    handle: int = 0
    """The rule's number in its table; 0 for the chain's policy."""

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.chain}"


class RuleName(NamedTuple):
    """What the listing says of a rule."""

    text: str
    """As its own tool prints it."""
    rejects: bool = False
    """Whether it answers what it discards."""


class Walk(NamedTuple):
    """One packet's walk from where it entered or was sent: as far as it came."""

    ts_ns: int
    """When the first word of it was read: nanoseconds since the epoch, a little late."""
    source: Endpoint
    destination: Endpoint
    """As it entered: before any translation."""
    seq: int
    ack: int
    flags: int
    way: Way
    chains: tuple[RulePlace, ...] = ()
    """The chains that it walked, other people's only, in order, each once."""
    passed: tuple[str, ...] = ()
    """The hooks that it came through, whatever filters there: ``prerouting``, ``input``, ``output`` and so on."""
    stop: Stop | None = None
    at: RulePlace | None = None
    """What stopped it."""

    @property
    def is_syn(self) -> bool:
        """Whether it begins a connection."""
        return self.flags & (SYN | ACK) == SYN

    @property
    def is_answer(self) -> bool:
        """Whether it is a SYN-ACK."""
        return self.flags & (SYN | ACK) == SYN | ACK


@dataclass(frozen=True, slots=True)
class FirewallTrace:
    """What came of one trace. What is absent from an incomplete one proves nothing."""

    walks: tuple[Walk, ...] = ()
    names: Mapping[RulePlace, RuleName] = field(default_factory=dict)
    """The rules that stopped a packet, as far as they could be named."""
    untold: str = ""
    """Why there is no trace; empty where there is one."""
    incomplete: str = ""
    """Why something may be missing in it."""
    unnamed: str = ""
    """Why rules could not be named, or may be others than those at the time."""


NOT_ASKED: Final = FirewallTrace(untold="the firewall's rules were not traced (--trace-firewall)")
