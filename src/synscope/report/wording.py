"""Small phrases that several reports share: outcomes in words, frame numbers, systems."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from synscope.engine.outcome import OUTCOME_RULES
from synscope.model import Attempt, EndProcess, Outcome, ProcessSource
from synscope.units import listed

OUTCOME_TEXTS: MappingProxyType[Outcome, str] = MappingProxyType(
    {rule.outcome: rule.meaning for rule in OUTCOME_RULES}
)
"""Each outcome as a clause, from the rule table."""

SYSTEMS: MappingProxyType[str, str] = MappingProxyType(
    {"linux": "Linux", "macos": "macOS", "windows": "Windows", "any": "any system"}
)
"""Names of the systems that checks are written for."""

_SAYS: MappingProxyType[ProcessSource, str] = MappingProxyType(
    {
        ProcessSource.KERNEL: "says the kernel",
        ProcessSource.HOST: "says a look at the machine",
        ProcessSource.CAPTURE: "claims the capture",
    }
)

_FRAMES_SHOWN = 6
_SHORTEST_RANGE = 3
"""Frames in a row, from so many on, are shown as the first and the last of them."""


def frames_text(frames: Sequence[int], *, lead: str = "", close: str = "") -> str:
    """Return ``frame 3`` or ``frames 3–5 and 7`` between ``lead`` and ``close``; empty without frames."""
    if not frames:
        return ""
    noun = "frame" if len(frames) == 1 else "frames"
    return f"{lead}{noun} {listed(_runs(frames), most=_FRAMES_SHOWN)}{close}"


def process_lines(attempt: Attempt) -> tuple[str, ...]:
    """Return a line for each end of an attempt whose process is known: who it is, and who says so."""
    ends = (("client", attempt.process.client), ("server", attempt.process.server))
    return tuple(f"{end}: {_process(process)}" for end, process in ends if process is not None)


def _process(process: EndProcess) -> str:
    name = process.name or "a process"
    parts = (
        name if process.pid is None else f"{name} ({process.pid})",
        "" if process.uid is None else f"uid {process.uid}",
        f"container {process.container}" if process.container else "",
        f"unit {process.unit}" if process.unit else "",
        _SAYS[process.source],
    )
    return ", ".join(part for part in parts if part)


def _runs(frames: Sequence[int]) -> list[str]:
    """Return ``frames`` in their order, those in a row as ranges."""
    found: list[str] = []
    start = 0
    for at in range(1, len(frames) + 1):
        if at < len(frames) and frames[at] == frames[at - 1] + 1:
            continue
        run = frames[start:at]
        found.extend(
            [f"{run[0]}–{run[-1]}"] if len(run) >= _SHORTEST_RANGE else [str(frame) for frame in run]
        )
        start = at
    return found


def ordered_systems(first: str) -> tuple[str, ...]:
    """Return all systems, ``any`` and ``first`` before the others."""
    return tuple(sorted(SYSTEMS, key=lambda name: (name not in {first, "any"}, name)))
