"""Which clients go through a proxy: the table of the rules in which they differ."""

from __future__ import annotations

import urllib.request

import pytest

from synscope.model import Answer
from synscope.probes.host.proxy import (
    Server,
    decisions,
    recorded,
    redacted,
    request_of,
    server_of,
)
from synscope.probes.host.snapshot import Variable
from tests.evidence.host.builders import listener, observed, snapshot

P = "http://proxy:3128"
HTTP = {"http_proxy": P}
EXCEPTIONS = (
    *("", "*", " *", ",", ".", "localhost", "LOCALHOST , x", "127.0.0.0/8", "127.0.0.1", "0.0.1"),
    *(
        "::1",
        "[::1]",
        "[::1]:8080",
        "test",
        ".app.test",
        "*.app.test",
        "app.test.",
        "app.test:8080",
        "app.test:81",
    ),
)


@pytest.mark.parametrize(
    ("variables", "scheme", "host", "through"),
    [
        ({}, "http", "localhost", set()),
        # Go never sends loopback to a proxy; the others do unless told.
        (HTTP, "http", "localhost", {"curl", "Python"}),
        (HTTP, "http", "127.0.0.1", {"curl", "Python"}),
        (HTTP, "http", "::1", {"curl", "Python"}),
        (HTTP, "http", "app.test", {"curl", "Python", "Go"}),
        (HTTP, "https", "app.test", set()),
        # curl leaves HTTP_PROXY alone.
        ({"HTTP_PROXY": P}, "http", "app.test", {"Python", "Go"}),
        ({"HTTPS_PROXY": P}, "https", "app.test", {"curl", "Python", "Go"}),
        # all_proxy is curl's.
        ({"all_proxy": P}, "http", "app.test", {"curl"}),
        ({"ALL_PROXY": P}, "https", "app.test", {"curl"}),
        ({**HTTP, "no_proxy": "localhost"}, "http", "localhost", set()),
        ({**HTTP, "no_proxy": "localhost"}, "http", "127.0.0.1", {"curl", "Python"}),
        ({**HTTP, "no_proxy": "127.0.0.0/8"}, "http", "127.0.0.1", {"Python"}),
        ({**HTTP, "no_proxy": "10.0.0.0/8"}, "http", "10.1.2.3", {"Python"}),
        ({**HTTP, "no_proxy": "127.0.0.1"}, "http", "127.0.0.1", set()),
        ({**HTTP, "no_proxy": "::1"}, "http", "[::1]", {"Python"}),
        ({**HTTP, "no_proxy": "[::1]"}, "http", "::1", set()),
        ({**HTTP, "no_proxy": "*"}, "http", "app.test", set()),
        ({**HTTP, "no_proxy": "a, *"}, "http", "app.test", {"curl", "Python"}),
        ({**HTTP, "no_proxy": "test"}, "http", "app.test", set()),
        ({**HTTP, "no_proxy": "pp.test"}, "http", "app.test", {"curl", "Python", "Go"}),
        # With a leading dot, Go leaves the name itself out.
        ({**HTTP, "no_proxy": ".app.test"}, "http", "app.test", {"Go"}),
        ({**HTTP, "no_proxy": ".app.test"}, "http", "x.app.test", set()),
        ({**HTTP, "no_proxy": "*.app.test"}, "http", "x.app.test", {"curl", "Python"}),
        # A port is known to Python and Go.
        ({**HTTP, "no_proxy": "app.test:8080"}, "http", "app.test", {"curl"}),
        ({**HTTP, "no_proxy": "app.test:81"}, "http", "app.test", {"curl", "Python", "Go"}),
        # Blanks separate entries for curl alone.
        ({**HTTP, "no_proxy": "x app.test"}, "http", "app.test", {"Python", "Go"}),
        ({**HTTP, "NO_PROXY": "APP.TEST."}, "http", "app.test", {"Python", "Go"}),
        ({**HTTP, "no_proxy": ""}, "http", "app.test", {"curl", "Python", "Go"}),
    ],
)
def test_who_goes_through_the_proxy(
    variables: dict[str, str], scheme: str, host: str, through: set[str]
) -> None:
    found = decisions(variables, request_of(scheme, host, 8080))
    assert {client for client, url in found.items() if url} == through


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "app.test", "x.app.test", "APP.test"])
@pytest.mark.parametrize("exceptions", EXCEPTIONS)
def test_python_decides_as_urllib_does(host: str, exceptions: str) -> None:
    variables = {"http_proxy": P, "no_proxy": exceptions}
    direct = urllib.request.proxy_bypass_environment(f"{host}:8080", {"http": P, "no": exceptions})  # type: ignore[attr-defined]
    assert (decisions(variables, request_of("http", host, 8080))["Python"] is None) is bool(direct)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://me:secret@proxy:3128/", "http://***@proxy:3128/"),
        ("me:s@cret@proxy:3128", "***@proxy:3128"),
        ("socks5h://u@[::1]:1080", "socks5h://***@[::1]:1080"),
        ("secret@", "***@"),
    ],
)
def test_credentials_are_left_out(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_both_spellings_are_recorded_and_nothing_else() -> None:
    environment = {"http_proxy": "a", "HTTP_PROXY": "b:c@d", "PATH": "/bin", "NO_PROXY": ""}
    assert recorded(environment) == (Variable("http_proxy", "a"), Variable("HTTP_PROXY", "***@d"))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://proxy:3128", Server("proxy", 3128)),
        ("http://***@proxy:3128/x", Server("proxy", 3128)),
        ("***@proxy:8", Server("proxy", 8)),
        ("https://proxy", Server("proxy", 443)),
        ("socks5://[::1]", Server("::1", 1080)),
        ("proxy", Server("proxy", 80)),
        ("http://", None),
    ],
)
def test_where_the_proxy_is(url: str, server: Server | None) -> None:
    assert server_of(url) == server


def test_the_observation_names_the_proxy_and_whether_it_is_there() -> None:
    proxied = (Variable("http_proxy", "http://127.0.0.1:3128"),)
    seen = observed(snapshot(proxy=proxied), client="curl")["proxy-configured"]
    assert seen.answer is Answer.YES
    assert "http://127.0.0.1:3128, where nothing listens" in seen.text
    there = observed(snapshot(listener(port=3128), proxy=proxied), client="curl")["proxy-configured"]
    assert "python3 (pid 4242, user www) listens" in there.text


def test_clients_that_differ_leave_the_question_open() -> None:
    proxied = snapshot(proxy=(Variable("http_proxy", P),))
    assert observed(proxied)["proxy-configured"].answer is Answer.UNKNOWN
    assert observed(proxied, client="Go")["proxy-configured"].answer is Answer.NO
    assert observed(proxied, target="app.test:8080")["proxy-configured"].answer is Answer.YES
