"""An absence is proved only where every way to the target was watched."""

from __future__ import annotations

import pytest

from synscope.model import Canary, CaptureHealth, Claim, Live, Target
from synscope.session import coverage
from synscope.session.coverage import is_covered
from synscope.session.live_analysis import LiveAnalysis


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


class _Source:
    """A capture that has seen nothing and lost nothing."""

    several, loopback, interruptions = False, 0, 0


@pytest.mark.parametrize(("covered", "claim"), [(True, Claim.STRONG), (False, Claim.LIVE)])
def test_the_claim_rests_on_it(covered: object, claim: Claim) -> None:
    analysis = LiveAnalysis(_Source(), "lo", (), covered=bool(covered))  # type: ignore[arg-type]
    assert analysis._claim(CaptureHealth(0, dropped=0, live=Live("lo", 0, Canary.SEEN))) is claim
