"""The options of ``--save``: what goes together, and what sizes are."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from synscope.cli import save_options
from synscope.cli.main import cli

pytest.importorskip("fcntl", reason="live captures are Linux's")


def wish(*arguments: str) -> object:
    found: list[object] = []

    @click.command()
    @save_options.saving
    @click.pass_context
    def command(_context: click.Context, *, saving: object) -> None:
        found.append(saving)

    result = CliRunner().invoke(command, arguments)
    return found[0] if found else result.output


def test_nothing_is_saved_unasked() -> None:
    assert wish() is None


def test_all_of_them() -> None:
    from synscope.capture.write.save import Rotation
    from synscope.session.plan import Saving

    assert wish("--save", "a") == Saving(Path("a"))
    more = ("--headers-only", "--force", "--rotate-size", "2M", "--rotate-time", "1.5")
    assert wish("--save", "a", *more) == Saving(
        Path("a"), headers_only=True, replace=True, rotation=Rotation(2_000_000, 1.5)
    )


@pytest.mark.parametrize(
    "alone", [["--headers-only"], ["--force"], ["--rotate-size", "1M"], ["--rotate-time", "9"]]
)
def test_nothing_goes_without_save(alone: list[str]) -> None:
    assert "go with --save" in str(wish(*alone))
    result = CliRunner().invoke(cli, ["live", "-p", "80", *alone])
    assert result.exit_code == 2


@pytest.mark.parametrize("size", ["", "1", "99k", "1m", "-1M", "1.5M", "1MB", "١M", "1" * 13])
def test_sizes_that_are_none(size: str) -> None:
    assert "is no size like 100M" in str(wish("--save", "a", "--rotate-size", size))


def test_paths_that_are_none() -> None:
    assert "NUL" in str(wish("--save", "a\0b"))
