"""What the words of real commands say about where they wanted to go and where they failed."""

from __future__ import annotations

import pytest

from synscope.evidence.command.client_route import WORDS, observe_route
from synscope.evidence.vocabulary import WORDS as VOCABULARY
from synscope.model import Answer, Source, Target
from synscope.process.runner import Ended

TARGET = Target("localhost:8081", 8081, "localhost")
CURL = ("curl", "http://localhost:8081/")
QUIET = ("make", "check")


def yes(command: tuple[str, ...], *lines: str) -> list[str]:
    seen = observe_route(command[0], Ended(status=1, lines=lines), TARGET, command)
    assert tuple(one.name for one in seen) == WORDS
    assert all(one.source is Source.HOST and one.text for one in seen)
    return [one.name for one in seen if one.answer is Answer.YES]


def test_every_word_is_in_the_vocabulary() -> None:
    assert set(WORDS) <= set(VOCABULARY)


@pytest.mark.parametrize(
    ("command", "line", "names"),
    [
        (
            CURL,
            "curl: (7) Failed to connect to 127.0.0.1 port 7890 after 0 ms: Couldn't connect to server",
            "op n",
        ),
        (
            CURL,
            "curl: (7) Failed to connect to localhost port 8081 after 0 ms: Couldn't connect to server",
            "n",
        ),
        (CURL, "curl: (56) CONNECT tunnel failed, response 403", "p n"),
        (
            QUIET,
            "curl: (7) Failed to connect to 127.0.0.1 port 7890 after 0 ms: Couldn't connect to server",
            "op",
        ),
        # A client may need a database besides.
        (CURL, "dial tcp 127.0.0.1:5432: connect: connection refused", "n"),
        (
            QUIET,
            "fatal: unable to access 'http://127.0.0.1:8081/a.git/': Failed to connect to 127.0.0.1 port 7890",
            "op n",
        ),
        (
            QUIET,
            "FetchError: request to http://localhost:8081/-/ping failed, reason: connect ECONNREFUSED 127.0.0.1:3129",
            "op n",
        ),
        (
            QUIET,
            'Get "http://localhost:8081/": proxyconnect tcp: dial tcp 127.0.0.1:7890: connect: connection refused',
            "p n",
        ),
        (("sh", "-c", "redis-cli -p 8081 shutdown nosave; redis-cli -p 8081 get k"), "", "s n"),
        (("sh", "-c", "docker compose stop web && curl http://localhost:8081/"), "", "s n"),
        (("sh", "-c", "systemctl start web; echo stop; curl http://localhost:8081/"), "", "n"),
        (QUIET, "listening on http://localhost:8081", ""),
        (QUIET, "", ""),
    ],
)
def test_words(command: tuple[str, ...], line: str, names: str) -> None:
    meant = {"p": "client-error-proxy", "op": "client-error-other-port", "n": "client-named-target"}
    meant["s"] = "command-stops-service"
    assert set(yes(command, line)) == {meant[short] for short in names.split()}
