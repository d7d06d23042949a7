"""The pytest plugin: captures in tests, recorded or live, and what to keep of the tests that fail.

Input: pytest's hooks. Output: the fixtures ``synscope_load`` and ``synscope_capture``, the marker ``synscope_live``,
the option ``--synscope-record``. Every run of pytest imports this module, so that everything else is imported only
where a test uses it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from synscope.library.live import LiveCapture
    from synscope.library.named_targets import TargetLike
    from synscope.model import Diagnosis

_LONGEST_NAME = 150

_failed = pytest.StashKey[bool]()
_obstacle = pytest.StashKey["str | None"]()


class Load(Protocol):
    """What ``synscope_load`` is."""

    def __call__(self, path: str, *targets: TargetLike) -> Diagnosis:
        """Return the diagnosis of a capture file.

        ``path`` is relative to the folder of the test file or to pytest's rootdir. ``targets`` is what to look at;
        without any, every server port in the capture. Raises ``CaptureError``, ``TargetError``.
        """
        ...


class Capture(Protocol):
    """What ``synscope_capture`` is."""

    def __call__(self, *targets: TargetLike, interface: str | None = None) -> LiveCapture:
        """Return a live capture, which has begun. Raises ``SessionError``, ``TargetError``."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--synscope-record``."""
    parser.getgroup("synscope").addoption(
        "--synscope-record",
        metavar="DIR",
        help="Keep what synscope_capture captured in tests that failed there, as pcapng files.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "synscope_live: the test captures live; it is skipped where that is not permitted"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that captures, with the reason, where nothing can be captured."""
    if item.get_closest_marker("synscope_live") is None:
        return
    stash = item.config.stash
    if _obstacle not in stash:
        from synscope.library.live import obstacle  # noqa: PLC0415

        stash[_obstacle] = obstacle()
    reason = stash[_obstacle]
    if reason is not None:
        pytest.skip(f"synscope cannot capture: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture
def synscope_load(request: pytest.FixtureRequest) -> Load:
    """Diagnose a capture file: ``synscope_load("refused.pcap", 8080)``. The path is relative to the test file."""
    from synscope.capture.source import CaptureError  # noqa: PLC0415
    from synscope.library.analyzer import analyze  # noqa: PLC0415

    folders = (request.path.parent, request.config.rootpath)

    def load(path: str, *targets: TargetLike) -> Diagnosis:
        for folder in folders:
            if (folder / path).exists():
                return analyze(folder / path, targets)
        raise CaptureError(path, f"is neither in {folders[0]} nor in {folders[1]}")

    return load


@pytest.fixture
def synscope_capture(request: pytest.FixtureRequest) -> Iterator[Capture]:
    """Capture while the test runs: ``synscope_capture(8080)`` begins; ``expect`` or the end of the test stops it."""
    from synscope.library.live import live  # noqa: PLC0415
    from synscope.process.errors import SessionError  # noqa: PLC0415

    folder: str | None = request.config.getoption("--synscope-record")
    captures: list[LiveCapture] = []
    saved: list[Path] = []

    def capture(*targets: TargetLike, interface: str | None = None) -> LiveCapture:
        save = None if folder is None else _recording(folder, request.node.nodeid, len(saved) + 1)
        begun = live(targets, interface=interface, save=save).start()
        captures.append(begun)
        if save is not None:
            saved.append(save)
        return begun

    yield capture
    failure: SessionError | None = None
    for begun in captures:
        try:
            begun.stop()
        except SessionError as error:
            failure = error
    _keep_or_remove(request.node, saved)
    if failure is not None and not request.node.stash.get(_failed, False):
        raise failure


def _recording(folder: str, nodeid: str, number: int) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", nodeid)[-_LONGEST_NAME:].lstrip("_.-")
    return Path(folder) / f"{name}-{number}.pcapng"


def _keep_or_remove(item: pytest.Item, saved: list[Path]) -> None:
    """Tell where the captures of a failed test are; remove those of the others."""
    if not item.stash.get(_failed, False):
        for path in saved:
            path.unlink(missing_ok=True)
    elif saved:
        item.add_report_section("teardown", "synscope", "".join(f"kept {path}\n" for path in saved))
