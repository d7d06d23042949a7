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
    failing = [play for play in played if play.scenario.cause]
    in_file = [play for play in failing if play.scenario.in_packets]
    working = [play for play in played if not play.scenario.cause]
    live: Pick = lambda play: play.live  # noqa: E731 - a column of the table
    file: Pick = lambda play: play.packets  # noqa: E731 - a column of the table
    pairs = ((in_file, file), (failing, live))

    def row(name: str, holds: Callable[[Played, Answer], bool]) -> list[str]:
        return [
            name,
            *(_share(rows, lambda play, pick=pick: holds(play, pick(play))) for rows, pick in pairs),
        ]

    return _table(
        ("", "packets alone", "packets, host and kernel"),
        (
            row("the label is right", lambda play, answer: answer.label == play.scenario.label),
            row("the cause comes first", right),
            row(f"the cause is among the first {TOP}", lambda play, answer: right(play, answer, TOP)),
            row("the cause is named and not ruled out", named),
            row(
                "a right cause is certain",
                lambda play, answer: bool(set(answer.certain) & set(play.scenario.right)),
            ),
            row("a wrong cause is certain", lambda play, answer: bool(wrongly_certain(play, answer))),
            [
                "causes named at most",
                *(str(max((len(pick(play).slugs) for play in rows), default=0)) for rows, pick in pairs),
            ],
            [
                "works, and no failure is named",
                _share(working, lambda play: right(play, play.packets)),
                _share(working, lambda play: right(play, play.live) and play.status == 0),
            ],
        ),
    )


def by_cause(played: Sequence[Played]) -> str:
    """Return a row for each cause: how often it was to be found, and what came first instead."""
    rows = []
    for cause in dict.fromkeys(play.scenario.cause for play in played):
        of_it = [play for play in played if play.scenario.cause == cause]
        other = Counter(
            play.live.slugs[0] if play.live.slugs else "nothing"
            for play in of_it
            if not right(play, play.live)
        )
        rows.append(
            [
                cause or "(works)",
                str(len(of_it)),
                str(sum(right(play, play.packets) for play in of_it)),
                str(sum(right(play, play.live) for play in of_it)),
                str(sum(bool(one.live.certain) for one in of_it)),
                ", ".join(f"{slug} {number}" for slug, number in other.most_common()) or "",
            ]
        )
    return _table(("cause", "played", "first by packets", "first live", "certain live", "live instead"), rows)


def text(played: Sequence[Played]) -> str:
    """Return both tables."""
    return f"{summary(played)}\n\n{by_cause(played)}\n"
