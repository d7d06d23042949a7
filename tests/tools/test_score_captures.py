"""The scorer counts files, names differences, and fails when it must."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import wire
from tests.story import CLIENT, SERVER, frames

TOOL = Path(__file__).with_name("score_captures.py")


def _attempt(file: str, label: str, frame: int = 1, ts: int = wire.START) -> dict[str, Any]:
    return {
        "file": file,
        "client": list(CLIENT),
        "server": list(SERVER),
        "first_ts_ns": ts,
        "frame": frame,
        "label": label,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two captures in a folder."""
    (tmp_path / "captures" / "deep").mkdir(parents=True)
    (tmp_path / "captures" / "refused.pcap").write_bytes(wire.pcap(frames("C S | S RA")))
    (tmp_path / "captures" / "deep" / "open.pcap").write_bytes(wire.pcap(frames("C S | S SA | C A")))
    return tmp_path / "captures"


def _score(folder: Path, expected: list[dict[str, Any]], *options: str) -> subprocess.CompletedProcess[str]:
    path = folder.parent / "expected.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in expected))
    return subprocess.run(
        [sys.executable, str(TOOL), str(path), str(folder), *options],
        capture_output=True,
        check=False,
        text=True,
    )


RIGHT = [_attempt("refused.pcap", "SYN-RST"), _attempt("deep/open.pcap", "completed")]


def test_identical(folder: Path) -> None:
    """All files as expected; also the installed command on each."""
    done = _score(folder, RIGHT, "--require", "1", "--cli")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 files identical, 0 with differences: 100.00%" in done.stdout
    assert "command: 2 of 2 files" in done.stdout


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ([_attempt("refused.pcap", "completed"), RIGHT[1]], "expected completed, found SYN-RST"),
        ([RIGHT[1]], "expected nothing, found SYN-RST"),
        ([*RIGHT, _attempt("refused.pcap", "half-open", 3, 9)], "expected half-open, found nothing"),
        ([*RIGHT, RIGHT[0]], "expected SYN-RST and SYN-RST, found SYN-RST"),
    ],
)
def test_a_difference(folder: Path, expected: list[dict[str, Any]], line: str) -> None:
    """One wrong, extra, missing or doubled attempt makes the file different."""
    done = _score(folder, expected)
    assert done.returncode == 0
    assert line in done.stdout
    assert "1 files identical, 1 with differences: 50.00%" in done.stdout
    assert _score(folder, expected, "--require", "0.51").returncode == 1


def test_an_expected_file_that_is_not_there(folder: Path) -> None:
    """Counts as different."""
    done = _score(folder, [*RIGHT, _attempt("gone.pcap", "SYN-RST")], "--require", "0.9")
    assert "gone.pcap: expected, but not there" in done.stdout
    assert done.returncode == 1


def test_files_without_attempts_do_not_count(folder: Path) -> None:
    """Neither expected nor found: nothing to compare. What is no capture is said to be unreadable."""
    (folder / "README.txt").write_text("no capture")
    (folder / "empty.pcap").write_bytes(wire.pcap([]))
    done = _score(folder, RIGHT, "--require", "1", "--cli")
    assert done.returncode == 0, done.stdout
    assert "2 files identical" in done.stdout
    assert "1 unreadable" in done.stdout
    assert "command: 4 of 4 files" in done.stdout
