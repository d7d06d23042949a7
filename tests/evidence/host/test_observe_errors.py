"""What programs print about their failure, read with the project's own table of errors."""

from __future__ import annotations

import pytest

from synscope.causes import errors
from synscope.evidence.host import observe_errors
from synscope.evidence.host.observe_errors import WORDS, Meaning
from synscope.model import Answer
from synscope.targets import parse


def meaning(line: str) -> Meaning | None:
    found = errors.find(line)
    return Meaning(found[0].name, errors.port_in(line)) if found else None


def answers(*lines: str, target: str = "localhost:8080", status: int | None = 1) -> dict[str, Answer]:
    found = observe_errors(lines, status, parse(target), meaning=meaning)
    assert [one.name for one in found] == list(WORDS)
    return {one.name: one.answer for one in found}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("OSError: [Errno 98] Address already in use", "bind-failed-in-use"),
        ("nginx: [emerg] bind() to 0.0.0.0:8080 failed (98: Address already in use)", "bind-failed-in-use"),
        ("listen EACCES: permission denied 0.0.0.0:8080", "bind-failed-permission"),
        ("listen tcp :8080: bind: permission denied", "bind-failed-permission"),
        ("connect: Connection refused", "client-error-refused"),
        ("connect: No route to host", "client-error-unreachable"),
    ],
)
def test_words_are_understood(line: str, name: str) -> None:
    found = answers("starting", line)
    assert {word for word, answer in found.items() if answer is Answer.YES} == {name}
    assert Answer.NO not in found.values()


def test_words_about_another_port_do_not_count() -> None:
    line = "nginx: [emerg] bind() to 0.0.0.0:81 failed (98: Address already in use)"
    assert answers(line)["bind-failed-in-use"] is Answer.UNKNOWN


def test_silence_is_no_denial() -> None:
    assert set(answers().values()) == {Answer.UNKNOWN}


def test_the_last_word_is_quoted_with_how_it_ended() -> None:
    found = observe_errors(["bind: Address already in use", "x"], -9, parse("8080"), meaning=meaning)
    assert found[0].text == "it said: bind: Address already in use (ended by signal 9)"
