"""What proxies and gateways say about the target."""

from __future__ import annotations

import pytest

from synscope.model import NearMiss, Outcome
from tests.evidence.builders import (
    DONE,
    GET,
    LOCAL,
    LOCAL_REFUSED,
    MS,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    said,
    summary,
    times,
)

SITUATIONS = [
    Situation(
        "sent to a proxy",
        (),
        {"no-syn-to-target", "proxy-request-names-target"},
        others=(summary(said(b"GET http://127.0.0.1:62893/ HTTP/1.1\r\n\r\n", None, port=3128), port=3128),),
    ),
    Situation(
        "a proxy asked for another host",
        (),
        {"no-syn-to-target"},
        others=(summary(said(b"GET http://10.1.1.1:62893/ HTTP/1.1\r\n\r\n", None, port=3128), port=3128),),
    ),
    Situation(
        "a gateway in front",
        (attempt(REFUSED, at=SECOND),),
        LOCAL_REFUSED | {"gateway-upstream-failed", "another-port-completed"},
        others=(summary(said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", port=8080, at=SECOND), port=8080),),
    ),
    Situation(
        "a gateway much later",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"another-port-completed"},
        others=(
            summary(said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", port=8080, at=9 * SECOND), port=8080),
        ),
    ),
    Situation(
        "a gateway, and what it tried",
        (said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", at=SECOND),),
        LOCAL | {"some-completed", "always-completed", "http-gateway-error", "upstream-attempt-failed"},
        others=(summary(attempt(REFUSED, port=9001, at=SECOND + MS + MS // 2), port=9001),),
    ),
    Situation(
        "a service that says 500, and what it tried",
        (said(GET, b"HTTP/1.1 500 Oops\r\n\r\n", at=SECOND),),
        DONE | {"http-server-error", "failed-attempt-before-error"},
        others=(summary(attempt(REFUSED, port=9001, at=SECOND + MS + MS // 2), port=9001),),
    ),
    Situation(
        "a service that says 503, and what it tried",
        (said(GET, b"HTTP/1.1 503 Oops\r\n\r\n", at=SECOND),),
        DONE | {"http-unavailable", "failed-attempt-before-error"},
        others=(summary(attempt(REFUSED, port=9001, at=SECOND + MS + MS // 2), port=9001),),
    ),
    Situation(
        "a service that says 500, and what failed after that",
        (said(GET, b"HTTP/1.1 500 Oops\r\n\r\n", at=SECOND),),
        DONE | {"http-server-error"},
        others=(summary(attempt(REFUSED, port=9001, at=SECOND + 3 * MS), port=9001),),
    ),
    Situation(
        "a gateway, and what failed before it was asked",
        (said(GET, b"HTTP/1.1 502 Bad Gateway\r\n\r\n", at=SECOND),),
        LOCAL | {"some-completed", "always-completed", "http-gateway-error"},
        others=(summary(attempt(REFUSED, port=9001), port=9001),),
    ),
    Situation(
        "a forwarder that hangs up, and what it tried",
        (
            attempt(
                Outcome.CLOSED,
                events=frozenset({"client-data", "server-fin", "server-fin-before-data"}),
                times=times(client_data=MS, end=4 * MS),
            ),
        ),
        LOCAL | {"some-completed", "always-completed", "closed-before-answer", "upstream-attempt-failed"},
        others=(summary(attempt(REFUSED, port=9001, at=2 * MS), port=9001),),
    ),
    Situation(
        "a proxy's port, refused",
        (),
        {"no-syn-to-target", "proxy-port-tried"},
        options={"misses": [NearMiss("proxy-port", "a SYN went to 127.0.0.1:3128", 3128, (4,))]},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
