"""Which addresses the attempts ran between."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt
from tests.evidence.builders import REFUSED, attempt, observe


@pytest.mark.parametrize(
    ("host", "attempts", "answer"),
    [
        (None, [attempt(REFUSED)], Answer.YES),
        (None, [attempt(REFUSED, server="10.0.0.2")], Answer.NO),
        (None, [attempt(REFUSED), attempt(REFUSED, server="10.0.0.2")], Answer.UNKNOWN),
        ("example.test", [], Answer.UNKNOWN),
    ],
)
def test_target_is_loopback_by_addresses(host: str | None, attempts: list[Attempt], answer: Answer) -> None:
    assert observe(*attempts, host=host)["target-is-loopback"].answer is answer
