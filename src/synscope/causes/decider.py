"""The terms of the look-alike registry: a group of causes, and the commands that tell them apart."""

from __future__ import annotations

from typing import NamedTuple

from synscope.model import Label


class Decider(NamedTuple):
    """A command for one system, and what its results mean."""

    os: str
    """``linux``, ``macos``, ``windows`` or ``any``."""
    command: str
    outcomes: tuple[tuple[str, str], ...]
    """(what it prints, code of the cause that this points to), most telling first."""


class Group(NamedTuple):
    """Causes that cannot be told apart by what the group's signs say."""

    slug: str
    title: str
    labels: tuple[Label, ...]
    signs: tuple[str, ...]
    """Names of observations; one of them observed makes the group apply."""
    codes: tuple[str, ...]
    deciders: tuple[Decider, ...]

    def deciders_for(self, os: str) -> tuple[Decider, ...]:
        """Return the deciders for ``os`` and those for any system, the most telling first."""
        return tuple(decider for decider in self.deciders if decider.os in {os, "any"})
