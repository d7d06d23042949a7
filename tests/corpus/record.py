"""A line of the corpus: the truth of a played scenario and the answers to all questions. No texts, no addresses.

Input: a line, or what was played. Output: ``Recorded``, whose facts the ranker takes, or a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from synscope.evidence.vocabulary import QUESTIONS
from synscope.model import (
    Answer,
    AttemptGroup,
    Endpoint,
    Facts,
    Label,
    Observation,
    Outcome,
    TargetSummary,
)
from synscope.targets import parse
from tests.scenarios.play import Played

FOLDER: Final = Path(__file__).parent
_ANSWERS: Final = {"yes": Answer.YES, "no": Answer.NO, "unknown": Answer.UNKNOWN}
UNLISTED: Final = "?"
"""In place of a slug: the reason is none of the catalogue's."""
_SOMEWHERE: Final = "127.0.0.1"

Group = tuple[str, str, bool, int]
"""Label, outcome, whether the client got over it at another address, how many attempts."""


class View(NamedTuple):
    """What was known of the target in one way of looking: live, or by the packets alone."""

    target: str
    label: str
    groups: tuple[Group, ...]
    answers: Mapping[str, str]
    """Question to ``yes``, ``no`` or ``unknown``."""

    def facts(self) -> Facts:
        """Return it as the ranker takes it. Answers to questions that are no more are left out."""
        counts: dict[Label, int] = {}
        for label, _, _, number in self.groups:
            counts[Label(label)] = counts.get(Label(label), 0) + number
        target = parse(self.target)
        server = Endpoint(_SOMEWHERE, target.port)
        groups = tuple(
            AttemptGroup(server, Label(label), Outcome(outcome), recovered, number, 0, 0, ())
            for label, outcome, recovered, number in self.groups
        )
        return Facts(
            TargetSummary(target, Label(self.label), counts, groups),
            {
                name: Observation(name, _ANSWERS[answer], QUESTIONS[name].source, "")
                for name, answer in self.answers.items()
                if name in QUESTIONS
            },
        )


class Recorded(NamedTuple):
    """One played scenario."""

    set: str
    name: str
    cause: str
    """The slug that has to come first; empty for a connection that works, ``UNLISTED`` for a reason without one."""
    also: tuple[str, ...]
    """Slugs that are as right."""
    standing: tuple[str, ...]
    """Slugs that packets alone must leave standing."""
    label: str
    live: View
    packets: View | None
    """Nothing where a capture cannot show the failure."""

    @property
    def right(self) -> frozenset[str]:
        """All slugs that are a right answer."""
        return frozenset((self.cause, *self.also)) - {UNLISTED} if self.cause else frozenset()


def of_played(name: str, played: Played) -> Recorded:
    """Return the line of a scenario that was just played, for the set ``name``."""
    scenario = played.scenario
    (capture,) = played.document["captures"]
    (target,) = capture["targets"]
    groups = tuple(
        (group["label"], group["outcome"], group["recovered"], group["count"]) for group in capture["groups"]
    )
    live = View(target["target"], target["label"], groups, target["why"]["answers"])
    packets = None if played.file is None or not scenario.in_packets else _of_facts(played.file)
    standing = tuple(slug for slug in scenario.standing if slug != UNLISTED)
    return Recorded(
        name, scenario.name, scenario.cause, scenario.also, standing, scenario.label, live, packets
    )


def _of_facts(facts: Facts) -> View:
    summary = facts.summary
    groups = tuple(
        (group.label.value, group.outcome.value, group.recovered, group.count) for group in summary.groups
    )
    names = {answer: name for name, answer in _ANSWERS.items()}
    answers = {name: names[observation.answer] for name, observation in facts.observations.items()}
    return View(summary.target.text, summary.label.value, groups, answers)


def read(path: Path) -> list[Recorded]:
    """Return the lines of a set."""
    return [_recorded(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def read_all() -> list[Recorded]:
    """Return the lines of every set, set by set."""
    return [line for path in sorted(FOLDER.glob("*.jsonl")) for line in read(path)]


def write(path: Path, records: Iterable[Recorded]) -> None:
    """Add lines to a set; a scenario that it has already is replaced where it stands."""
    kept = {line.name: line for line in read(path)} if path.exists() else {}
    kept |= {line.name: line for line in records}
    path.write_text("".join(f"{_line(line)}\n" for line in kept.values()), encoding="utf-8", newline="\n")


def _recorded(line: Mapping[str, Any]) -> Recorded:
    return Recorded(
        line["set"],
        line["name"],
        line["cause"],
        tuple(line["also"]),
        tuple(line["standing"]),
        line["label"],
        _view(line["live"]),
        None if line["packets"] is None else _view(line["packets"]),
    )


def _view(value: Mapping[str, Any]) -> View:
    answers = {name: answer for answer in _ANSWERS for name in value[answer].split()}
    groups = tuple((group[0], group[1], group[2], group[3]) for group in value["groups"])
    return View(value["target"], value["label"], groups, answers)


def _line(record: Recorded) -> str:
    value = record._asdict()
    value["live"] = _value(record.live)
    value["packets"] = None if record.packets is None else _value(record.packets)
    return json.dumps(value, separators=(",", ":"))


def _value(view: View) -> dict[str, object]:
    by_answer = {
        answer: " ".join(sorted(name for name, given in view.answers.items() if given == answer))
        for answer in _ANSWERS
    }
    return {"target": view.target, "label": view.label, "groups": view.groups, **by_answer}
