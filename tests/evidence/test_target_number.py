"""What the target as written says."""

from __future__ import annotations

import pytest

from synscope.evidence.target_number import observe_request
from synscope.model import Answer, Target
from synscope.reference.loopback import names_loopback


def yes(port: int, host: str | None = None) -> set[str]:
    found = observe_request(Target(str(port), port, host))
    return {each.name for each in found if each.answer is Answer.YES}


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (62893, set()),
        (0, {"port-zero", "port-blocked-by-clients"}),
        (619009, {"port-above-65535"}),
        (65535, set()),
        (65536, {"port-above-65535"}),
        (6000, {"port-blocked-by-clients"}),
        (80, {"port-needs-privilege"}),
        (1023, {"port-needs-privilege"}),
        (1024, set()),
        (11434, {"port-usual-for-llm"}),
        (6333, {"port-usual-for-context"}),
        (15000, {"port-usual-for-control-plane"}),
    ],
)
def test_port(port: int, words: set[str]) -> None:
    assert yes(port) == words


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("app.localhost", True),
        ("127.0.0.2", True),
        ("127.1", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", True),
        ("192.168.1.5", False),
        ("fe80::1", False),
        ("example.test", None),
        ("", None),
        (None, None),
    ],
)
def test_host(host: str | None, *, loopback: bool | None) -> None:
    assert names_loopback(host) is loopback
