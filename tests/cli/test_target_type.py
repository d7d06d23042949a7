"""Targets by name, in every command that takes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from synscope.cli.main import run

REFUSED = str(Path(__file__).parents[2] / "fixtures" / "refused.pcap")


@pytest.fixture(autouse=True)
def _named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "synscope.toml"
    path.write_text('[ports]\nweb = 62893\napi = "localhost:62893"\nfar = 619009\n')
    monkeypatch.setenv("SYNSCOPE_CONFIG", str(path))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("web", "port 62893"),
        ("api", "localhost:62893"),
        ("localhost:web", "localhost:62893"),
        ("62893", "port 62893"),
    ],
)
def test_a_name_is_as_good_as_a_number(typed: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", REFUSED, "-q", "-p", typed]) == 1
    assert capsys.readouterr().out.startswith(f"{shown}: SYN-RST")


def test_a_name_out_of_range_is_explained_as_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", REFUSED, "-p", "far"]) == 1
    named = capsys.readouterr().out
    assert run(["analyze", REFUSED, "-p", "619009"]) == 1
    assert capsys.readouterr().out == named
    assert "619009 is not a port" in named


def test_other_commands_take_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.pcapng"
    assert run(["annotate", REFUSED, str(out), "-p", "web"]) == 0
    assert run(["doctor", "far"]) == 1
    assert run(["snapshot", "-p", "wob"]) == 2
    assert run(["live", "-p", "wob"]) == 2
    assert run(["run", "-p", "wob", "true"]) == 2
    assert run(["doctor", "wob"]) == 2
    assert (
        capsys.readouterr().err.count("'wob' names no port; write wob:PORT, e.g. wob:8080. Did you mean web?")
        == 4
    )


def test_no_config_means_no_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--no-config", "analyze", REFUSED, "-p", "web"]) == 2
    assert "'web' names no port; write web:PORT, e.g. web:8080.\n" in capsys.readouterr().err


def test_config_and_no_config_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--no-config", "--config", "x", "causes"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_number_means_itself_whatever_a_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", "/nowhere", "analyze", REFUSED, "-p", "62893"]) == 2
    assert "synscope: /nowhere: there is no such file\n" in capsys.readouterr().err
