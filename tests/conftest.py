"""Settings for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("ci", deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
# A developer's own configuration must not change what the tests see.
os.environ["SYNSCOPE_CONFIG"] = os.devnull
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_TESTS = Path(__file__).parent
_ONE_AT_A_TIME = (
    *(
        "live",
        "session",
        "scenarios",
        "web",
        "capture",
        "process",
        "probes",
        "evidence/host",
        "evidence/kernel",
    ),
    *(
        "cli/test_completion.py",
        "cli/test_live_web.py",
        "cli/test_snapshot.py",
        "report/test_html_browser.py",
    ),
    *("test_api.py", "test_docs_commands.py", "test_example_project.py", "test_kernel_recordings.py"),
    "test_pytest_plugin.py",
)
"""Tests that capture, trace or drive a terminal: one after the other in one process, the rest beside it."""
_RERUNS = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that must not run side by side into one group (pytest-xdist's ``--dist loadgroup``).

    They watch the kernel in real time. A virtual machine loses its processors for tens of milliseconds now and
    then, so one that fails runs again; the summary names it as rerun. A defect fails each time.
    """
    alone = tuple(_TESTS / part for part in _ONE_AT_A_TIME)
    for item in items:
        if any(item.path == one or one in item.path.parents for one in alone):
            item.add_marker(pytest.mark.xdist_group("kernel"))
            item.add_marker(pytest.mark.flaky(reruns=_RERUNS))
