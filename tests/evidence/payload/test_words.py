"""Words of services about themselves."""

from __future__ import annotations

import pytest

from synscope.evidence.payload import words

STARTING = [
    "LOADING Redis is loading the dataset in memory",
    "FATAL 57P03 the database system is starting up",
    "FATAL 57P03 the database system is in recovery mode",
    "WSREP has not yet prepared node for application use",
    "SolrCore is loading",
    "Please wait while Jenkins is getting ready to work",
    "Waiting for GitLab to boot",
    '{"status":"STARTING"}',
    "Ingester not ready: waiting for 15s after being ready",
]
NOT_STARTING = [
    "FATAL 57P03 the database system is shutting down",
    "the model is loading: failed",
    "not ready",
    "start a new session",
    "",
]
LIMITS = [
    "ERR max number of clients reached",
    "1040 Too many connections",
    "FATAL 53300 remaining connection slots are reserved",
    "Exceeded MaxStartups",
    "@ERROR: max connections (1) reached -- try again later",
    "-ERR 'maximum connections exceeded'",
    "connection.close 530 NOT_ALLOWED - connection limit (10) is reached",
    "API rate limit exceeded",
    "1129 Host 'a' is blocked because of many connection errors",
]
LIMITS += [
    "the server is busy running a test. try again later",
    "server busy, please try again.  maximum pending requests exceeded",
    "51 busy: come back",
    "the service is at capacity",
    "no more connections available",
    "toomanyrequests: You have reached your pull rate limit",
]
NO_LIMITS = [
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL",
    "Device or resource busy",
    "Max retries exceeded with url: /",
    "Temporary failure in name resolution, try again later",
    "the disk is full",
    "no more data",
    "no limit",
    "the client is blocked",
    "connection refused",
    "many connections are open",
    "",
]


@pytest.mark.parametrize(
    ("text", "expected"), [(t, True) for t in STARTING] + [(t, False) for t in NOT_STARTING]
)
def test_starting(text: str, *, expected: bool) -> None:
    assert words.speaks_of_starting(text) is expected


@pytest.mark.parametrize(("text", "expected"), [(t, True) for t in LIMITS] + [(t, False) for t in NO_LIMITS])
def test_limits(text: str, *, expected: bool) -> None:
    assert words.speaks_of_limit(text) is expected
