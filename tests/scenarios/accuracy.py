"""Counts how often the answer was right, with packets alone and with all evidence. Pure.

Input: what was played. Output: tables in Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tests.scenarios.play import Answer, Played

TOP: Final = 3
Pick = Callable[[Played], Answer]


def right(played: Played, answer: Answer, first: int = 1) -> bool:
    """Whether a right cause is among the first few; of a connection that works, whether none is named."""
    wanted = played.scenario.right
    return bool(set(wanted) & set(answer.slugs[:first])) if wanted else not answer.slugs


def wrongly_certain(played: Played, answer: Answer) -> tuple[str, ...]:
    """Return the causes that were called certain and are not the right ones."""
    return tuple(slug for slug in answer.certain if slug not in played.scenario.right)


def named(played: Played, answer: Answer) -> bool:
    """Whether what packets can show still stands."""
    return set(played.scenario.standing) <= set(answer.slugs)


def _share(rows: Sequence[Played], holds: Callable[[Played], bool]) -> str:
    number = sum(map(holds, rows))
    return f"{number} of {len(rows)} ({100 * number / len(rows):.1f} %)" if rows else "none played"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summary(played: Sequence[Played]) -> str:
    """Return the table of rates."""
    failing = [one for one in played if one.scenario.cause]
    in_file = [one for one in failing if one.scenario.in_packets]
    working = [one for one in played if not one.scenario.cause]
    live: Pick = lambda one: one.live  # noqa: E731 - a column of the table
    file: Pick = lambda one: one.packets  # noqa: E731 - a column of the table
    pairs = ((in_file, file), (failing, live))

    def row(name: str, holds: Callable[[Played, Answer], bool]) -> list[str]:
        return [name, *(_share(rows, lambda one, pick=pick: holds(one, pick(one))) for rows, pick in pairs)]

    return _table(
        ("", "packets alone", "packets, host and kernel"),
        (
            row("the label is right", lambda one, answer: answer.label == one.scenario.label),
            row("the cause comes first", right),
            row(f"the cause is among the first {TOP}", lambda one, answer: right(one, answer, TOP)),
            row("the cause is named and not ruled out", named),
            row(
                "a right cause is certain",
                lambda one, answer: bool(set(answer.certain) & set(one.scenario.right)),
            ),
            row("a wrong cause is certain", lambda one, answer: bool(wrongly_certain(one, answer))),
            [
                "causes named at most",
                *(str(max((len(pick(one).slugs) for one in rows), default=0)) for rows, pick in pairs),
            ],
            [
                "works, and no failure is named",
                _share(working, lambda one: right(one, one.packets)),
                _share(working, lambda one: right(one, one.live) and one.status == 0),
            ],
        ),
    )


def by_cause(played: Sequence[Played]) -> str:
    """Return a row for each cause: how often it was to be found, and what came first instead."""
    rows = []
    for cause in dict.fromkeys(one.scenario.cause for one in played):
        of_it = [one for one in played if one.scenario.cause == cause]
        other = Counter(
            one.live.slugs[0] if one.live.slugs else "nothing" for one in of_it if not right(one, one.live)
        )
        rows.append(
            [
                cause or "(works)",
                str(len(of_it)),
                str(sum(right(one, one.packets) for one in of_it)),
                str(sum(right(one, one.live) for one in of_it)),
                str(sum(bool(one.live.certain) for one in of_it)),
                ", ".join(f"{slug} {number}" for slug, number in other.most_common()) or "",
            ]
        )
    return _table(("cause", "played", "first by packets", "first live", "certain live", "live instead"), rows)


def text(played: Sequence[Played]) -> str:
    """Return both tables."""
    return f"{summary(played)}\n\n{by_cause(played)}\n"
