"""What the target as written says."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.observe import observe_packets
from synscope.evidence.target_number import observe_request
from synscope.evidence.vocabulary import VOCABULARY
from synscope.model import Answer, Label, Source, Target, TargetSummary
from synscope.reference.loopback import names_loopback

BLOCKED = frozenset({6000, 6665})
ROLES = {11434: frozenset({"llm"}), 6333: frozenset({"context"}), 15000: frozenset({"control-plane"})}


def yes(port: int, host: str | None = None) -> set[str]:
    found = observe_request(Target(str(port), port, host), blocked=BLOCKED, roles=ROLES)
    return {each.name for each in found if each.answer is Answer.YES}


@pytest.mark.parametrize(
    ("port", "words"),
    [
        (62893, set()),
        (0, {"port-zero"}),
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


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "example.test", None])
def test_request_and_packets_share_the_vocabulary(host: str | None) -> None:
    target = Target("x", 80, host)
    seen = observe_request(target, blocked=BLOCKED, roles=ROLES)
    seen += observe_packets(TargetSummary(target, Label.CLIENT_NEVER_SENT, {}, ()), (), end_ts_ns=None)
    theirs = {word.name for word in VOCABULARY if word.source not in {Source.HOST, Source.KERNEL}}
    assert sorted(each.name for each in seen) == sorted(theirs)
