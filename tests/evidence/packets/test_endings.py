"""Who closed or reset completed connections, and when."""

from __future__ import annotations

import pytest

from synscope.model import Answer, Attempt, Outcome
from tests.evidence.builders import (
    ANSWERED,
    ASKED,
    DONE,
    MS,
    SECOND,
    START,
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


def held(number: int, *, until: int | None = None) -> list[Attempt]:
    """So many connections, answered and open, the first of them until a moment."""
    made = [talk(at=at) for at in range(number)]
    if until is not None:
        made[0] = made[0]._replace(times=made[0].times._replace(end=START + until))
    return made


def turned_away(at: int = SECOND) -> Attempt:
    events = frozenset({"server-fin", "server-fin-before-data"})
    return attempt(Outcome.SILENT, at=at, events=events, times=times(at, end=at + MS))


SITUATIONS = [
    Situation(
        "reset after data",
        (attempt(Outcome.RESET_BY_SERVER, events=ANSWERED | {"server-rst"}, times=times(end=9)),),
        DONE | {"reset-after-answer"},
    ),
    Situation(
        "closed before an answer",
        (
            attempt(
                Outcome.CLOSED, events=ASKED | {"server-fin", "server-fin-before-data"}, times=times(end=9)
            ),
        ),
        DONE | {"closed-before-answer"},
    ),
    Situation(
        "an answer that is turned down with a reset is no loss",
        (
            attempt(
                Outcome.RESET_BY_CLIENT,
                events=ASKED | {"server-data", "client-rst"},
                times=times(client_data=0, server_data=MS, end=2 * SECOND),
            ),
        ),
        DONE | {"reset-by-client"},
    ),
    Situation(
        "closed at once while others are open",
        (*held(4), turned_away()),
        DONE | {"closed-before-answer", "closed-while-others-stayed"},
    ),
    Situation(
        "closed at once, and one of the others was over",
        (*held(4, until=MS), turned_away()),
        DONE | {"closed-before-answer"},
    ),
    Situation("others come later", (turned_away(0), *held(4)), DONE | {"closed-before-answer"}),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_situation(situation: Situation) -> None:
    check(situation)


def test_reset_after_the_clients_own_close_is_no_trouble() -> None:
    one = attempt(
        Outcome.RESET_BY_SERVER_EARLY,
        events=frozenset({"client-fin", "server-rst"}),
        times=times(client_fin=1, end=1),
    )
    assert observe(one)["reset-before-answer"].answer is Answer.NO
