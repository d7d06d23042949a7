"""An absence is proved only where every way to the target was watched."""

from __future__ import annotations

import pytest

from synscope.model import Target
from synscope.session import coverage
from synscope.session.coverage import is_covered


@pytest.mark.parametrize(
    ("host", "interface", "alone", "covered"),
    [
        (None, "any", False, True),
        ("192.0.2.7", "any", False, True),
        ("localhost", "lo", False, True),
        ("127.0.0.2", "lo", False, True),
        ("192.0.2.7", "lo", True, False),
        ("example.com", "lo", False, False),
        (None, "lo", True, True),
        (None, "lo", False, False),
        ("localhost", "eth0", False, False),
    ],
)
def test_what_an_interface_shows(
    host: str | None, interface: str, alone: object, covered: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_is_alone", lambda _: alone)
    assert is_covered(Target("8080", 8080, host), interface, "lo") == covered


def test_the_addresses_of_another_network_are_not_known_here() -> None:
    assert is_covered(Target("8080", 8080, "127.0.0.1"), "lo", "lo", another_network=True)
    assert not is_covered(Target("8080", 8080), "lo", "lo", another_network=True)
