"""Programs of the system that have a developer's port and name themselves in their answers."""

from __future__ import annotations

import pytest

from synscope.model import Answer
from tests.evidence.builders import DONE, GET, Situation, check, observe, said

AIRTUNES = b"HTTP/1.1 403 Forbidden\r\nServer: AirTunes/775.3.1\r\n\r\n"
FLASK = b"HTTP/1.1 403 FORBIDDEN\r\nServer: Werkzeug/3.0 Python/3.12\r\n\r\n"
OBJECTION = DONE | {"http-client-error"}

SITUATIONS = [
    Situation(
        "AirPlay receiver",
        (said(GET, AIRTUNES, port=5000),),
        OBJECTION | {"usual-owner-answered"},
        options={"port": 5000},
    ),
    Situation("a service of one's own", (said(GET, FLASK, port=5000),), OBJECTION, options={"port": 5000}),
    Situation("the name at another port", (said(GET, AIRTUNES),), OBJECTION),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_it_says_who_answered() -> None:
    found = observe(said(GET, AIRTUNES, port=5000), port=5000)["usual-owner-answered"]
    assert found.answer is Answer.YES
    assert (
        found.text
        == "the AirPlay receiver has port 5000 and answered HTTP 403 Forbidden from AirTunes/775.3.1"
    )
