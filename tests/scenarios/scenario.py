"""What a scenario is: how a failure is made, and what has to be said of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

PORT = 8080
HERE = f"127.0.0.1:{PORT}"
CURL = "curl -sS -o /dev/null --max-time 1"
BASH = "timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080'"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One failure, or one connection that works.

    ``serve`` are command lines of ``server``, ``setup`` shell lines before them and ``then`` those after them, in
    which ``$S1``, ``$S2`` … are the servers' process numbers. ``client`` is a shell line too; ``$TRY`` in any of
    them is a directory for files.
    """

    name: str
    cause: str
    """The slug that has to come first live; empty for a connection that works."""
    label: str
    client: str = f"{CURL} http://{HERE}/"
    target: str = HERE
    serve: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Shell lines that end what ``setup`` started."""
    also: tuple[str, ...] = ()
    """Slugs that are as right: the same failure in other words."""
    packets: tuple[str, ...] = ()
    """Slugs that packets alone must leave standing; by default the cause."""
    in_packets: bool = True
    """Whether a file can show it at all."""
    environment: dict[str, str] = field(default_factory=dict)
    hosts: str = ""
    """The namespace's hosts file, if not the machine's."""
    needs: tuple[str, ...] = ()
    """Programs without which it cannot be played."""
    long: bool = False
    """Only in the command, not among the tests."""

    @property
    def right(self) -> tuple[str, ...]:
        """All slugs that are a right answer."""
        return (self.cause, *self.also) if self.cause else ()

    @property
    def standing(self) -> tuple[str, ...]:
        """What packets alone must not rule out."""
        return (self.packets or ((self.cause,) if self.cause else ())) if self.in_packets else ()


def chosen(scenarios: Sequence[Scenario], quick: Collection[str]) -> list[Scenario]:
    """Return those that are named, or all where ``SYNSCOPE_LONG`` is set."""
    return [each for each in scenarios if os.environ.get("SYNSCOPE_LONG") or each.name in quick]
