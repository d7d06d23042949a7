"""Services that say that a limit of their own is reached."""

from __future__ import annotations

import pytest

from tests.evidence.builders import DONE, GET, MS, REFUSED, Situation, attempt, check, said, summary
from tests.evidence.payload.test_service_errors import FULL, SSL_REQUEST

PAGE = (
    b"HTTP/1.1 503 Service Temporarily Unavailable\r\nServer: nginx/1.22.1\r\n\r\n<html>\r\n<head><title>503 Service"
    b" Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily"
    b" Unavailable</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
HTTP = DONE | {"http-unavailable"}
ERROR = DONE | {"service-error"}

SITUATIONS = [
    Situation(
        "no room", (said(SSL_REQUEST, b"N", server_reply=FULL),), ERROR | {"service-full", "limit-named"}
    ),
    Situation(
        "rsync",
        (
            said(
                b"@RSYNCD: 31.0\npub\n",
                b"@RSYNCD: 31.0\n",
                server_reply=b"@ERROR: max connections (1) reached -- try again later\n",
            ),
        ),
        ERROR | {"service-full", "limit-named"},
    ),
    Situation(
        "another error of rsync",
        (said(b"@RSYNCD: 31.0\nx\n", b"@RSYNCD: 31.0\n", server_reply=b"@ERROR: Unknown module 'x'\n"),),
        ERROR,
    ),
    Situation(
        "sshd",
        (said(b"SSH-2.0-OpenSSH_9.2\r\n", b"Exceeded MaxStartups\r\n"),),
        ERROR | {"service-full", "limit-named"},
    ),
    Situation(
        "MySQL shuts a host out",
        (said(None, b"\x68\0\0\0\xff\x69\x04Host '10.0.0.1' is blocked because of many connection errors"),),
        ERROR | {"limit-named"},
    ),
    Situation(
        "429",
        (said(GET, b"HTTP/1.1 429 Too Many Requests\r\n\r\n"),),
        DONE | {"http-client-error", "limit-named"},
    ),
    Situation(
        "a queue that is full",
        (said(GET, b"HTTP/1.1 503 Busy\r\n\r\nthe queue is full"),),
        HTTP | {"limit-named"},
    ),
    Situation("nginx's own page", (said(GET, PAGE),), HTTP | {"gateway-asked-nobody"}),
    Situation(
        "nginx's page after it had asked",
        (said(GET, PAGE),),
        HTTP | {"failed-attempt-before-error"},
        others=(summary(attempt(REFUSED, port=9000, at=MS + 1), port=9000),),
    ),
    Situation(
        "a page that passed through nginx",
        (said(GET, b"HTTP/1.1 503 No\r\nServer: nginx\r\n\r\n<h1>maintenance</h1>"),),
        HTTP,
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
