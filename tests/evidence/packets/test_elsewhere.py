"""What other addresses, ports, proxies and gateways say about the target."""

from __future__ import annotations

import pytest

from synscope.model import Answer, NearMiss, Outcome, TargetSummary
from tests.evidence.builders import (
    LOCAL,
    LOCAL_REFUSED,
    MS,
    REFUSED,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    said,
    summary,
)


def wrapped(head: bytes = b"") -> tuple[TargetSummary, ...]:
    data = b"GET / HTTP/1.1\r\n" + head + b"\r\n\r\n"
    return (summary(said(data, b"HTTP/1.1 200 OK\r\n\r\n", port=29185), port=29185),)


SITUATIONS = [
    Situation(
        "refused on ::1, recovered on 127.0.0.1",
        (attempt(REFUSED, server="::1", recovered=True), attempt(Outcome.CLOSED, at=MS)),
        LOCAL | {"some-completed", "recovered-at-other-address", "other-family-completed"},
    ),
    Situation(
        "refused on ::1, another client completes on 127.0.0.1",
        (attempt(REFUSED, server="::1"), attempt(Outcome.CLOSED, at=5 * SECOND)),
        LOCAL
        | {"refused-by-rst", "some-completed", "other-family-completed", "refused-address-is-ipv6-only"},
    ),
    Situation(
        "refused on 127.0.0.1, completed on 127.0.0.2",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"other-address-completed"},
        others=(summary(attempt(Outcome.CLOSED, server="127.0.0.2"), host="127.0.0.2"),),
    ),
    Situation(
        "the port next to it works",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"similar-port-completed", "similar-port-tried"},
        others=(summary(attempt(Outcome.CLOSED, port=62839), port=62839),),
    ),
    Situation(
        "another service works",
        (attempt(REFUSED),),
        LOCAL_REFUSED | {"another-port-completed"},
        others=(summary(attempt(Outcome.CLOSED, port=5432), port=5432),),
    ),
    Situation(
        "the client mistyped the port",
        (),
        {"no-syn-to-target", "similar-port-tried"},
        others=(summary(attempt(REFUSED, port=62839), port=62839),),
    ),
    Situation(
        "a client that goes to its proxy, where nobody listens",
        (),
        {"no-syn-to-target", "another-port-failed"},
        others=(summary(attempt(REFUSED, port=20123), port=20123),),
    ),
    Situation(
        "a database beside it is not there",
        (),
        {"no-syn-to-target"},
        others=(summary(attempt(REFUSED, port=5432), port=5432),),
    ),
    Situation(
        "an unlike port of another host",
        (),
        {"no-syn-to-target"},
        others=(summary(attempt(REFUSED, port=20123, server="10.0.0.2", client="10.0.0.1"), port=20123),),
    ),
    Situation(
        "wrapped port",
        (),
        {"no-syn-to-target", "wrapped-port-seen"},
        others=wrapped(),
        options={"port": 619009},
    ),
    Situation(
        "wrapped port with its Host header",
        (),
        {"no-syn-to-target", "wrapped-port-seen", "host-header-out-of-range"},
        others=wrapped(b"Host: localhost:619009"),
        options={"port": 619009},
    ),
    Situation(
        "near misses",
        (),
        {"no-syn-to-target", "wrapped-port-seen", "proxy-request-names-target", "rst-without-syn"},
        options={
            "port": 619009,
            "misses": [
                NearMiss("wrapped-port", "SYN to 29185", 29185, (4,)),
                NearMiss("proxy-request", "CONNECT localhost:619009", 3128, (7,)),
                NearMiss("rst-without-syn", "an RST from it", 619009, (9,)),
            ],
        },
    ),
    Situation(
        "localhost leads elsewhere",
        (attempt(REFUSED, server="127.0.1.1"),),
        LOCAL_REFUSED | {"unusual-loopback-address"},
        options={"host": "localhost"},
    ),
    Situation(
        "localhost leads elsewhere too",
        (attempt(REFUSED, server="127.0.1.1"), attempt(REFUSED, at=SECOND)),
        LOCAL_REFUSED,
        options={"host": "localhost"},
    ),
    Situation(
        "dns over tcp",
        (),
        {"no-syn-to-target", "dns-query-for-localhost"},
        others=(
            summary(said(b"\0\x1b\0\0\1\0\0\1\0\0\0\0\0\0\x09localhost\0\0\1\0\1", None, port=53), port=53),
        ),
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_other_hosts_are_not_other_addresses() -> None:
    elsewhere = summary(attempt(Outcome.CLOSED, server="10.0.0.9", client="10.0.0.1"), host="10.0.0.9")
    found = observe(attempt(REFUSED, server="10.0.0.2", client="10.0.0.1"), others=[elsewhere])
    assert found["other-address-completed"].answer is Answer.UNKNOWN
