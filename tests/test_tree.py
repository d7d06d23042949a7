"""How the tests lie beside the sources, and which of them may run again."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SRC = TESTS.parent / "src" / "synscope"

OF_THE_WHOLE = frozenset(
    {
        # the program as its users meet it
        "live/",
        "scenarios/",
        "corpus/",
        "test_api.py",
        "test_example_project.py",
        "test_fixtures.py",
        "test_kernel_recordings.py",
        "test_odd_handshakes.py",
        "test_other_systems.py",
        "cli/test_completion.py",
        "web/test_browser.py",
        "web/test_live.py",
        # what lies beside the package
        "test_docs.py",
        "test_docs_commands.py",
        "test_release.py",
        "test_tree.py",
        "tools/",
        # several files of one room at once
        "capture/read/test_pushed_bytes.py",
        "engine/test_against_wireshark.py",
        "engine/test_engine_mode.py",
        "engine/test_engines_agree.py",
        "engine/test_reordering.py",
        "evidence/kernel/test_crowd.py",
        "evidence/kernel/test_each_reason.py",
        "report/test_hostile.py",
        "report/test_html_browser.py",
        "report/test_html_cli.py",
        "report/test_schema_fixtures.py",
    }
)
"""Tests without a source file of their own: files, and folders with all that is in them."""


def _is_of_the_whole(test: Path) -> bool:
    return test.as_posix() in OF_THE_WHOLE or any(
        f"{folder.as_posix()}/" in OF_THE_WHOLE for folder in test.parents
    )


def _has_its_source(test: Path) -> bool:
    source = SRC / test.parent / test.name.removeprefix("test_")
    return source.exists() or source.with_suffix("").is_dir()


def test_every_test_lies_where_its_source_does() -> None:
    found = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))
    stray = [test for test in found if not _is_of_the_whole(test) and not _has_its_source(test)]
    assert [test.as_posix() for test in stray] == []


def test_the_exceptions_are_some() -> None:
    assert [name for name in sorted(OF_THE_WHOLE) if not (TESTS / name).exists()] == []
    assert [
        name for name in sorted(OF_THE_WHOLE) if name.endswith(".py") and _has_its_source(Path(name))
    ] == []


def test_only_what_watches_the_kernel_may_run_again(request: pytest.FixtureRequest) -> None:
    """All tests of this run: the whole suite, where it is all of it."""
    for item in request.session.items:
        watches = "kernel" in getattr(item, "fixturenames", ())
        assert bool(item.get_closest_marker("flaky")) is watches, item.nodeid
        assert bool(item.get_closest_marker("xdist_group")) is watches, item.nodeid


def test_who_does_not_say_so_cannot_watch_the_kernel() -> None:
    from tests.kernel import namespace

    with pytest.raises(AssertionError, match="takes the fixture"), namespace():
        pass
