"""What ``-p`` accepts, and what it says about what it does not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.model import Target
from synscope.targets import MAX_DIGITS, TargetError, parse


@pytest.mark.parametrize(
    ("text", "port", "host", "scheme"),
    [
        ("62893", 62893, None, None),
        ("0", 0, None, None),
        ("619009", 619009, None, None),
        (" 8080 ", 8080, None, None),
        ("localhost:62893", 62893, "localhost", None),
        ("localhost:619009", 619009, "localhost", None),
        ("127.0.0.1:80", 80, "127.0.0.1", None),
        ("[::1]:8080", 8080, "::1", None),
        (":8080", 8080, None, None),
        ("*:8080", 8080, None, None),
        ("localhost:8080/path?q=1", 8080, "localhost", None),
        ("http://localhost:62893/", 62893, "localhost", "http"),
        ("http://localhost:619009", 619009, "localhost", "http"),
        ("HTTP://localhost/", 80, "localhost", "http"),
        ("https://[::1]/x", 443, "::1", "https"),
        ("https://[::1]:8443/x", 8443, "::1", "https"),
        ("redis://localhost", 6379, "localhost", "redis"),
        ("x-thing://localhost:99#part", 99, "localhost", "x-thing"),
    ],
)
def test_accepts(text: str, port: int, host: str | None, scheme: str | None) -> None:
    found = parse(text)
    assert found == Target(text.strip(), port, host, scheme)
    assert found.given


def test_does_not_keep_a_password() -> None:
    found = parse("http://user:s3cret@localhost:8080/?a=b@c")
    assert found.text == "http://***@localhost:8080/?a=b@c"
    assert (found.host, found.port) == ("localhost", 8080)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("localhost", "write localhost:PORT"),
        ("localhost:", "names no port"),
        ("localhost:http", "'http' is not a port number"),
        ("localhost:-1", "negative"),
        ("-1", "is not a port"),
        ("8080x", "names no port"),
        ("0x1f90", "names no port"),
        ("٨٠٨٠", "names no port"),
        ("localhost:٨٠", "not a port number"),
        ("::1", "put it in brackets"),
        ("fe80::1:8080", "put it in brackets"),
        ("127.0.0.1:80:8080", "too many colons"),
        ("[::1:8080", "unclosed bracket"),
        ("[::1]8080", "unclosed bracket"),
        ("[localhost]:8080", "not an IPv6 address"),
        ("thing://localhost", "write thing://HOST:PORT"),
        ("local host:8080", "not a host name"),
        ("\x1b[31m:8080", "not a"),
        ("9" * 40, "40 digits"),
        ("9" * 5000, "5000 digits"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(TargetError, match=said.replace("[", r"\[")):
        parse(text)


@given(st.text())
def test_any_text_is_a_target_or_an_error(text: str) -> None:
    found = None
    with contextlib.suppress(TargetError):
        found = parse(text)
    assert found is None or 0 <= found.port < 10**MAX_DIGITS


@given(st.integers(0, 10**MAX_DIGITS - 1))
def test_every_number_is_a_target(number: int) -> None:
    assert parse(str(number)).port == number
    assert parse(f"localhost:{number}").port == number
    assert parse(f"http://[::1]:{number}/").port == number
