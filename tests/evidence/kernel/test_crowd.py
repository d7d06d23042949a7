"""Many processes at once, each attempt with a fate that its local port decides: no verdict may be wrong."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
from collections import Counter

import pytest

from synscope.evidence.kernel.drops import FailedAttempt, is_of
from synscope.evidence.kernel.record import Record
from synscope.model import Answer, Attempt
from synscope.reference.drop_reasons import Kind
from tests.evidence.kernel.stage import Stage, free_port, staged

pytestmark = pytest.mark.usefixtures("trace")

PROCESSES = 4
EACH = 120
REFUSED, DROPPED, REJECTED = 41_000, 43_000, 45_000
"""The first local port of those that nobody, an input rule's drop and an input rule's RST answer."""

RULES = """
table inet t {{ chain c {{ type filter hook input priority 0;
  tcp dport {port} tcp sport 43000-44999 drop
  tcp dport {port} tcp sport 45000-46999 reject with tcp reset
}}; }}
"""


def crowd(stage: Stage) -> None:
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if not child:
            knock(stage.port, number)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def knock(port: int, number: int) -> None:
    chance = random.Random(number)
    for turn in range(EACH):
        source = chance.choice((REFUSED, DROPPED, REJECTED)) + number * EACH + turn
        with socket.socket() as client, contextlib.suppress(OSError):
            client.settimeout(0.002)
            client.bind(("127.0.0.1", source))
            client.connect(("127.0.0.1", port))


def expected(attempt: Attempt) -> tuple[Answer, Answer]:
    """No socket, and netfilter."""
    dropped = attempt.client.port >= DROPPED
    return (Answer.NO, Answer.YES) if dropped else (Answer.YES, Answer.NO)


def test_no_verdict_is_wrong() -> None:
    with staged(free_port()) as stage:
        subprocess.run(
            ["nft", "-f", "-"], input=RULES.format(port=stage.port).encode(), check=True, timeout=20
        )
        crowd(stage)
        stage.reader.read(0.1)
    found = stage.attempts
    assert len(found) == PROCESSES * EACH
    record = Record(stage.events, stage.health)
    verdicts: Counter[str] = Counter()
    for attempt in found:
        failed = FailedAttempt(record, attempt)
        replies = (failed.no_socket(), failed.dropped(is_of(Kind.FIREWALL)))
        for reply, truth in zip(replies, expected(attempt), strict=True):
            assert reply.answer in (truth, Answer.UNKNOWN), (attempt, reply)
            verdicts[reply.answer.value] += 1
    assert verdicts["yes"] > len(found) / 2, verdicts
