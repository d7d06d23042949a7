"""Nothing that looks like a secret is recorded of a command."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synscope.command.redaction import HIDDEN, redact_text, redact_words


@pytest.mark.parametrize(
    "typed",
    [
        "curl -u bob:hush http://localhost:1/",
        "curl --user bob:hush http://localhost:1/",
        "curl -H 'Authorization: Bearer hush' http://localhost:1/",
        "curl -H 'X-Api-Key: hush' http://localhost:1/",
        "curl -b 'Cookie: id=hush' http://localhost:1/",
        "curl http://bob:hush@localhost:1/",
        "curl 'http://localhost:1/?access_token=hush'",
        "client --password hush",
        "client --password=hush",
        "client --db-password hush --port 1",
        "client --api-key hush",
        "env API_TOKEN=hush client",
        "env PGPASSWORD=hush psql -h localhost",
        "bash -c 'curl -u bob:hush http://localhost:1/'",
        "bash -c 'client --token hush; echo done'",
        "bash -c 'PASSWORD=\"hush\" client'",
        "redis-cli -u redis://:hush@localhost:1",
    ],
)
def test_a_secret_goes(typed: str) -> None:
    shown = shlex.join(redact_words(shlex.split(typed)))
    assert "hush" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "typed",
    [
        "curl -sS http://localhost:62893/",
        "curl -u bob http://localhost:1/",
        "ssh -p 22 localhost",
        "python3 -u client.py",
        "psql -U postgres -h 127.0.0.1",
        "git clone https://localhost:1/a@b/c",
    ],
)
def test_the_rest_stays(typed: str) -> None:
    assert shlex.join(redact_words(shlex.split(typed))) == shlex.join(shlex.split(typed))


def test_what_a_program_printed() -> None:
    assert redact_text("> Authorization: Basic Ym9iOmh1c2g=") == "> Authorization: ***"
    refused = "curl: (7) Failed to connect to localhost port 62893 after 0 ms: Could not connect to server"
    assert redact_text(refused) == refused


@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_words(words: list[str]) -> None:
    assert len(redact_words(words)) == len(words)
