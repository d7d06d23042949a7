"""Services that turn a client away for want of room, as clients tell it."""

from __future__ import annotations

import pytest

from synscope.evidence.command.observe import observe_command
from synscope.model import Answer, Target

TARGET = Target("localhost:62893", 62893, "localhost")


def told(*lines: str, status: int = 1) -> Answer:
    seen = observe_command(("client",), TARGET, lines=lines, status=status, exit_status=status)
    (found,) = (each for each in seen if each.name == "client-error-limit")
    assert found.text
    return found.answer


@pytest.mark.parametrize(
    "line",
    [
        "iperf3: error - the server is busy running a test. try again later",
        "Error: server busy, please try again.  maximum pending requests exceeded",
        "openai.RateLimitError: Error code: 429 - {'error': 'Too Many Requests'}",
        "FATAL:  sorry, too many clients already",
        "(localhost:62893) 1040, 'Too many connections'",
        "rejected: connection limit exceeded",
        "the service is at capacity",
        "We cannot take you now, come back later",
        "HTTP Error 429: Too Many Requests",
    ],
)
def test_a_limit(line: str) -> None:
    assert told("connecting …", line, "") is Answer.YES
    assert told(line, status=0) is Answer.UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        "curl: (7) Failed to connect to localhost port 62893: Connection refused",
        "requests.exceptions.ConnectionError: Max retries exceeded with url: /",
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
        "accept: Too many open files",
        "fork: retry: Resource temporarily unavailable",
        "Service temporarily unavailable, please try again later",
        "Temporary failure in name resolution, try again later",
        "the database system is starting up, try again later",
        "LOADING Redis is loading the dataset in memory",
        "curl: (47) Maximum (50) redirects followed",
        "http://localhost:3128/ said: too many connections",
        "everything is fine",
    ],
)
def test_something_else(line: str) -> None:
    assert told(line) is Answer.UNKNOWN
