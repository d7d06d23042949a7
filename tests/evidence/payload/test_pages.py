"""The words of error pages."""

from __future__ import annotations

import pytest

from synscope.evidence.packets.view import Exchange
from synscope.evidence.payload.pages import words_of
from synscope.evidence.payload.recognise import recognise
from tests.evidence.builders import GET, said

HEAD = b"HTTP/1.1 503 Service Unavailable\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HEAD + b"\r\nplease  wait\r\n", "please wait"),
        (HEAD + b'\r\n{"code": 7, "message": "no quorum"}', "no quorum"),
        (HEAD + b"\r\n<title>x</title><style>p {}</style><h1>No <b>quorum</b></h1>", "No quorum"),
        (HEAD + b"\r\n<html><h1>503 Service Unavailable</h1></html>", ""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nno quorum\r\n0\r\n\r\n", "no quorum 0"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8babcdef", ""),
        (HEAD + b"\r\nabcdef\0ghi", ""),
        (HEAD, ""),
        (b"HTTP/1.1 200 OK\r\n\r\nall is well", ""),
    ],
)
def test_words(answer: bytes, words: str) -> None:
    assert words_of(Exchange(said(GET, answer), recognise(GET), recognise(answer))) == words


def test_they_are_bounded() -> None:
    answer = HEAD + b"\r\n" + b"word " * 90
    assert len(words_of(Exchange(said(GET, answer), recognise(GET), recognise(answer)))) <= 161
