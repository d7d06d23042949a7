"""Answers that send the client elsewhere."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt, Outcome, TargetSummary
from tests.evidence.builders import (
    DONE,
    GET,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    said,
    summary,
)
from tests.evidence.payload.test_service_errors import PING

METADATA = b"\0\0\0\x18\0\x03\0\0\0\0\0\x07\0\x06orders\0\0\0\0"


def moved(location: bytes) -> Attempt:
    return said(GET, b"HTTP/1.1 301 Moved Permanently\r\nLocation: " + location + b"\r\nX: y\r\n\r\n")


def brokers(host: bytes, port: int) -> Attempt:
    return said(
        METADATA,
        b"\0\0\0\x20\0\0\0\x07\0\0\0\x01\0\0\0\x01\0"
        + bytes([len(host)])
        + host
        + port.to_bytes(4)
        + bytes(4),
    )


def at(port: int, outcome: Outcome = REFUSED, when: int = SECOND) -> tuple[TargetSummary, ...]:
    return (summary(attempt(outcome, port=port, at=when), port=port),)


SENT = DONE | {"redirects-elsewhere"}
FAILED = SENT | {"redirect-target-failed"}
VAIN = SENT | {"sent-elsewhere-in-vain"}

SITUATIONS = [
    Situation("the port is lost", (moved(b"http://localhost/app/"),), FAILED, others=at(80)),
    Situation("to TLS, where nobody is", (moved(b"https://127.0.0.1:8443/x"),), FAILED, others=at(8443)),
    Situation("refused before", (moved(b"http://localhost/"),), SENT, others=at(80, when=-SECOND)),
    Situation("well there", (moved(b"http://localhost/"),), SENT, others=at(80, Outcome.CLOSED)),
    Situation("another name", (moved(b"http://inner.example:62893/"),), SENT),
    Situation("a name of the service's own network", (moved(b"http://keycloak:8081/auth"),), VAIN),
    Situation(
        "a bare name, and well there", (moved(b"http://keycloak:81/"),), SENT, others=at(81, Outcome.CLOSED)
    ),
    Situation("the same place", (moved(b"http://localhost:62893/app/"),), DONE),
    Situation("a path", (moved(b"/app/"),), DONE),
    Situation("no port at all", (moved(b"http://localhost:99999/"),), DONE),
    Situation("MOVED", (said(PING, b"-MOVED 3999 127.0.0.1:6381\r\n"),), FAILED, others=at(6381)),
    Situation("ASK, to a container", (said(PING, b"-ASK 3999 172.18.0.3:6379\r\n"),), VAIN),
    Situation(
        "MOVED, and well there",
        (said(PING, b"-MOVED 3999 127.0.0.1:6381\r\n"),),
        SENT,
        others=at(6381, Outcome.CLOSED),
    ),
    Situation("another key's", (said(PING, b"-MOVED 3999 127.0.0.1:62893\r\n"),), DONE),
    Situation("a broker elsewhere", (brokers(b"kafka", 29092),), VAIN),
    Situation("a broker here", (brokers(b"localhost", 62893),), DONE),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_nobody_was_seen_to_go_there() -> None:
    found = observe(moved(b"http://localhost/app/"))
    assert found["redirect-target-failed"].answer is Answer.UNKNOWN
    assert "http://localhost/app/ (port 80)" in found["redirects-elsewhere"].text
