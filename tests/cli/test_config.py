"""``synscope config``: what was read, what holds and who says so; and that it does hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from synscope.cli.config_values import SETTINGS
from synscope.cli.main import run

ROOT = Path(__file__).parents[2]
REFUSED = str(ROOT / "fixtures" / "refused.pcap")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The project's file, in the working directory, and the user's."""
    for name in ("NO_COLOR", "SYNSCOPE_CONFIG", "XDG_CONFIG_HOME", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    project = home / "project" / "synscope.toml"
    user = home / ".config" / "synscope" / "synscope.toml"
    for path in (project, user):
        path.parent.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(project.parent)
    return project, user


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [re.sub(" {2,}", " | ", line.strip()) for line in capsys.readouterr().out.splitlines()]


def test_without_any_file(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config"]) == 0
    found = lines(capsys)
    assert found[:3] == [
        "files",
        "none: synscope.toml or pyproject.toml here or above | (the project's)",
        f"none: {files[1]} | (the user's)",
    ]
    assert "run.linger | 0.3 | built in" in found
    assert len([line for line in found if line.endswith("built in")]) == len(SETTINGS)


def test_each_value_has_its_source(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, user = files
    project.write_text('[ports]\nweb = 62893\n[analyze]\nformat = "json"')
    user.write_text('color = "always"\n[ports]\nweb = 1\nmine = "db.example:2"\n[analyze]\nformat = "csv"')
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["config"]) == 0
    found = lines(capsys)
    assert f"{project} | (the project's)" in found
    assert f"web | 62893 | {project}" in found
    assert f"mine | db.example:2 | {user}" in found
    assert f"analyze.format | json | {project}" in found
    assert f"color | always | {user}" in found
    assert "color | never | NO_COLOR, before any file" in found


def test_every_value_is_checked(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[0].write_text('[run]\nexit-code = "none"')
    assert run(["config"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"synscope: {files[0]}: run.exit-code: 'none' is not one of ")
    assert error.count("\n") == 1


def test_nothing_of_a_file_steers_the_terminal(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text('[ports]\nweb = "http://localhost:80/\\u001b[2J\\u202e"')
    assert run(["config"]) == 0
    assert "web | http://localhost:80/\\x1b[2J\\u202e | " in "\n".join(lines(capsys))


def test_no_config(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[0].write_text("broken")
    assert run(["--no-config", "config"]) == 0
    assert lines(capsys)[1] == "none was to be read"


# Precedence, on the whole program


def test_a_format_from_a_file(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[1].write_text('[analyze]\nformat = "json"\nattempts = "all"')
    assert run(["analyze", REFUSED]) == 1
    assert json.loads(capsys.readouterr().out)["type"] == "report"
    assert run(["analyze", REFUSED, "--format", "csv"]) == 1
    assert capsys.readouterr().out.startswith("capture,")
    assert run(["analyze", REFUSED, "--quiet"]) == 1
    assert capsys.readouterr().out.startswith("port 62893: SYN-RST"), (
        "what is typed is not at odds with a file"
    )


def test_colour_from_a_file_gives_way_to_the_environment(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].write_text('color = "always"')
    run(["analyze", REFUSED])
    assert "\x1b[" in capsys.readouterr().out
    run(["analyze", REFUSED, "--color", "never"])
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    run(["analyze", REFUSED])
    assert "\x1b[" not in capsys.readouterr().out
    run(["analyze", REFUSED, "--color", "always"])
    assert "\x1b[" in capsys.readouterr().out


def test_headers_only_from_a_file_is_about_saving_alone(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text('interface = "any"\n[save]\nheaders-only = true')
    assert run(["run", "--", "true"]) == 2
    assert "no target in 'true'" in capsys.readouterr().err, "not: --headers-only goes with --save"
    assert run(["run", "--headers-only", "--", "true"]) == 2
    assert "go with --save" in capsys.readouterr().err


def test_an_interface_from_a_file_is_none_of_another_network(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text('interface = "any"')
    assert run(["run", "--isolated", "--", "true"]) == 2
    assert "no target in 'true'" in capsys.readouterr().err, "not: --isolated has a network of its own"
    assert run(["run", "--isolated", "-i", "any", "--", "true"]) == 2
    assert "a network of its own" in capsys.readouterr().err


def test_help_works_beside_a_broken_file(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files[0].write_text("broken")
    assert run(["analyze", "--help"]) == 0
    assert run(["help", "analyze"]) == 0
    assert run(["--version"]) == 0
    assert run(["analyze", REFUSED]) == 2
    assert "not TOML" in capsys.readouterr().err


def test_the_page_names_every_setting() -> None:
    page = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in page for key in SETTINGS)
