"""A progress bar: on a terminal's standard error, for long input, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.cli import progress

CAPTURE = str(Path(__file__).parents[2] / "fixtures" / "http-ok.pcap")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _shown(paths: list[str], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What is written while one capture is read, ``None`` where there is no bar."""
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown(paths) as on_read:
        if on_read is None:
            return None
        analyze(CAPTURE, on_read=on_read)
    return stream.getvalue()


def test_long_input_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LONG", 1)
    written = _shown([CAPTURE], _Terminal(), monkeypatch)
    assert written is not None
    assert "%" in written


def test_standard_input_has_no_known_size(monkeypatch: pytest.MonkeyPatch) -> None:
    written = _shown(["-"], _Terminal(), monkeypatch)
    assert written is not None
    assert "?" in written


@pytest.mark.parametrize("path", [CAPTURE, "missing.pcap", "/dev/null"])
def test_short_input(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown([path], _Terminal(), monkeypatch) is None


def test_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LONG", 1)
    assert _shown([CAPTURE], io.StringIO(), monkeypatch) is None
