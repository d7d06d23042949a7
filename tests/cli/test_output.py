"""What standard output can show, what happens when it goes away, and the progress bar on standard error."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from synscope.analysis import analyze
from synscope.cli import output


class Stream(io.TextIOWrapper):
    """A stand-in for standard output."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("choice", "terminal", "environment", "wanted"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour(
    monkeypatch: pytest.MonkeyPatch, *, choice: str, terminal: bool, environment: dict[str, str], wanted: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(terminal=terminal))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.look(color=choice).color is wanted


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream())
    assert output.look().width == 80
    monkeypatch.setenv("COLUMNS", "132")
    assert output.look().width == 132


@pytest.mark.parametrize(("encoding", "symbols"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_symbols(monkeypatch: pytest.MonkeyPatch, encoding: str, *, symbols: bool) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(encoding=encoding))
    assert output.look().unicode is symbols


@pytest.mark.parametrize(
    ("platform", "system"), [("linux", "linux"), ("darwin", "macos"), ("win32", "windows")]
)
def test_system(monkeypatch: pytest.MonkeyPatch, platform: str, system: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert output.look().os == system


def test_what_the_encoding_lacks_is_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", stream)
    output.write("µ→\n")
    assert stream.raw_bytes.getvalue() == b"\xb5\\u2192\n"


def test_a_closed_reader_is_told_apart_from_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(Stream):
        def flush(self) -> None:
            raise BrokenPipeError

    stream = Closed()
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(output.OutputClosed):
        output.write("text")
    monkeypatch.undo()


# -- the progress bar: on a terminal, for long input, and nowhere else --------------------------------

CAPTURE = str(Path(__file__).parents[2] / "fixtures" / "http-ok.pcap")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _progress(paths: list[str], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What is written while one capture is read, ``None`` where there is no bar."""
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with output.progress(paths) as on_read:
        if on_read is None:
            return None
        analyze(CAPTURE, on_read=on_read)
    return stream.getvalue()


def test_long_input_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LONG", 1)
    written = _progress([CAPTURE], _Terminal(), monkeypatch)
    assert written is not None
    assert "%" in written


def test_standard_input_has_no_known_size(monkeypatch: pytest.MonkeyPatch) -> None:
    written = _progress(["-"], _Terminal(), monkeypatch)
    assert written is not None
    assert "?" in written


@pytest.mark.parametrize("path", [CAPTURE, "missing.pcap", "/dev/null"])
def test_short_input(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _progress([path], _Terminal(), monkeypatch) is None


def test_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "LONG", 1)
    assert _progress([CAPTURE], io.StringIO(), monkeypatch) is None
