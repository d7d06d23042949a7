"""What a release says of itself agrees everywhere: its version, its changes, its compiled modules, its workflow.

``tests/tools/check_distributions.py`` looks at what was built.
"""

from __future__ import annotations

import json
import re
import runpy
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import synscope
from synscope._version import VERSION
from synscope.cli.main import cli
from synscope.engine import COMPILED_MODULES

ROOT = Path(__file__).resolve().parents[1]
REFUSED = str(ROOT / "fixtures" / "refused.pcap")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOW = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")


def shown(*arguments: str, status: int) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == status, done.output
    return done.stdout


# -- one version ----------------------------------------------------------------------------------------------


def test_the_version_is_a_release_or_a_candidate() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?", VERSION)


def test_the_build_takes_the_version_from_its_one_place() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "synscope._version.VERSION"}


def test_the_installation_has_the_version() -> None:
    try:
        installed = metadata.version("synscope")
    except metadata.PackageNotFoundError:
        pytest.skip("synscope is not installed, only imported")
    assert installed == VERSION


def test_the_library_and_the_command_say_the_version() -> None:
    assert synscope.__version__ == VERSION
    assert shown("--version", status=0).startswith(f"synscope {VERSION} (engine: ")


def test_the_json_report_says_the_version() -> None:
    report = json.loads(shown("analyze", REFUSED, "--format", "json", status=1))
    assert report["synscope"] == VERSION


def test_no_source_has_a_version_of_its_own() -> None:
    """Saved captures and everything else take it from where the build does."""
    own = [
        path.name
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"synscope[ /-]\d+\.\d+\.\d+", path.read_text(encoding="utf-8"))
    ]
    assert own == []


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## (.+)$", text, re.MULTILINE)
    assert found is not None
    number = re.escape(VERSION)
    assert re.fullmatch(
        rf"\[Unreleased\]|\[{number}\] - (unreleased|20\d\d-\d\d-\d\d)", found[1], re.IGNORECASE
    )


# -- the compiled modules -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pure", "modules"), [(None, COMPILED_MODULES), ("0", COMPILED_MODULES), ("1", ())])
def test_what_is_compiled(
    monkeypatch: pytest.MonkeyPatch, pure: str | None, modules: tuple[str, ...]
) -> None:
    """The engine expects what ``.build/build.py`` builds, and ``SYNSCOPE_PURE=1`` builds nothing."""
    setuptools = pytest.importorskip("setuptools")
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    monkeypatch.delenv("SYNSCOPE_PURE", raising=False)
    if pure is not None:
        monkeypatch.setenv("SYNSCOPE_PURE", pure)
    runpy.run_path(str(ROOT / ".build" / "build.py"))
    assert [one.name for one in given["ext_modules"]] == [f"synscope.engine.{name}" for name in modules]
    assert all(one.optional for one in given["ext_modules"])


def test_types_are_checked_alike_in_all_compiled_modules() -> None:
    (override,) = [one for one in PROJECT["tool"]["mypy"]["overrides"] if "disable_error_code" in one]
    assert override["module"] == [f"synscope.engine.{name}" for name in COMPILED_MODULES]


# -- the workflow ---------------------------------------------------------------------------------------------


def test_the_workflow_pins_its_actions() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW)
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@v\d+|[\w./-]+@release/v\d+", one)] == []


def test_only_the_job_that_publishes_may_and_only_on_a_tag() -> None:
    before, _, publish = WORKFLOW.partition("\n  publish:\n")
    assert "\npermissions: {}\n" in before
    assert set(re.findall(r"^ +([\w-]+): (?:write|read)\b.*$", before, re.MULTILINE)) == {"contents"}
    assert "write" not in before
    assert "if: github.ref_type == 'tag'" in publish
    assert re.findall(r"(\S+): write", publish) == ["id-token"]
