"""Servers that refuse the name in the Host header."""

from __future__ import annotations

import pytest

from tests.evidence.builders import DONE, GET, Situation, check, observe, said

OBJECTION = DONE | {"http-client-error"}
REFUSED = OBJECTION | {"host-header-refused"}
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\n\r\n"

SITUATIONS = [
    Situation(
        "Transmission",
        (
            said(
                GET,
                b"HTTP/1.1 421 Misdirected Request\r\n\r\n<h1>421: Misdirected Request</h1><p>Transmission"
                b" received your request, but the hostname was unrecognized.</p>",
            ),
        ),
        REFUSED,
    ),
    Situation(
        "Vite", (said(GET, FORBIDDEN + b'Blocked request. This host ("a.b") is not allowed.'),), REFUSED
    ),
    Situation("Django", (said(GET, BAD + b"Invalid HTTP_HOST header: 'a'. You may need to add"),), REFUSED),
    Situation("Rails", (said(GET, FORBIDDEN + b"<h1>Blocked hosts: a.b</h1>"),), REFUSED),
    Situation("Kestrel", (said(GET, BAD + b"<h2>Bad Request - Invalid Hostname</h2>"),), REFUSED),
    Situation(
        "Chrome",
        (
            said(
                GET,
                b"HTTP/1.1 500 Internal Server Error\r\n\r\nHost header is specified and"
                b" is not an IP address or localhost.",
            ),
        ),
        DONE | {"http-server-error", "host-header-refused"},
    ),
    Situation(
        "an old webpack",
        (said(GET, b"HTTP/1.1 200 OK\r\n\r\nInvalid Host header"),),
        DONE | {"host-header-refused"},
    ),
    Situation(
        "a page about it", (said(GET, b"HTTP/1.1 200 OK\r\n\r\nWhat 'Invalid Host header' means"),), DONE
    ),
    Situation("no password", (said(GET, FORBIDDEN + b"access denied from this host"),), OBJECTION),
    Situation("an upstream", (said(GET, BAD + b"the hosting plan has ended"),), OBJECTION),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_it_names_the_host_and_quotes_the_page() -> None:
    found = observe(said(GET, FORBIDDEN + b"Blocked request.\n This host is not allowed."))[
        "host-header-refused"
    ]
    assert "“Blocked request. This host is not allowed.”" in found.text
    assert "“localhost”" in found.text
