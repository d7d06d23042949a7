"""Snapshots that somebody hands in as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.probes.host.given import GivenSnapshot, read
from synscope.probes.host.snapshot_json import LONGEST_DOCUMENT, SnapshotError, to_json
from tests.evidence.host.builders import snapshot


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text(to_json(snapshot()), encoding="ascii")
    assert read(str(path)) == GivenSnapshot(str(path), snapshot())
    path.write_bytes(b" " * (LONGEST_DOCUMENT + 1))
    with pytest.raises(SnapshotError, match="at most 8 MiB"):
        read(str(path))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SnapshotError, match="not JSON"):
        read(str(path))
