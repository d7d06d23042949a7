"""What the last words of real commands are taken to mean."""

from __future__ import annotations

import pytest

from synscope.evidence.vocabulary import WORDS
from synscope.model import Answer, Source, Target
from synscope.session.client_errors import MEANINGS, observe_command, said
from synscope.session.runner import Ended

TARGET = Target("localhost:62893", 62893, "localhost")
OUT_OF_RANGE = Target("localhost:619009", 619009, "localhost")


def answers(program: str, *lines: str, status: int = 1, target: Target = TARGET) -> dict[str, Answer]:
    seen = observe_command(program, Ended(status=status, lines=lines), target)
    assert all(one.source is Source.HOST and one.text for one in seen)
    return {one.name: one.answer for one in seen}


def yes(program: str, *lines: str, status: int = 1, target: Target = TARGET) -> list[str]:
    found = answers(program, *lines, status=status, target=target)
    return [name for name, answer in found.items() if answer is Answer.YES]


def test_every_observation_is_in_the_vocabulary_and_every_meaning_in_the_table() -> None:
    from synscope.causes.errors import ERRORS

    assert set(MEANINGS) <= set(WORDS)
    assert set().union(*MEANINGS.values()) <= {error.name for error in ERRORS}


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (
            "curl",
            "curl: (7) Failed to connect to localhost port 62893 after 0 ms: Couldn't connect to server",
        ),
        ("nc", "nc: connect to localhost port 62893 (tcp) failed: Connection refused"),
        ("python", "ConnectionRefusedError: [Errno 111] Connection refused"),
        ("node", "Error: connect ECONNREFUSED 127.0.0.1:62893"),
    ],
)
def test_refused(program: str, line: str) -> None:
    assert yes(program, "Traceback (most recent call last):", line) == ["client-error-refused"]


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("wget", "http://localhost:619009/: Bad port number."),
        ("ssh", "Bad port '619009'"),
        ("python", "OverflowError: connect(): port must be 0-65535."),
        (
            "node",
            "RangeError [ERR_SOCKET_BAD_PORT]: Port should be >= 0 and < 65536. Received type number (619009).",
        ),
    ],
)
def test_impossible_port(program: str, line: str) -> None:
    assert yes(program, line, target=OUT_OF_RANGE) == ["client-error-port-invalid"]


def test_name_and_route() -> None:
    assert yes("curl", "curl: (6) Could not resolve host: nope") == ["client-error-name"]
    assert yes("nc", "nc: connect to 10.0.0.1 port 62893 (tcp) failed: No route to host") == [
        "client-error-unreachable"
    ]


def test_a_silent_curl_speaks_by_its_status() -> None:
    assert yes("curl", status=7) == ["client-error-refused"]
    assert yes("curl", status=6) == ["client-error-name"]
    assert yes("other", status=7) == []


def test_an_invalid_url_is_an_invalid_port_only_where_the_number_is_none() -> None:
    line = "curl: (3) URL using bad/illegal format or missing URL"
    assert yes("curl", line, status=3, target=OUT_OF_RANGE) == ["client-error-port-invalid"]
    assert yes("curl", status=3, target=OUT_OF_RANGE) == ["client-error-port-invalid"]
    assert yes("curl", line, status=3) == []


def test_another_port_is_about_something_else() -> None:
    line = "Error: connect ECONNREFUSED 127.0.0.1:3128"
    assert yes("node", line) == []
    (refused, *_) = observe_command("node", Ended(status=1, lines=(line,)), TARGET)
    assert refused.answer is Answer.UNKNOWN
    assert "another port" in refused.text


def test_the_shortened_number_is_the_same_target() -> None:
    assert yes("nc", "connect to localhost port 29185 failed: Connection refused", target=OUT_OF_RANGE)


def test_silence_and_success_say_nothing() -> None:
    assert set(answers("curl", status=0).values()) == {Answer.UNKNOWN}
    assert set(answers("x", "all is well").values()) == {Answer.UNKNOWN}


def test_the_last_word_comes_first_and_each_meaning_once() -> None:
    ended = Ended(
        status=1, lines=("Connection refused", "Could not resolve host: a", "Connection refused again")
    )
    assert [one.meaning.name for one in said("x", ended)] == ["ECONNREFUSED", "EAI_NONAME"]
    assert said("x", ended)[0].line == "Connection refused again"
