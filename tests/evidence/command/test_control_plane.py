"""Clients of agents and control planes."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from tests.evidence.command.test_transport import answer

REFUSED = "The connection to the server localhost:8080 was refused - did you specify the right host or port?"


@pytest.mark.parametrize(
    ("command", "lines", "expected"),
    [
        (("sh", "-c", "./deploy"), (REFUSED,), Answer.YES),
        (("kubectl", "get", "nodes"), ("dial tcp 127.0.0.1:8080: connect: connection refused",), Answer.YES),
        (
            ("sh", "-c", "kubectl port-forward x 8080 & curl http://localhost:8080/"),
            ("curl: (7) x",),
            Answer.NO,
        ),
        (
            ("kubectl", "get", "nodes"),
            ("dial tcp 127.0.0.1:6443: connect: connection refused",),
            Answer.UNKNOWN,
        ),
        (("curl", "http://localhost:8080/"), ("curl: (7) x",), Answer.NO),
    ],
)
def test_its_role(command: tuple[str, ...], lines: tuple[str, ...], expected: Answer) -> None:
    assert answer("client-of-control-plane", command, *lines, port=8080) is expected
