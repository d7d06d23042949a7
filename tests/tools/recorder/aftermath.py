"""What is done to a recorded capture afterwards: filter, reorder, cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from recorder.stage import run
from recorder.wire import split_pcap

After = Callable[[Path], None]


def only(expression: str) -> After:
    """Keep the frames that match a tcpdump expression."""

    def change(path: Path) -> None:
        kept = path.with_suffix(".part")
        run("tcpdump", "-Z", "root", "-r", str(path), "-w", str(kept), expression)
        kept.replace(path)

    return change


def _rearranged(pick: Callable[[Sequence[bytes]], Sequence[bytes]]) -> After:
    def change(path: Path) -> None:
        head, records = split_pcap(path.read_bytes())
        path.write_bytes(head + b"".join(pick(records)))

    return change


def without(*frames: int) -> After:
    """Remove frames by their number, counted from 1."""
    return _rearranged(lambda records: [r for i, r in enumerate(records, 1) if i not in frames])


def swap_first_two() -> After:
    """Exchange the first two frames, time stamps included."""
    return _rearranged(lambda records: [records[1], records[0], *records[2:]])


def doubled() -> After:
    """Write every frame twice, as a raw socket on loopback sees it."""
    return _rearranged(lambda records: [record for record in records for _ in range(2)])
