"""Whose error an HTTP error is."""

from __future__ import annotations

import pytest

from synscope.evidence.payload.gateways import is_gateways
from synscope.evidence.payload.recognise import recognise

PLAIN = b"HTTP/1.1 503 Service Unavailable\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"HTTP/1.1 504 Gateway Time-out\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.22.1\r\n\r\n",
        PLAIN + b"Server: haproxy\r\n\r\n",
        PLAIN + b"server: istio-envoy\r\n\r\n",
        PLAIN + b"Via: 1.1 vegur\r\n\r\n",
        PLAIN + b"X-Squid-Error: ERR_CONNECT_FAIL 111\r\n\r\n",
        PLAIN
        + b"Content-Type: text/html\r\n\r\n<h1>503</h1>\nNo server is available to handle this request.\n",
        PLAIN + b"\r\nno available server\n",
        PLAIN + b"\r\nupstream connect error or disconnect/reset before headers",
        b"HTTP/1.1 503 Backend fetch failed\r\n\r\n",
    ],
)
def test_a_gateways(answer: bytes) -> None:
    response = recognise(answer).response
    assert response is not None
    assert is_gateways(response)


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN + b'Content-Type: application/json\r\n\r\n{"error":"maintenance"}',
        PLAIN + b"Server: uvicorn\r\n\r\n",
        PLAIN + b"Server: nginx/1.22.1\r\n\r\n",
        PLAIN + b'\r\n{"errors":["Vault is sealed"]}\nvia: nobody\n',
        b"HTTP/1.1 500 Internal Server Error\r\nServer: nginx\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nVia: 1.1 vegur\r\n\r\n",
    ],
)
def test_a_service_s_own(answer: bytes) -> None:
    response = recognise(answer).response
    assert response is not None
    assert not is_gateways(response)
