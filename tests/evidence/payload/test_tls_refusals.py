"""The end of a TLS handshake that only its sizes tell."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Attempt
from tests.evidence.builders import DONE, HELLO, Situation, check, said, times

TLS = DONE | {"tls-spoken"}
REFUSED = TLS | {"tls-refused-after-finished"}
ALERT = b"\x17\x03\x03\x00\x13" + bytes(19)
TICKET = b"\x17\x03\x03\x00\xfa" + bytes(250)
FLIGHT = (
    b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(116) + b"\x14\x03\x03\x00\x01\x01"
    b"\x17\x03\x03\x00\x17"
    + bytes(23)
    + b"\x17\x03\x03\x00\x5c"
    + bytes(92)
    + b"\x17\x03\x03\x03\x47"
    + bytes(839)
)
VERIFY_AND_FINISHED = 286 + 74
GREETING = b"\x4a\x00\x00\x00\x0a11.4.2-MariaDB" + bytes(60)
SSL_REQUEST = b"\x20\x00\x00\x01\x85\xae\x03\x20" + bytes(28)
BOTH = frozenset({"client-data", "client-data-acked", "server-data", "server-data-acked"})


def ended(
    reply: bytes = ALERT,
    *,
    beyond: int = 110,
    more: int = 0,
    ends: frozenset[str] = frozenset(),
    **fields: Any,
) -> Attempt:
    """A handshake of TLS 1.3 whose server said ``reply`` in the end and closed first."""
    closed = {
        "client_bytes": 517 + beyond,
        "server_bytes": len(FLIGHT) + VERIFY_AND_FINISHED + more + len(reply),
        "server_reply": reply,
        "events": BOTH | {"server-fin"} | ends,
        "times": times(client_data=1, server_data=2, end=3, client_fin=4),
    }
    return said(HELLO, FLIGHT[:512], **{**closed, **fields})


def database(**fields: Any) -> Attempt:
    """A client of MySQL that began TLS and left."""
    left = {
        "client_bytes": 36 + 517 + 110,
        "server_bytes": 104 + 1432 + len(TICKET),
        "server_reply": TICKET,
        "events": BOTH | {"client-fin", "client-rst"},
        "times": times(client_data=1, server_data=2, client_fin=3, end=4),
    }
    return said(SSL_REQUEST, GREETING, **{**left, **fields})


SITUATIONS = [
    Situation("the server wants a certificate", (ended(),), REFUSED),
    Situation("the client had asked already", (ended(beyond=210),), REFUSED),
    Situation(
        "a certificate that is not taken", (ended(beyond=654, ends=frozenset({"server-rst"})),), REFUSED
    ),
    Situation("with a certificate of its own, a look and goodbyes", (ended(beyond=654),), TLS),
    Situation(
        "a goodbye after the server's is no look at the handshake",
        (ended(beyond=104, ends=frozenset({"client-data-after-server-fin"})),),
        REFUSED,
    ),
    Situation("a look at the handshake, and goodbyes", (ended(beyond=104),), TLS),
    Situation("tickets, and a goodbye", (ended(more=2 * len(TICKET)),), TLS),
    Situation("an answer, and a goodbye", (ended(more=29),), TLS),
    Situation("an answer last", (ended(TICKET),), TLS),
    Situation(
        "the client closed upon the alert",
        (ended(beyond=210, times=times(client_data=1, server_data=2, client_fin=3, end=3)),),
        REFUSED,
    ),
    Situation(
        "the client closed because it had waited enough",
        (
            ended(
                beyond=234, times=times(client_data=1, server_data=2, client_fin=600_000_000, end=600_000_000)
            ),
        ),
        TLS,
    ),
    Situation(
        "the client closed first, and nobody had asked it for a certificate",
        (
            ended(
                server_payload=FLIGHT[:-941] + FLIGHT[-844:],
                server_bytes=len(FLIGHT) - 97 + VERIFY_AND_FINISHED + len(ALERT),
                times=times(client_data=1, server_data=2, client_fin=3, end=3),
            ),
        ),
        TLS,
    ),
    Situation("MySQL's client leaves before it logs in", (database(),), TLS | {"tls-left-after-upgrade"}),
    Situation("it logs in", (database(client_bytes=36 + 517 + 110 + 160 + 40),), TLS),
    Situation("it leaves with a goodbye", (database(server_reply=ALERT),), TLS),
    Situation("it waits for the server's goodbye", (database(events=BOTH | {"client-fin"}),), TLS),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
