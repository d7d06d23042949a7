"""Targets as a caller may name them.

Input: one target or several, each a port number, a text as ``-p`` takes it, or a ``Target``. Output: targets.
"""

from __future__ import annotations

from collections.abc import Iterable

from synscope.model import Target
from synscope.targets import parse

TargetLike = str | int | Target
"""``8080``, ``"localhost:8080"``, ``"http://localhost:8080/"`` or a ``Target``."""

Targets = TargetLike | Iterable[TargetLike]
"""One of them, or several."""


def named_targets(targets: Targets) -> tuple[Target, ...]:
    """Return the targets that were named. Raises ``TargetError`` where one names no port."""
    if isinstance(targets, str | int | Target):
        return (named_target(targets),)
    return tuple(named_target(target) for target in targets)


def named_target(target: TargetLike) -> Target:
    """Return the target that was named. Raises ``TargetError`` where it names no port."""
    return target if isinstance(target, Target) else parse(str(target))
