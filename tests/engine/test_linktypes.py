"""Names of link types."""

from __future__ import annotations

import pytest

from synscope.engine.linktypes import NAMES, linktype_name


@pytest.mark.parametrize(("number", "name"), [(1, "EN10MB"), (276, "LINUX_SLL2"), (4242, "LINKTYPE_4242")])
def test_name(number: int, name: str) -> None:
    """libpcap's, or the number itself."""
    assert linktype_name(number) == name


def test_names_are_plain_words() -> None:
    """They go into reports and JSON as they are."""
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in NAMES.values())
