"""The example project in ``docs/``, run as a reader of it would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.kernel import namespace
from tests.test_pytest_plugin import WITHOUT_RIGHTS, run_pytest

PROJECT = Path(__file__).resolve().parents[1] / "docs" / "example-project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project"))


@pytest.mark.usefixtures("kernel")
def test_all_of_it_passes_where_capturing_is_permitted(project: Path) -> None:
    with namespace():
        status, output = run_pytest(project, "-W", "error", "--synscope-record", "failures")
    assert (status, "3 passed" in output) == (0, True), output
    assert [*(project / "failures").iterdir()] == []


@pytest.mark.usefixtures("kernel")
def test_elsewhere_its_live_tests_are_skipped(project: Path) -> None:
    with namespace():
        status, output = run_pytest(project, "-W", "error", before=WITHOUT_RIGHTS)
    assert (status, "1 passed, 2 skipped" in output) == (0, True), output


def test_its_files_are_those_it_names() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name in ("greeter.py", "test_greeter.py", "captures"):
        assert f"`{name}" in text
        assert (PROJECT / name).exists()
