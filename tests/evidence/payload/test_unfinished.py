"""Answers that did not come to their end."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Attempt, Outcome
from tests.evidence.builders import ANSWERED, DONE, GET, HELLO, MS, SECOND, Situation, check, said, times

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 1000\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


def ended(
    answer: bytes, *, request: bytes = GET, came: int | None = None, by: str = "server", after: int = MS
) -> Attempt:
    """An exchange that one side ends with a FIN, so long after the answer began."""
    fields: dict[str, Any] = {
        "events": ANSWERED | {f"{by}-fin"},
        "times": times(
            client_data=MS,
            server_data=2 * MS,
            end=2 * MS + after,
            **({"client_fin": 2 * MS + after} if by == "client" else {}),
        ),
    }
    return said(request, answer, server_bytes=len(answer) if came is None else came, **fields)


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def reset_late(request: bytes = GET, answer: bytes = WHOLE) -> Attempt:
    """The server answers and closes, the client says more, and that is reset."""
    made = said(
        request,
        answer,
        events=ANSWERED | {"server-fin", "server-rst", "client-data-after-server-fin"},
        times=times(client_data=MS, server_data=2 * MS, end=3 * MS),
    )
    return made._replace(outcome=Outcome.RESET_BY_SERVER)


SITUATIONS = [
    Situation("cut in the body", (ended(HEAD + b"abc"),), DONE | {"answer-cut-short"}),
    Situation("cut before the body", (ended(HEAD),), DONE | {"answer-cut-short"}),
    Situation("whole, mostly beyond the kept bytes", (ended(HEAD + b"abc", came=len(HEAD) + 1000),), DONE),
    Situation("the head was not kept whole", (ended(HEAD[:30], came=60),), DONE),
    Situation("an answer to HEAD", (ended(HEAD, request=GET.replace(b"GET", b"HEAD")),), DONE),
    Situation("304", (ended(HEAD.replace(b"200 OK", b"304 Not Modified")),), DONE),
    Situation("the last chunk is missing", (ended(CHUNKS),), DONE | {"answer-cut-short"}),
    Situation("the last chunk is there", (ended(CHUNKS + b"0\r\n\r\n"),), DONE),
    Situation("the last chunk, and trailers", (ended(CHUNKS + b"0\r\nX-Sum: 1\r\n\r\n"),), DONE),
    Situation("chunks beyond the kept bytes", (ended(CHUNKS, came=5000),), DONE),
    Situation(
        "a chunk that ends beyond the kept bytes and what came",
        (ended(CHUNKS + b"400\r\nabc", came=len(CHUNKS) + 300),),
        DONE | {"answer-cut-short"},
    ),
    Situation(
        "a chunk that ends beyond the kept bytes",
        (ended(CHUNKS + b"400\r\nabc", came=len(CHUNKS) + 5 + 1024 + 2 + 5),),
        DONE,
    ),
    Situation(
        "the same without room for the last chunk",
        (ended(CHUNKS + b"400\r\nabc", came=len(CHUNKS) + 5 + 1024 + 2),),
        DONE | {"answer-cut-short"},
    ),
    Situation(
        "a last chunk, and trailers beyond the kept bytes",
        (ended(CHUNKS + b"0\r\nX-", came=len(CHUNKS) + 20),),
        DONE,
    ),
    Situation("chunks whose sizes are none", (ended(CHUNKS + b"xyz\r\nabc", came=5000),), DONE),
    Situation("the client had enough", (ended(HEAD + b"abc", by="client"),), DONE),
    Situation(
        "the client waited for the rest",
        (ended(HEAD + b"abc", by="client", after=2 * SECOND),),
        DONE | {"answer-stalled"},
    ),
    Situation(
        "the client ended a long transfer",
        (ended(HEAD.replace(b"1000", b"900000000"), by="client", after=9 * SECOND, came=1 << 20),),
        DONE,
    ),
    Situation(
        "a request on a connection that the server had closed",
        (reset_late(),),
        DONE | {"request-after-close", "reset-after-answer"},
    ),
    Situation(
        "the same, of Redis",
        (reset_late(b"PING\r\n", b"+PONG\r\n"),),
        DONE | {"request-after-close", "reset-after-answer"},
    ),
    Situation(
        "the same request on another connection was answered",
        (reset_late(), said(GET, WHOLE, at=SECOND)),
        DONE | {"reset-after-answer"},
    ),
    Situation(
        "another program was answered: that is no retry",
        (reset_late(), said(GET[:-2] + b"User-Agent: other\r\n\r\n", WHOLE, at=SECOND)),
        DONE | {"request-after-close", "reset-after-answer"},
    ),
    Situation(
        "a WebSocket says farewell",
        (reset_late(GET, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),),
        DONE | {"reset-after-answer"},
    ),
    Situation(
        "an end of TLS",
        (reset_late(HELLO, b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00"),),
        DONE | {"tls-spoken", "reset-after-answer"},
    ),
    Situation(
        "a TLS hello without an answer",
        (said(HELLO, None, times=times(client_data=MS, client_fin=2 * SECOND, end=2 * SECOND)),),
        DONE | {"tls-spoken", "tls-hello-unanswered", "server-silent", "request-acknowledged"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
