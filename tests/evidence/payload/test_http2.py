"""The status of HTTP/2 and of gRPC in header blocks that were kept in part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.evidence.payload.http2 import GRPC_CODES, http2_error

NAME = bytes.fromhex("40889acac8b21234da8f")
OK = b"\x88"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
PING = b"\0\0\x08\x06\x01\0\0\0\0" + bytes(8)


def headers(block: bytes, flags: int = 5) -> bytes:
    return len(block).to_bytes(3) + b"\x01" + bytes((flags,)) + b"\0\0\0\x01" + block


# The digits are those of RFC 7541's appendix B; nghttp2, Go and gRPC's own write them so.
@pytest.mark.parametrize(
    ("block", "words"),
    [
        (OK + NAME + b"\x0212", "gRPC status 12 UNIMPLEMENTED"),
        (OK + NAME + b"\x82\x08\xbf", "gRPC status 12 UNIMPLEMENTED"),
        (OK + NAME + b"\x016", "gRPC status 6 ALREADY_EXISTS"),
        (OK + NAME + b"\x81\x6f", "gRPC status 5 NOT_FOUND"),
        (OK + NAME + b"\x81\x17", "gRPC status 2 UNKNOWN"),
        (OK + b"\0\x0bgrpc-status\x0214", "gRPC status 14 UNAVAILABLE"),
        (OK + NAME + b"\x010", ""),
        (OK + NAME + b"\x81\x07", ""),
        (OK + NAME + b"\x0299", ""),
        (OK + NAME + b"\x01x", ""),
        (OK + NAME + b"\x02", ""),
        (OK + NAME, ""),
        (b"\x8d", "HTTP/2 status 404"),
        (b"\x8e\x58", "HTTP/2 status 500"),
        (b"\x48\x03503", "HTTP/2 status 503"),
        (b"\x08\x82\x6c\x02", "HTTP/2 status 502"),
        (b"\x48\x82\x68\x01", "HTTP/2 status 401"),
        (b"\x48\x03201", ""),
        (b"\x48\x02", ""),
        (b"\xc0", ""),
        (b"", ""),
    ],
)
def test_a_block(block: bytes, words: str) -> None:
    assert http2_error([SETTINGS, headers(block), PING]) == words


def test_padding_and_priority_stand_before_the_block() -> None:
    assert http2_error([headers(b"\x02" + bytes(5) + b"\x8d" + bytes(2), 0x2C)]) == "HTTP/2 status 404"


def test_the_last_answer_decides() -> None:
    failed, fine = headers(OK + NAME + b"\x015"), headers(OK + NAME + b"\x010")
    assert http2_error([failed, fine]) == ""
    assert http2_error([fine + failed]) == "gRPC status 5 NOT_FOUND"


def test_trailers_after_data() -> None:
    data = b"\0\0\x07\0\0\0\0\0\x01" + bytes(7)
    assert http2_error([headers(OK, 4) + data + headers(NAME + b"\x0213")]) == "gRPC status 13 INTERNAL"


@given(st.lists(st.binary(max_size=80), max_size=4), st.integers(0, 40))
def test_whatever_the_bytes(said: list[bytes], cut: int) -> None:
    """Nothing raises, and an error is one that exists."""
    words = http2_error([*said, headers(OK + NAME + b"\x0212")[:cut]])
    assert not words or words.startswith("HTTP/2 status ") or words.split()[3] in GRPC_CODES
