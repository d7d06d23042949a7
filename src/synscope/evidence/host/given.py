"""What snapshots say that somebody hands in beside a capture, and how they relate to it.

Input: snapshots that ``synscope snapshot`` wrote, perhaps on another machine. Output: observations, as from a look of
our own, and a sentence for each snapshot. They are claims of whoever made them; nothing here can check them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from synscope.evidence.host.observe import observe_host
from synscope.evidence.host.view import failed_within, is_untold
from synscope.evidence.payload.mismatch import unanswered_in
from synscope.model import FAILURES, Answer, Observation, TargetSummary
from synscope.units import duration

if TYPE_CHECKING:
    from synscope.probes.host.given import GivenSnapshot


def in_order(given: Iterable[GivenSnapshot]) -> tuple[GivenSnapshot, ...]:
    """Return them in order of time: before, during, after."""
    return tuple(sorted(given, key=lambda file: file.snapshot.taken_ns))


def observe_given(summary: TargetSummary, given: Sequence[GivenSnapshot]) -> list[Observation]:
    """Return what snapshots in order of time say about a target; nothing without any."""
    if not given:
        return []
    failed_at = {
        group.server.address for group in summary.groups if group.label in FAILURES and not group.recovered
    }
    found = observe_host(
        summary.target,
        [file.snapshot for file in given],
        environment_known=not is_untold(given[-1].snapshot.proxy),
        failed_at=sorted(failed_at),
        spoken=unanswered_in(summary),
        failed_within=failed_within(summary),
    )
    names = ", ".join(file.name for file in given)
    return [
        observation
        if observation.answer is Answer.UNKNOWN
        else observation._replace(text=f"{observation.text} (says {names})")
        for observation in found
    ]


def notes_on(given: Iterable[GivenSnapshot], first_ns: int | None, last_ns: int | None) -> tuple[str, ...]:
    """Say of each snapshot when it was taken, beside a capture from ``first_ns`` to ``last_ns``, and by whom."""
    return tuple(
        f"the host as {file.name} has it, taken {_when(file.snapshot.taken_ns, first_ns, last_ns)} on "
        f"{file.snapshot.system} {'with' if file.snapshot.privileged else 'without'} root's rights: "
        "the claim of whoever made that file"
        for file in given
    )


def _when(taken_ns: int, first_ns: int | None, last_ns: int | None) -> str:
    if first_ns is None or last_ns is None:
        return "at a time that cannot be compared with the capture's"
    if taken_ns < first_ns:
        return f"{duration(first_ns - taken_ns)} before the capture's first frame"
    if taken_ns > last_ns:
        return f"{duration(taken_ns - last_ns)} after the capture's last frame"
    return "during the capture"
