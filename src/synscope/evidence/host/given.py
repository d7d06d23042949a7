"""Snapshots that somebody hands in beside a capture: what they say of a target, and how they relate to the capture.

Input: documents that ``synscope snapshot`` wrote, perhaps on another machine. Output: observations, as from a look of
our own, and a sentence for each snapshot. They are claims of whoever made them; nothing here can check them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from synscope.evidence.host.observe import observe_host
from synscope.evidence.payload.mismatch import unanswered_in
from synscope.model import FAILURES, Answer, Observation, TargetSummary
from synscope.probes.host.snapshot import Snapshot, Untold
from synscope.probes.host.snapshot_json import LONGEST_DOCUMENT, SnapshotError, from_json
from synscope.units import duration


class Given(NamedTuple):
    """A snapshot, and the file it came from."""

    name: str
    snapshot: Snapshot


def read(path: str) -> Given:
    """Read one file. Raises ``SnapshotError`` naming the field that is wrong, and ``OSError``."""
    with Path(path).open("rb") as file:
        data = file.read(LONGEST_DOCUMENT + 1)
    return Given(path, from_json(data))


def in_order(given: Iterable[Given]) -> tuple[Given, ...]:
    """Return them in order of time: before, during, after."""
    return tuple(sorted(given, key=lambda one: one.snapshot.taken_ns))


def observe_given(summary: TargetSummary, given: Sequence[Given]) -> list[Observation]:
    """Return what snapshots in order of time say about a target; nothing without any."""
    if not given:
        return []
    failed_at = {
        group.server.address for group in summary.groups if group.label in FAILURES and not group.recovered
    }
    found = observe_host(
        summary.target,
        [one.snapshot for one in given],
        environment_known=not isinstance(given[-1].snapshot.proxy, Untold),
        failed_at=sorted(failed_at),
        spoken=unanswered_in(summary),
    )
    names = ", ".join(one.name for one in given)
    return [
        one if one.answer is Answer.UNKNOWN else one._replace(text=f"{one.text} (says {names})")
        for one in found
    ]


def notes_on(given: Iterable[Given], first_ns: int | None, last_ns: int | None) -> tuple[str, ...]:
    """Say of each snapshot when it was taken, beside a capture from ``first_ns`` to ``last_ns``, and by whom."""
    return tuple(
        f"the host as {one.name} has it, taken {_when(one.snapshot.taken_ns, first_ns, last_ns)} on "
        f"{one.snapshot.system} {'with' if one.snapshot.privileged else 'without'} root's rights: "
        "the claim of whoever made that file"
        for one in given
    )


def _when(taken_ns: int, first_ns: int | None, last_ns: int | None) -> str:
    if first_ns is None or last_ns is None:
        return "at a time that cannot be compared with the capture's"
    if taken_ns < first_ns:
        return f"{duration(first_ns - taken_ns)} before the capture's first frame"
    if taken_ns > last_ns:
        return f"{duration(taken_ns - last_ns)} after the capture's last frame"
    return "during the capture"


__all__ = ["Given", "SnapshotError", "in_order", "notes_on", "observe_given", "read"]
