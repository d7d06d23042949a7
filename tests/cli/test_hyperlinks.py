"""Links only where they are known to show, and only to pages that are there."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from synscope.causes.catalogue import CATALOGUE
from synscope.cli import hyperlinks, output

from .test_output import Stream

SPOKEN = (
    *("NO_COLOR", "NO_HYPERLINKS", "COLUMNS", "TERM", "TERM_PROGRAM", "VTE_VERSION", "TMUX", "STY"),
    *("WT_SESSION", "DOMTERM", "KONSOLE_VERSION"),
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SPOKEN:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"WT_SESSION": "1"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "5000"}, False),
        ({"VTE_VERSION": "new"}, False),
        ({"VTE_VERSION": "²"}, False),
        ({"VTE_VERSION": "9" * 5000}, True),
        ({"TERM_PROGRAM": "iTerm.app", "TERM": "dumb"}, False),
        ({"TERM_PROGRAM": "iTerm.app", "NO_COLOR": "1"}, False),
        ({"TERM_PROGRAM": "iTerm.app", "NO_COLOR": ""}, True),
        ({"TERM_PROGRAM": "iTerm.app", "NO_HYPERLINKS": "1"}, False),
        ({"VTE_VERSION": "7600", "TMUX": "/tmp/tmux"}, False),
        ({"VTE_VERSION": "7600", "TERM": "screen-256color"}, False),
    ],
)
def test_shown(monkeypatch: pytest.MonkeyPatch, *, environment: dict[str, str], wanted: bool) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert hyperlinks.shown(Stream(terminal=True)) is wanted
    assert not hyperlinks.shown(Stream())


@pytest.mark.parametrize(("color", "wanted"), [("auto", True), ("always", True), ("never", False)])
def test_no_links_without_colour(monkeypatch: pytest.MonkeyPatch, *, color: str, wanted: bool) -> None:
    monkeypatch.setenv("TERM_PROGRAM", "WezTerm")
    monkeypatch.setattr(sys, "stdout", Stream(terminal=True))
    monkeypatch.setattr(hyperlinks, "documentation", lambda: "https://docs.example/")
    assert bool(output.look(color=color).docs) is wanted


def test_a_checkout_has_the_pages() -> None:
    where = urlparse(hyperlinks.documentation())
    if where.scheme != "file":
        pytest.skip("this is an installed package")
    assert where.hostname
    for cause in CATALOGUE:
        assert (Path(unquote(where.path)) / "causes" / f"{cause.slug}.md").is_file()


@pytest.mark.parametrize(
    ("urls", "wanted"),
    [
        ([], ""),
        (["Source, https://x.example"], ""),
        (["Documentation, https://docs.example/synscope/"], "https://docs.example/synscope"),
        (["Documentation, https://x.example/\x1b]8;;"], "https://x.example/%1B]8;;"),
    ],
)
def test_an_installation_asks_its_metadata(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, urls: list[str], wanted: str
) -> None:
    found = metadata.PathDistribution(tmp_path)
    (tmp_path / "METADATA").write_text("".join(f"Project-URL: {url}\n" for url in urls), encoding="utf-8")
    monkeypatch.setattr(hyperlinks, "__file__", str(tmp_path / "a" / "b" / "c" / "d.py"))
    monkeypatch.setattr(metadata, "metadata", lambda _: found.metadata)
    assert hyperlinks.documentation() == wanted


def test_no_metadata_no_links(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(_: str) -> None:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(hyperlinks, "__file__", str(tmp_path / "a" / "b" / "c" / "d.py"))
    monkeypatch.setattr(metadata, "metadata", missing)
    assert hyperlinks.documentation() == ""
