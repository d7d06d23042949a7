from __future__ import annotations

import json
from typing import Any

from synscope.model import Attempt, Label, Outcome
from synscope.web.attempt_table import KEPT
from synscope.web.feed import WAITING, Feed, Now, Phase
from synscope.web.log import Log
from tests.evidence.builders import attempt

HEALTH = {"frames": 5, "lost": 0}


class Wire:
    """A feed and what a page reads of it."""

    def __init__(self) -> None:
        self.log = Log()
        self.feed = Feed(self.log, ["62893", "\x1b[2J"])
        self.at: int | None = None
        self.makers: dict[int, object] = {}
        self.asked: list[int] = []

    def publish(self, *newest: Attempt, phase: Phase = Phase.CAPTURING, report: str | None = None) -> Any:
        def makers(attempts: Any) -> dict[int, object]:
            self.asked = [one.id for one in attempts]
            return self.makers

        counts = {Label.SYN_RST: 12_345}
        self.feed.publish(Now(newest, counts, HEALTH), "lo\n", makers, phase, report)
        piece = self.log.next(self.at)
        assert piece is not None
        self.at = piece.at
        data = next(line for line in piece.data.decode("ascii").split("\n") if line.startswith("data: "))
        return json.loads(data[6:])


def made(number: int, outcome: Outcome = Outcome.REFUSED) -> Attempt:
    return attempt(outcome)._replace(id=number)


def ids(told: Any) -> list[int]:
    return [row["id"] for row in told["rows"]]


def test_the_first_thing_told_is_everything() -> None:
    told = Wire().publish(made(2), made(1))
    assert told["targets"] == ["62893", "\\x1b[2J"]
    assert told["interface"] == "lo\\x0a"
    assert (told["phase"], told["report"], told["kept"]) == ("capturing", None, KEPT)
    assert {one["label"] for one in told["labels"]} == set(Label) - {Label.CLIENT_NEVER_SENT}
    assert (told["counts"], told["health"]) == ({"SYN-RST": 12_345}, HEALTH)
    assert ids(told) == [1, 2]
    assert [row["settled"] for row in told["rows"]] == [False, False]


def test_an_attempt_is_told_again_once_it_has_settled() -> None:
    wire = Wire()
    wire.publish(made(1, Outcome.UNANSWERED))
    assert ids(wire.publish(made(1, Outcome.UNANSWERED))) == []
    wire.feed.settled(made(1, Outcome.CLOSED))
    (row,) = wire.publish()["rows"]
    assert (row["settled"], row["label"]) == (True, "completed")


def test_a_flood_is_sampled_and_that_is_said() -> None:
    wire = Wire()
    wire.publish()
    for number in range(10_000):
        wire.feed.settled(made(number))
    wire.feed.settled(made(10_000, Outcome.UNANSWERED))
    told = wire.publish()
    assert ids(told) == [*range(10_000 - WAITING, 10_000), 10_000]
    assert told["never_shown"] == 10_000 - WAITING
    assert told["counts"] == {"SYN-RST": 12_345}


def test_an_attempt_that_was_shown_before_counts_as_shown() -> None:
    wire = Wire()
    wire.publish(made(0))
    for number in range(WAITING + 1):
        wire.feed.settled(made(number))
    assert wire.publish()["never_shown"] == 0


def test_rows_are_bounded_for_one_who_comes_late() -> None:
    wire = Wire()
    for number in range(40 * WAITING):
        wire.feed.settled(made(number, Outcome.CLOSED if number % 2 else Outcome.REFUSED))
        if number % WAITING == 0:
            wire.publish()
    wire.at = None
    assert len(wire.publish()["rows"]) == 2 * KEPT


def test_who_made_an_attempt_is_asked_until_it_is_known() -> None:
    wire = Wire()
    wire.publish(made(1))
    assert wire.asked == [1]
    wire.makers = {1: "<b>curl</b>\x1b (7)"}
    (row,) = wire.publish(made(1))["rows"]
    assert row["process"] == "<b>curl</b>\\x1b (7)"
    wire.publish(made(1))
    assert wire.asked == []
    wire.feed.settled(made(1))
    (row,) = wire.publish()["rows"]
    assert row["process"] == "<b>curl</b>\\x1b (7)"


def test_the_end_says_where_the_report_is() -> None:
    wire = Wire()
    assert wire.publish(phase=Phase.ENDING)["phase"] == "ending"
    assert not wire.log.over
    told = wire.publish(phase=Phase.OVER, report="report.html")
    assert (told["phase"], told["report"]) == ("over", "report.html")
    assert wire.log.over
    wire.at = None
    assert wire.log.next(None) is not None
