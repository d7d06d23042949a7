"""What was asked and answered."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt, Outcome
from tests.evidence.builders import (
    ANSWERED,
    DONE,
    GET,
    HELLO,
    REFUSED,
    SECOND,
    SERVER_HELLO,
    Situation,
    attempt,
    check,
    observe,
    said,
)

SITUATIONS = [
    Situation(
        "401, then the password on the same connection",
        (said(GET, b"HTTP/1.1 401 Unauthorized\r\n\r\n", client_bytes=2 * len(GET)),),
        DONE,
    ),
    Situation(
        "503, then 200",
        (
            said(GET, b"HTTP/1.1 503 Service Unavailable\r\n\r\n"),
            said(GET, b"HTTP/1.1 200 OK\r\n\r\n", at=SECOND),
        ),
        DONE | {"http-unavailable", "error-then-success"},
    ),
    Situation(
        "503, then 200 for the same request on the same connection",
        (
            said(
                GET,
                b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
                server_reply=b"HTTP/1.1 200 OK\r\n\r\n",
                client_bytes=2 * len(GET),
            ),
        ),
        DONE | {"http-unavailable", "error-then-success"},
    ),
    Situation(
        "503, then 200 for another request on the same connection",
        (
            said(
                GET,
                b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
                server_reply=b"HTTP/1.1 200 OK\r\n\r\n",
                client_bytes=2 * len(GET) + 3,
            ),
        ),
        DONE | {"http-unavailable"},
    ),
    Situation(
        "200, then 503",
        (
            said(GET, b"HTTP/1.1 200 OK\r\n\r\n"),
            said(GET, b"HTTP/1.1 503 Service Unavailable\r\n\r\n", at=SECOND),
        ),
        DONE | {"http-unavailable"},
    ),
    Situation("healthy HTTP", (said(GET, b"HTTP/1.1 200 OK\r\n\r\n{}"),), DONE),
    Situation("404", (said(GET, b"HTTP/1.1 404 Not Found\r\n\r\n"),), DONE | {"http-client-error"}),
    Situation("500", (said(GET, b"HTTP/1.1 500 Oops\r\n\r\n"),), DONE | {"http-server-error"}),
    Situation("503", (said(GET, b"HTTP/1.1 503 Wait\r\n\r\n"),), DONE | {"http-unavailable"}),
    Situation(
        "503 of a gateway",
        (said(GET, b"HTTP/1.1 503 No\r\n\r\nupstream connect error or disconnect/reset before headers"),),
        DONE | {"http-gateway-error", "gateway-names-itself"},
    ),
    Situation("504", (said(GET, b"HTTP/1.1 504 Late\r\n\r\n"),), DONE | {"http-gateway-error"}),
    Situation(
        "a message of the Model Context Protocol, without HTTP",
        (said(b'{"jsonrpc": "2.0", "id": 1, "method": "initialize"}\n', b"ok"),),
        DONE | {"context-api"},
    ),
    Situation(
        "model still loading",
        (
            said(
                b"POST /v1/chat/completions HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 503 Service Unavailable\r\nServer: llama.cpp\r\n\r\n"
                b'{"error":{"message":"Loading model"}}',
            ),
        ),
        DONE | {"http-unavailable", "http-loading", "llm-api"},
    ),
    Situation(
        "no memory for a model",
        (
            said(
                b"POST /api/generate HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 500 Internal Server Error\r\n\r\n"
                b'{"error":"model requires more system memory (5.6 GiB) than is available"}',
            ),
        ),
        DONE | {"http-server-error", "model-failed", "llm-api"},
    ),
    Situation(
        "a sealed Vault",
        (said(b"GET /v1/sys/health HTTP/1.1\r\n\r\n", b"HTTP/1.1 503 Service Unavailable\r\n\r\n"),),
        DONE | {"http-unavailable", "control-plane-api"},
    ),
    Situation(
        "Consul, by its header",
        (said(b"GET /web HTTP/1.1\r\nX-Consul-Token: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),),
        DONE | {"control-plane-api"},
    ),
    Situation(
        "MCP", (said(b"POST /mcp HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),), DONE | {"context-api"}
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("word", "one", "why"),
    [
        (
            "http-client-error",
            attempt(Outcome.ANSWERED, events=ANSWERED, client_bytes=9, server_bytes=9),
            "no payload",
        ),
        ("http-client-error", said(HELLO, SERVER_HELLO), "encrypted"),
        ("llm-api", attempt(REFUSED), "no byte was exchanged"),
    ],
)
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text
