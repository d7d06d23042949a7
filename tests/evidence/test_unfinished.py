"""Answers that did not come to their end."""

from __future__ import annotations

from typing import Any

import pytest

from synscope.model import Attempt

from .builders import ANSWERED, DONE, GET, HELLO, MS, SECOND, Situation, check, said, times

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
        "a TLS hello without an answer",
        (said(HELLO, None, times=times(client_data=MS, client_fin=2 * SECOND, end=2 * SECOND)),),
        DONE | {"tls-spoken", "tls-hello-unanswered", "server-silent", "request-acknowledged"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)
