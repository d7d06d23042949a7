"""Which causes share a signature, and which command tells them apart: the one registry.

A group holds the codes of causes that look the same in the packets when its label and one of its signs
are there. Its deciders are commands for the affected machine; each says which result points to which
cause. Commands and results may contain the placeholders of ``causes.placeholders``; those for Windows
are PowerShell. The groups themselves are data in ``look_alike_groups``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from synscope.causes.look_alike_groups import GROUPS, Decider, Group
from synscope.model import Label

__all__ = ["GROUPS", "Decider", "Group", "applying", "deciding", "of"]


def applying(labels: Collection[Label], observed: Collection[str]) -> tuple[Group, ...]:
    """Return the groups for any of ``labels`` of which a sign is among the ``observed`` names."""
    return tuple(
        group
        for group in GROUPS
        if not set(labels).isdisjoint(group.labels) and not set(observed).isdisjoint(group.signs)
    )


def deciding(label: Label, codes: Iterable[str]) -> Group | None:
    """Return the group under ``label`` that tells most of ``codes`` apart, or ``None``.

    ``codes`` are best first: only groups with the first of them are considered.
    """
    wanted = tuple(codes)
    fitting = [group for group in GROUPS if label in group.labels and wanted and wanted[0] in group.codes]
    return max(fitting, key=lambda group: len(set(wanted) & set(group.codes)), default=None)


@cache
def of(code: str) -> tuple[str, ...]:
    """Return the codes that share a group with ``code``, sorted, without itself."""
    shared = {other for group in GROUPS if code in group.codes for other in group.codes}
    return tuple(sorted(shared - {code}))
