from __future__ import annotations

import json

from synscope.model import Label, Outcome
from synscope.web import attempt_table
from tests.evidence.builders import attempt

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202eevil\n\udcff"


def row(
    number: int, outcome: Outcome = Outcome.REFUSED, *, settled: bool = True, process: str | None = None
) -> attempt_table.AttemptRow:
    one = attempt(outcome)._replace(id=number)
    return attempt_table.attempt_row(one, settled=settled, process=process)


def test_what_others_chose_is_escaped() -> None:
    made = json.dumps(row(7, process=HOSTILE).json())
    assert made.isascii()
    shown = json.loads(made)
    assert shown["process"] == "<img src=x onerror=alert(1)>\\x1b[31m\\u202eevil\\x0a\\xff"
    assert (shown["id"], shown["label"], shown["outcome"]) == (7, "SYN-RST", "refused")
    assert shown["text"] == "the server answered the SYN with an RST"


def test_the_newest_of_each_label_are_kept() -> None:
    many = [row(number) for number in range(500)] + [row(500, Outcome.CLOSED), row(3, Outcome.UNANSWERED)]
    kept = attempt_table.newest_of_each_label(many, 10)
    assert list(kept) == [500, *range(499, 489, -1), 3]
    assert [one.label for one in kept.values()].count(Label.SYN_RST) == 10


def test_only_what_changed_is_told_again() -> None:
    before = attempt_table.newest_of_each_label([row(1), row(2, settled=False)])
    after = attempt_table.newest_of_each_label([row(1), row(2), row(3)])
    assert [one.id for one in attempt_table.changed(before, after)] == [2, 3]
    assert attempt_table.changed(after, after) == []
