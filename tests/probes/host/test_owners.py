"""Why an owner is not known, in words that never deny it."""

from __future__ import annotations

import sys
import time

import pytest

from synscope.probes.host import owners
from synscope.probes.host.owners import Owners
from synscope.probes.host.snapshot import Owner

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Owners(late=True), "in time"),
        (Owners(denied=True), "the socket is of www"),
        (Owners(), "another PID namespace"),
    ],
)
def test_why_an_owner_is_not_visible(found: Owners, words: str) -> None:
    text = found.untold(1, "www")
    assert text is not None
    assert text.startswith("owner not visible")
    assert words in text


def test_an_owner_that_is_known() -> None:
    assert Owners({1: (Owner(2, "x", None),)}).untold(1, "www") is None


def test_the_time_is_kept() -> None:
    assert owners.find(frozenset({1}), time.monotonic() - 1).late
    assert not owners.find(frozenset(), time.monotonic() + 1).by_inode
