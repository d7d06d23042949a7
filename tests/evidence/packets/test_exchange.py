"""Who answered, who fell silent, who gave up first."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt, Outcome
from tests.evidence.builders import (
    ANSWERED,
    ASKED,
    DONE,
    MS,
    SECOND,
    Situation,
    attempt,
    check,
    observe,
    times,
)


def talk(*events: str, client: str | None = None, server: str = "127.0.0.1", at: int = 0) -> Attempt:
    """A connection on which more was said after the first answer."""
    ended = {"client_fin": SECOND} if "client-fin" in events else {}
    moments = times(at, client_data=at, server_data=at + MS, **ended)
    return attempt(
        Outcome.STILL_OPEN, at=at, events=ANSWERED | set(events), times=moments, client=client, server=server
    )


SILENT_VISIT = attempt(
    Outcome.CLOSED, events=frozenset({"client-fin"}), times=times(client_fin=3 * SECOND, end=3 * SECOND)
)

SITUATIONS = [
    Situation("nobody speaks, and the client leaves", (SILENT_VISIT,), DONE | {"nobody-spoke"}),
    Situation(
        "nobody speaks, and the client resets",
        (attempt(Outcome.RESET_BY_CLIENT, events=frozenset({"client-rst"}), times=times(end=3 * SECOND)),),
        DONE | {"nobody-spoke", "reset-by-client"},
    ),
    Situation(
        "nobody greets, and the client takes its leave",
        (
            attempt(
                Outcome.RESET_BY_SERVER_EARLY,
                events=frozenset({"client-data", "server-rst", "server-rst-before-data"}),
                client_payload=b"QUIT\r\n",
                client_bytes=6,
                times=times(client_data=2 * SECOND, end=2 * SECOND + MS),
            ),
        ),
        DONE | {"nobody-spoke", "reset-before-answer"},
    ),
    Situation(
        "nobody speaks, and it only looked whether somebody listens",
        (attempt(Outcome.CLOSED, events=frozenset({"client-fin"}), times=times(client_fin=MS, end=MS)),),
        DONE,
    ),
    Situation("one connection in reserve beside one that is used", (SILENT_VISIT, talk()), DONE),
    Situation(
        "silent until the client gives up",
        (
            attempt(
                Outcome.SERVER_SILENT,
                events=ASKED | {"client-fin"},
                times=times(client_data=MS, client_fin=2 * SECOND, end=2 * SECOND),
            ),
        ),
        DONE | {"server-silent", "request-acknowledged", "client-gave-up"},
    ),
    Situation(
        "data never acknowledged",
        (attempt(Outcome.SERVER_SILENT, events=frozenset({"client-data"}), times=times(client_data=MS)),),
        DONE | {"server-silent", "request-not-acknowledged"},
    ),
    Situation(
        "answer after the client left",
        (
            attempt(
                Outcome.RESET_BY_CLIENT,
                events=ANSWERED | {"client-fin", "client-rst", "server-data-after-client-fin"},
                times=times(client_data=MS, client_fin=SECOND, server_data=2 * SECOND, end=SECOND),
            ),
        ),
        DONE | {"late-answer", "client-gave-up", "reset-by-client"},
    ),
    Situation(
        "the server closes after the client that got nothing",
        (
            attempt(
                Outcome.SERVER_SILENT,
                events=ASKED | {"client-fin", "server-fin"},
                times=times(client_data=MS, client_fin=2 * SECOND, end=2 * SECOND + MS),
            ),
        ),
        DONE | {"server-silent", "request-acknowledged", "client-gave-up", "server-closed-in-turn"},
    ),
    Situation(
        "the answer never acknowledged, until the client gives up",
        (
            attempt(
                Outcome.CLOSED,
                events=ASKED | {"server-data", "client-fin"},
                times=times(client_data=0, server_data=MS, client_fin=2 * SECOND, end=2 * SECOND),
            ),
        ),
        DONE | {"answer-not-acknowledged"},
    ),
    Situation(
        "the answer never acknowledged, until the capture ends",
        (
            attempt(
                Outcome.CLOSED, events=ASKED | {"server-data"}, times=times(client_data=0, server_data=MS)
            ),
        ),
        DONE | {"answer-not-acknowledged"},
    ),
    Situation(
        "a later request that is repeated to the end, on one host",
        (talk("client-data-lost"),),
        DONE | {"request-not-acknowledged"},
    ),
    Situation(
        "a later answer that is repeated to the end, on one host",
        (talk("server-data-lost"),),
        DONE | {"answer-not-acknowledged"},
    ),
    Situation(
        "a capture that ends while a network repeats what it lost",
        (talk("client-data-lost", "server-data-lost", client="192.0.2.7", server="192.0.2.8"),),
        DONE - {"loopback-traffic"},
    ),
    Situation(
        "the client ends what a network keeps losing",
        (talk("client-data-lost", "client-fin", client="192.0.2.7", server="192.0.2.8"),),
        (DONE - {"loopback-traffic"}) | {"request-not-acknowledged"},
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


@pytest.mark.parametrize(
    ("word", "one", "why"),
    [
        (
            "server-silent",
            attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=58 * SECOND)),
            "ends 2 s after",
        ),
        (
            "server-silent",
            attempt(
                Outcome.CLOSED,
                events=ASKED | {"client-fin", "server-fin"},
                times=times(client_data=0, client_fin=MS, end=MS),
            ),
            "perhaps no answer was due",
        ),
        (
            "late-answer",
            attempt(
                Outcome.CLOSED,
                events=ANSWERED,
                times=times(client_data=0, client_fin=1, server_data=2, end=1),
            ),
            "may still have read the answer",
        ),
    ],
)
def test_could_not_tell(word: str, one: Attempt, why: str) -> None:
    found = observe(one)[word]
    assert found.answer is Answer.UNKNOWN
    assert why in found.text


def test_open_end_is_unknown_without_an_end() -> None:
    one = attempt(Outcome.SERVER_SILENT, events=ASKED, times=times(client_data=0))
    assert observe(one, end=None)["server-silent"].answer is Answer.UNKNOWN
    assert observe(one)["server-silent"].answer is Answer.YES


def test_a_client_may_give_up_by_reset() -> None:
    events = ASKED | {"client-rst"}
    one = attempt(Outcome.RESET_BY_CLIENT, events=events, times=times(client_data=0, end=2 * SECOND))
    found = observe(one)
    assert found["client-gave-up"].text == (
        "the client ended 1 connection while it waited for an answer, after 2 s"
    )
    assert found["server-silent"].answer is Answer.YES


def test_no_acknowledgement_shows_sooner_than_silence() -> None:
    one = attempt(Outcome.SERVER_SILENT, events=frozenset({"client-data"}), times=times(client_data=0))
    found = observe(one, end=840 * MS)
    assert found["request-not-acknowledged"].answer is Answer.YES
    assert found["server-silent"].answer is Answer.UNKNOWN
    assert observe(one, end=MS)["request-not-acknowledged"].answer is Answer.UNKNOWN


def test_who_only_looks_whether_the_port_answers_has_no_timeout() -> None:
    events = (ANSWERED - ASKED) | {"client-fin", "client-rst"}
    at_once = times(client_fin=MS, server_data=SECOND, end=MS)
    waited = times(client_fin=SECOND, server_data=2 * SECOND, end=SECOND)
    found = observe(attempt(Outcome.RESET_BY_CLIENT, events=events, times=at_once))
    assert found["late-answer"].answer is Answer.NO
    assert found["client-gave-up"].answer is Answer.NO
    found = observe(attempt(Outcome.RESET_BY_CLIENT, events=events, times=waited))
    assert found["late-answer"].answer is Answer.YES


def test_who_waits_for_a_greeting_is_beside_the_point_where_another_try_failed() -> None:
    assert observe(SILENT_VISIT)["nobody-spoke"].answer is Answer.YES
    refused = attempt(Outcome.REFUSED, at=SECOND, frame=9)
    assert observe(SILENT_VISIT, refused)["nobody-spoke"].answer is Answer.NO
