"""What the words of real commands say about where they wanted to go and where they failed."""

from __future__ import annotations

import pytest

from synscope.evidence.command import client_route
from synscope.evidence.command.observe import observe_command
from synscope.evidence.question import collected
from synscope.model import Answer, Source, Target

TARGET = Target("localhost:8081", 8081, "localhost")
CURL = ("curl", "http://localhost:8081/")
QUIET = ("make", "check")


def yes(command: tuple[str, ...], *lines: str) -> list[str]:
    seen = observe_command(command, TARGET, lines=lines, status=1, exit_status=1)
    assert all(said.source is Source.HOST and said.text for said in seen)
    names = {asked.question.name for asked in collected(client_route)}
    return [said.name for said in seen if said.answer is Answer.YES and said.name in names]


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
