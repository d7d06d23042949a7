"""Services and models that say that they are not ready yet."""

from __future__ import annotations

import pytest

from tests.evidence.builders import DONE, GET, SECOND, Situation, check, said
from tests.evidence.payload.test_service_errors import PING, SSL_REQUEST, fatal

UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\r\n"
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"
ERROR = DONE | {"service-error"}
HTTP = DONE | {"http-unavailable"}

SITUATIONS = [
    Situation("Redis loads", (said(PING, LOADING),), ERROR | {"service-starting"}),
    Situation("Redis has loaded", (said(PING, LOADING), said(PING, b"+PONG\r\n", at=SECOND)), DONE),
    Situation(
        "PostgreSQL starts",
        (said(SSL_REQUEST, b"N", server_reply=fatal("57P03", "the database system is starting up")),),
        ERROR | {"service-starting"},
    ),
    Situation(
        "PostgreSQL replays",
        (
            said(
                SSL_REQUEST,
                b"N",
                server_reply=fatal("57P03", "the database system is not yet accepting connections"),
            ),
        ),
        ERROR | {"service-starting"},
    ),
    Situation(
        "PostgreSQL ends",
        (said(SSL_REQUEST, b"N", server_reply=fatal("57P03", "the database system is shutting down")),),
        ERROR,
    ),
    Situation(
        "Elasticsearch",
        (
            said(
                GET,
                UNAVAILABLE
                + b'{"error":{"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/'
                b'state not recovered / initialized];"},"status":503}',
            ),
        ),
        HTTP | {"service-starting"},
    ),
    Situation(
        "OpenSearch",
        (said(GET, UNAVAILABLE + b"OpenSearch Security not initialized."),),
        HTTP | {"service-starting"},
    ),
    Situation(
        "Kibana behind nginx",
        (said(GET, b"HTTP/1.1 503 Wait\r\nServer: nginx\r\n\r\nKibana server is not ready yet"),),
        HTTP | {"service-starting"},
    ),
    Situation(
        "a failed start", (said(GET, UNAVAILABLE + b'{"error":"the database failed starting"}'),), HTTP
    ),
    Situation("maintenance", (said(GET, UNAVAILABLE + b'{"error":"maintenance"}'),), HTTP),
    Situation(
        "a model, by its words",
        (said(GET, UNAVAILABLE + b'{"error":"Model x is currently loading","estimated_time":20}'),),
        HTTP | {"http-loading"},
    ),
    Situation(
        "a page that was loaded",
        (said(GET, b"HTTP/1.1 404 Not Found\r\n\r\nthe server is loading modules"),),
        DONE | {"http-client-error"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
