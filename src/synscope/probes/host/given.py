"""A snapshot that somebody hands in as a file, beside a capture."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from synscope.probes.host.snapshot import Snapshot
from synscope.probes.host.snapshot_json import LONGEST_DOCUMENT, from_json


class GivenSnapshot(NamedTuple):
    """A snapshot, and the file it came from."""

    name: str
    snapshot: Snapshot


def read(path: str) -> GivenSnapshot:
    """Read one file that ``synscope snapshot`` wrote.

    Raises ``SnapshotError``, which names the field that is wrong, and ``OSError``.
    """
    with Path(path).open("rb") as file:
        data = file.read(LONGEST_DOCUMENT + 1)
    return GivenSnapshot(path, from_json(data))
